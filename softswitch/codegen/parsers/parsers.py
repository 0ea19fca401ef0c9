"""Parsers: one C function per instance, one label per state; false means rejected (12)."""

from __future__ import annotations

from contextlib import nullcontext

from p4front.elaborate.live import reachable_states
from p4front.elaborate.objects import Instance
from p4front.elaborate.objects import ValueSet as ElaboratedValueSet
from p4front.syntax import ast
from p4front.text.source import P4Error
from p4front.types.types import BoolType
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments, parser_errors
from softswitch.codegen.functions import bounds
from softswitch.codegen.functions.callables import BlockCode, block_of, register_block
from softswitch.codegen.functions.function_body import Function, FunctionBody
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.names import identifier, source_comment
from softswitch.codegen.parsers import selects
from softswitch.codegen.statements import blocks, declarations
from softswitch.codegen.values import cexpr

STEP_LIMIT = 65536
"""Most states that one packet may pass through in one parser; then ParserTimeout."""


@register_block(ast.ParserDecl)
class ParserInstance(BlockCode):
    """One instance of a parser."""

    decl: ast.ParserDecl

    def __init__(self, unit: TranslationUnit, instance: Instance, decl: ast.ParserDecl) -> None:
        super().__init__(unit, instance, decl)
        function = Function(unit.names.fresh(f"parser_{identifier(self.name)}"), returns=BoolType())
        self._body = FunctionBody(unit, self.env, function, kind="parser")
        self.is_main = False
        """The switch's own parser: the runtime has made all headers invalid already."""
        function.params = arguments.make_params(self._body, decl.params)
        self._labels = {state.name.text: self._body.names.local(f"state_{state.name.text}") for state in decl.states}
        self._variables: list[ast.VariableDecl] = []
        applied = [node for node in instance.scope.objects if isinstance(node, ast.DirectApply)]
        for local in [*decl.constructor_params, *decl.locals, *applied]:
            try:
                self._declare(local)
            except P4Error as error:
                unit.report(error)

    def _declare(self, local: ast.Node) -> None:
        unit, env = self.unit, self.env
        made = env.scope.objects.get(local)
        if isinstance(made, Instance):
            env.bind(local, block_of(unit, made))
        elif isinstance(made, ElaboratedValueSet):
            env.bind(local, selects.ValueSet(unit, made))
        elif isinstance(local, ast.VariableDecl):
            self._variables.append(local)
        elif isinstance(local, ast.ConstantDecl):
            declarations.require_constant(env, local)
        elif not isinstance(local, (ast.Parameter, ast.Instantiation, ast.ValueSetDecl, ast.DirectApply)):
            raise refuse(local.span, "this declaration is not supported in a parser")

    def _make(self) -> Function:
        body, unit, decl, function = self._body, self.unit, self.decl, self._body.function
        if not self.is_main:
            arguments.start_outs(body, function.params, decl.params)
        for local in self._variables:
            declarations.variable(body, local)
        if self._cyclic():
            self._steps = body.temp("uint32_t", cexpr.constant("0"), "steps")
        self._goto(body, "start", decl)
        with bounds.making(unit, function, f"parser {self.name}", decl.span):
            for state in reachable_states(decl):
                self._state(body, state)
        body.label("accept_")
        body.emit("return true;")
        body.label("reject_")
        body.emit("return false;")
        params = ["struct ss_x *x", *arguments.signature(body, function.params)]
        unit.add_function(f"bool {function.c_name}({', '.join(params)})", body.lines, source_comment(decl.span))
        return function

    def _state(self, body: FunctionBody, state: ast.ParserState) -> None:
        body.label(self._labels[state.name.text])
        with body.braces():
            body.emit(source_comment(state.span))
            body.trace(f"parser {self.name}: state {state.name}{_extracted(state)}")
            with bounds.counted_round(body) if self._cyclic() else nullcontext():
                if self._cyclic():
                    body.emit(f"{self._steps}++;")
                    too_many = cexpr.binary(">", self._steps, STEP_LIMIT)
                    parser_errors.reject_if(body, cexpr.binary("||", too_many, bounds.EXHAUSTED), "ParserTimeout")
                self._inside(body, state)

    def _inside(self, body: FunctionBody, state: ast.ParserState) -> None:
        for statement in state.statements:
            try:
                blocks.emit(body, statement)
            except P4Error as error:
                body.unit.report(error)
        transition = state.transition
        try:
            if transition is None:
                self._leave(body, "reject")
            elif transition.select is not None:
                selects.select(body, transition.select, lambda target: self._goto(body, target, state))
            elif transition.target is not None:
                self._goto(body, transition.target.text, state)
        except P4Error as error:
            body.unit.report(error)

    def _goto(self, body: FunctionBody, target: str, where: ast.Node) -> None:
        if target in self._labels:
            body.emit(f"goto {self._labels[target]};")
        elif target in ("accept", "reject"):
            self._leave(body, target)
        else:
            raise refuse(where.span, f"parser {self.decl.name} has no state {target}")

    def _leave(self, body: FunctionBody, how: str) -> None:
        body.trace(f"parser {self.name}: {how}")
        body.emit(f"goto {how}_;")

    def _cyclic(self) -> bool:
        """Whether a state can come again, so that steps must be counted."""
        following: dict[str, set[str]] = {}
        for state in self.decl.states:
            targets: set[str] = set()
            if state.transition is not None and state.transition.target is not None:
                targets.add(state.transition.target.text)
            if state.transition is not None and state.transition.select is not None:
                targets.update(case.target.text for case in state.transition.select.cases)
            following[state.name.text] = targets
        while following:
            leaves = [name for name, targets in following.items() if not targets & following.keys()]
            if not leaves:
                return True
            for name in leaves:
                del following[name]
        return False


def _extracted(state: ast.ParserState) -> str:
    """What a state extracts, for the packet's story."""
    names = [
        statement.call.args[0].expr.span.text
        for statement in state.statements
        if isinstance(statement, ast.CallStatement)
        and isinstance(statement.call.callee, ast.Member)
        and statement.call.callee.member.text == "extract"
        and statement.call.args
    ]
    return f", extracts {', '.join(names)}" if names else ""
