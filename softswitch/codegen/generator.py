"""What a run of the code generator starts with: the program's externs, and its own actions and functions in scope."""

from __future__ import annotations

from p4front.program import Program
from p4front.syntax import ast
from softswitch.codegen.controls.actions import ActionInstance
from softswitch.codegen.externs import instances
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.statements.functions import FunctionInstance


def translation_unit(program: Program) -> TranslationUnit:
    """Raises P4Error if the program cannot be elaborated."""
    unit = TranslationUnit(program)
    for decl in program.syntax.declarations:
        if isinstance(decl, ast.ActionDecl):
            if decl.name.text == "NoAction":
                unit.no_action = decl
            unit.env.bind(decl, ActionInstance(unit, decl, unit.env, ""))
        elif isinstance(decl, ast.FunctionDecl):
            unit.env.bind(decl, FunctionInstance(unit, decl, unit.env, "", ""))
    instances.describe(unit)
    return unit
