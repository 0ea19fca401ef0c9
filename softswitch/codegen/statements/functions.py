"""P4 functions, one C function per specialisation (10.1)."""

from __future__ import annotations

from p4front.syntax import ast
from p4front.types.types import Type, TypeVar, VoidType
from softswitch.codegen.expressions import arguments
from softswitch.codegen.functions import bounds
from softswitch.codegen.functions.callables import FunctionCode
from softswitch.codegen.functions.environment import Environment
from softswitch.codegen.functions.function_body import Function, FunctionBody
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.names import identifier, source_comment
from softswitch.codegen.statements import blocks


class FunctionInstance(FunctionCode):
    """A function in one scope: the program, or an instance of a control. Makes its specialisations when called."""

    def __init__(
        self, unit: TranslationUnit, decl: ast.FunctionDecl, env: Environment, prefix: str, frame: str
    ) -> None:
        self.unit, self.decl, self.env, self.prefix, self.frame = unit, decl, env, prefix, frame
        self._made: dict[tuple[Type, ...], tuple[Function, Environment]] = {}

    def specialise(self, type_args: tuple[Type, ...]) -> tuple[Function, Environment]:
        made = self._made.get(type_args)
        if made is None:
            made = self._made[type_args] = self._make(type_args)
        return made

    def _make(self, type_args: tuple[Type, ...]) -> tuple[Function, Environment]:
        unit, decl = self.unit, self.decl
        env = self.env.inner(_bind_types(decl.type_params, type_args))
        returns = env.type(unit.program.type_refs[decl.return_type])
        function = Function(unit.names.fresh(f"function_{identifier(self.prefix + decl.name.text)}"), returns=returns)
        function.frame = bool(self.frame)
        is_void = isinstance(returns, VoidType)
        zero = None if is_void else unit.layout.zero(returns)
        body = FunctionBody(unit, env, function, kind="function", returns=zero)
        function.params = arguments.make_params(body, decl.params)
        arguments.start_outs(body, function.params, decl.params)
        with bounds.making(unit, function, f"function {decl.name}", decl.span):
            blocks.block(body, decl.body)
        if zero is not None:
            body.emit(f"return {zero};")
        first = ["struct ss_x *x", *([f"{self.frame} *f"] if self.frame else [])]
        declared = ", ".join(first + arguments.signature(body, function.params))
        head = f"{unit.layout.c_type(returns)} {function.c_name}({declared})"
        unit.add_function(head, body.lines, source_comment(decl.span))
        return function, env


def _bind_types(params: list[ast.TypeParameter], args: tuple[Type, ...]) -> dict[TypeVar, Type]:
    return {TypeVar(p.name.text, p): a for p, a in zip(params, args, strict=False)}
