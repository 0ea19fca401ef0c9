"""Declarations of variables and constants (10.4, 10.5)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.types.types import Type
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import header_lengths, rvalues
from softswitch.codegen.functions.environment import Environment
from softswitch.codegen.functions.function_body import FunctionBody
from softswitch.codegen.statements import blocks
from softswitch.codegen.values.cexpr import CExpr


@blocks.register(ast.VariableDecl)
def variable(body: FunctionBody, decl: ast.VariableDecl) -> None:
    type_ = body.env.type(body.unit.program.declared[decl])
    body.declare(decl, type_, initial(body, decl, type_))


def initial(body: FunctionBody, decl: ast.VariableDecl, type_: Type) -> CExpr:
    """The value that a variable begins with, in C."""
    if decl.init is None:
        return body.unit.layout.zero(type_)
    value = rvalues.rvalue(body, decl.init, type_)
    header_lengths.made(body, decl.init, type_)
    return value.c


@blocks.register(ast.ConstantDecl)
def _constant(body: FunctionBody, decl: ast.ConstantDecl) -> None:
    require_constant(body.env, decl)


def require_constant(env: Environment, decl: ast.ConstantDecl) -> None:
    """Refuses a constant whose value is not known at compile time (10.4)."""
    if evaluate(env, decl.value) is None:
        raise refuse(decl.value.span, "the value of a constant must be known at compile time")
