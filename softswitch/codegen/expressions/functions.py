"""P4 functions, one C function per specialisation (10.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import Type, TypeVar, VoidType
from softswitch.codegen.env import Env
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments, calls
from softswitch.codegen.names import identifier, source_comment
from softswitch.codegen.statements import statements
from softswitch.codegen.statements.body import Body, Function, Val

if TYPE_CHECKING:
    from softswitch.codegen.generator import Generator


class FunctionInstance:
    """A function in one scope: the program, or an instance of a control. Makes its specialisations when called."""

    def __init__(self, gen: Generator, decl: ast.FunctionDecl, env: Env, prefix: str, frame: str) -> None:
        self.gen, self.decl, self.env, self.prefix, self.frame = gen, decl, env, prefix, frame
        self._made: dict[tuple[Type, ...], tuple[Function, Env]] = {}

    def specialise(self, type_args: tuple[Type, ...]) -> tuple[Function, Env]:
        made = self._made.get(type_args)
        if made is None:
            made = self._made[type_args] = self._make(type_args)
        return made

    def _make(self, type_args: tuple[Type, ...]) -> tuple[Function, Env]:
        gen, decl = self.gen, self.decl
        env = self.env.inner(_bind_types(decl.type_params, type_args))
        returns = env.type(gen.program.type_refs[decl.return_type])
        function = Function(gen.names.fresh(f"function_{identifier(self.prefix + decl.name.text)}"), returns=returns)
        function.frame = bool(self.frame)
        is_void = isinstance(returns, VoidType)
        zero = None if is_void else gen.layout.zero(returns)
        body = Body(gen, env, function, kind="function", returns=zero)
        function.params = arguments.make_params(body, decl.params)
        arguments.start_outs(body, function.params, decl.params)
        statements.block(body, decl.body)
        if zero is not None:
            body.emit(f"return {zero};")
        first = ["struct ss_x *x", *([f"{self.frame} *f"] if self.frame else [])]
        declared = ", ".join(first + arguments.signature(body, function.params))
        head = f"{gen.layout.c_type(returns)} {function.c_name}({declared})"
        gen.add_function(head, body, source_comment(decl.span))
        return function, env


def _bind_types(params: list[ast.TypeParameter], args: tuple[Type, ...]) -> dict[TypeVar, Type]:
    return {TypeVar(p.name.text, p): a for p, a in zip(params, args, strict=False)}


def call_function(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """A call of a P4 function."""
    decl = info.decl
    if not isinstance(decl, ast.FunctionDecl):
        raise refuse(expr.span, f"function {info.name} has no body")
    instance = body.env.lookup(decl)
    if not isinstance(instance, FunctionInstance):
        raise refuse(expr.span, f"function {info.name} cannot be called here")
    function, env = instance.specialise(tuple(body.env.type(t) for t in info.type_args))
    return calls.invoke(body, function, info.args, env, function.returns)
