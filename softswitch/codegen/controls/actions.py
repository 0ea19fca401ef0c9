"""Actions: one C function per action and instance of its control (14.1)."""

from __future__ import annotations

from p4front.syntax import ast
from softswitch.codegen.expressions import arguments
from softswitch.codegen.functions import bounds
from softswitch.codegen.functions.callables import ActionCode
from softswitch.codegen.functions.environment import Environment
from softswitch.codegen.functions.function_body import Function, FunctionBody
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.names import identifier, source_comment
from softswitch.codegen.statements import blocks


class ActionInstance(ActionCode):
    """An action of the program or of one instance of a control. `name`: its control-plane name."""

    def __init__(self, unit: TranslationUnit, decl: ast.ActionDecl, env: Environment, frame: str) -> None:
        self.unit, self.decl, self.env, self.frame = unit, decl, env.inner(), frame
        self.name = env.scope.name_of(decl)
        self._function: Function | None = None

    def function(self) -> Function:
        if self._function is None:
            self._function = self._make()
        return self._function

    def _make(self) -> Function:
        unit, decl = self.unit, self.decl
        function = Function(unit.names.fresh(f"action_{identifier(self.name)}"), frame=bool(self.frame))
        body = FunctionBody(unit, self.env, function, kind="action")
        function.params = arguments.make_params(body, decl.params)
        arguments.start_outs(body, function.params, decl.params)
        with bounds.making(unit, function, f"action {self.name}", decl.span):
            blocks.block(body, decl.body)
        first = ["struct ss_x *x", *([f"{self.frame} *f"] if self.frame else [])]
        head = f"void {function.c_name}({', '.join(first + arguments.signature(body, function.params))})"
        unit.add_function(head, body.lines, source_comment(decl.span))
        return function
