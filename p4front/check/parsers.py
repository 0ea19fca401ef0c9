"""Parsers: states, transitions, select (13)."""

from __future__ import annotations

from p4front.check.context import Context, Frame
from p4front.syntax import ast
from p4front.types.rules import SIZED, kind_of
from p4front.types.types import (
    WRONG,
    BoolType,
    EnumType,
    ErrorType,
    ObjectType,
    TupleType,
    Type,
    strip,
)

FINAL = ("accept", "reject")


class ParserChecker:
    """Checks parser declarations."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    def parser(self, decl: ast.ParserDecl) -> None:
        cx = self.cx
        with cx.defining(decl), cx.block("params"):
            variables = cx.callables.type_parameters(decl, decl.type_params)
            type_ = ObjectType("parser", decl.name.text, variables, decl)
            cx.callables.apply_signature(decl, "parser")
            cx.callables.constructor(decl, type_)
            with cx.block("locals"), cx.inside(Frame("parser", decl=decl, in_parser=True)):
                for local in decl.locals:
                    cx.declarations.local(local)
                self._states(decl)
        cx.declare(decl, type_)

    def _states(self, decl: ast.ParserDecl) -> None:
        cx = self.cx
        states: dict[str, ast.ParserState] = {}
        for state in decl.states:
            name = state.name.text
            if name in FINAL:
                cx.error(f'the state "{name}" is built in and can\'t be declared', state.name.span)
            elif name in states:
                cx.duplicate(name, state.name.span, states[name])
            elif name in cx.scope.names:
                cx.duplicate(name, state.name.span, cx.scope.names[name][0])
            else:
                states[name] = state
        if "start" not in states:
            cx.error(f'the parser "{decl.name}" has no state "start"', decl.name.span)
        with cx.inside(Frame("state", decl=decl, in_parser=True)):
            for state in decl.states:
                self._state(state, states)
        if "start" in states and not self._ends(states):
            cx.error(f'the parser "{decl.name}" never reaches accept or reject', decl.name.span)

    def _ends(self, states: dict[str, ast.ParserState]) -> bool:
        """Whether a final state can be reached from `start`; a select without a match rejects."""
        seen, todo = set(), ["start"]
        while todo:
            name = todo.pop()
            state = states.get(name)
            if name in seen:
                continue
            seen.add(name)
            if state is None or state.transition is None:
                return True
            select = state.transition.select
            if state.transition.target is not None:
                todo.append(state.transition.target.text)
            if select is not None:
                todo += [case.target.text for case in select.cases]
                if not any(isinstance(case.keyset, (ast.DefaultExpr, ast.DontCare)) for case in select.cases):
                    return True
        return False

    def _state(self, state: ast.ParserState, states: dict[str, ast.ParserState]) -> None:
        cx = self.cx
        with cx.block():
            for statement in state.statements:
                cx.statements.statement(statement)
            transition = state.transition
            if transition is None:
                return
            if transition.target is not None:
                self._target(transition.target, states)
            if transition.select is not None:
                self._select(transition.select, states)

    def _target(self, name: ast.Name, states: dict[str, ast.ParserState]) -> None:
        """The state a transition goes to; `accept` and `reject` have no declaration."""
        cx = self.cx
        if name.text in FINAL:
            return
        state = states.get(name.text)
        if state is not None:
            cx.program.refs[name] = state
            return
        others = cx.scope.find(name.text)
        if others:
            cx.error(f'"{name}" is not a state', name.span, ("it is declared here", others[0].name.span))
            return
        close = [s for s in (*states, *FINAL) if s.lower() == name.text.lower()]
        hint = f', did you mean "{close[0]}"?' if close else ""
        cx.error(f'unknown state "{name}"{hint}', name.span)

    def _select(self, select: ast.SelectExpr, states: dict[str, ast.ParserState]) -> None:
        cx = self.cx
        types = [self._key(key) for key in select.keys]
        for case in select.cases:
            cx.keysets.fit_all(case.keyset, types, "this case", constant=False)
            self._target(case.target, states)

    def _key(self, key: ast.Expr) -> Type:
        type_ = self.cx.expressions.infer(key)
        if type_ is WRONG:
            return WRONG
        if not _selectable(type_):
            self.cx.error(f"select can't choose by a value of type {kind_of(type_)}", key.span)
            return WRONG
        return type_


def _selectable(type_: Type) -> bool:
    """Scalars, and list expressions of them."""
    if isinstance(type_, TupleType):
        return all(map(_selectable, type_.items))
    return isinstance(strip(type_), (*SIZED, BoolType, EnumType, ErrorType))
