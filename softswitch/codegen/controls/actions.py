"""Actions: one C function per action and instance of its control (14.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4front.program import CallInfo
from p4front.syntax import ast
from softswitch.codegen.env import Env
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments, calls
from softswitch.codegen.names import identifier, source_comment
from softswitch.codegen.statements import statements
from softswitch.codegen.statements.body import Body, Function

if TYPE_CHECKING:
    from softswitch.codegen.generator import Generator


class ActionInstance:
    """An action of the program or of one instance of a control. `name`: its control-plane name."""

    def __init__(self, gen: Generator, decl: ast.ActionDecl, env: Env, frame: str) -> None:
        self.gen, self.decl, self.env, self.frame = gen, decl, env.inner(), frame
        self.name = env.scope.name_of(decl)
        self._function: Function | None = None

    def function(self) -> Function:
        if self._function is None:
            self._function = self._make()
        return self._function

    def _make(self) -> Function:
        gen, decl = self.gen, self.decl
        function = Function(gen.names.fresh(f"action_{identifier(self.name)}"), frame=bool(self.frame))
        body = Body(gen, self.env, function, kind="action")
        function.params = arguments.make_params(body, decl.params)
        arguments.start_outs(body, function.params, decl.params)
        statements.block(body, decl.body)
        first = ["struct ss_x *x", *([f"{self.frame} *f"] if self.frame else [])]
        head = f"void {function.c_name}({', '.join(first + arguments.signature(body, function.params))})"
        gen.add_function(head, body, source_comment(decl.span))
        return function


def find_action(body_env: Env, decl: ast.Node | None, where: ast.Node) -> ActionInstance:
    """The instance of an action that is in scope."""
    instance = body_env.lookup(decl) if decl is not None else None
    if not isinstance(instance, ActionInstance):
        raise refuse(where.span, "this action cannot be used here")
    return instance


def call_action(body: Body, expr: ast.Call, info: CallInfo) -> None:
    """An action called like a function."""
    instance = find_action(body.env, info.decl, expr)
    calls.invoke(body, instance.function(), info.args, instance.env, None)
