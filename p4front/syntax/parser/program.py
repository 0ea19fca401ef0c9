"""The parser of P4_16 (specification 1.2.5, appendix G): hand-written recursive descent that knows which names are
types, reports several errors in a run, and keeps a span for every node."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from p4front.syntax import ast
from p4front.syntax.parser.base import TYPE
from p4front.syntax.parser.tables import TableParser
from p4front.text.lexer import PRAGMA, Token
from p4front.text.source import Reporter

_FRAMES = 15000


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Lets Python recurse deep enough for any tree that the parser accepts (parser_base.MAX_NESTING levels)."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class Parser(TableParser):
    """Parses parsers, controls and whole programs."""

    def program(self) -> ast.P4Program:
        """The whole program; syntax errors are in the reporter."""
        start = self.token
        found = [node for node in self.items(self._declaration) if node is not None]
        return ast.P4Program(self.since(start) if self.pos else start.span, found)

    def recover(self, before: int) -> None:
        super().recover(before)
        if self.kind == "}" and len(self._scopes) == 1:  # at the top level there is no block that it could close
            self.pos += 1

    def _declaration(self) -> ast.Node | None:
        start = self.token
        if self.accept(";"):
            return None
        notes = self.annotations()
        kind = self.kind
        if kind == "const":
            return self.constant(start, notes)
        if kind == "extern":
            return self.extern(start, notes)
        if kind == "action":
            return self.action(start, notes)
        if kind == "parser":
            return self._parser(start, notes)
        if kind == "control":
            return self._control(start, notes)
        if kind == "package":
            return self.package(start, notes)
        if kind in ("struct", "header", "header_union"):
            return self.struct(start, notes)
        if kind == "enum":
            return self.enum(start, notes)
        if kind in ("typedef", "type"):
            return self.typedef(start, notes)
        if kind in ("error", "match_kind") and self.ahead(1) == "{":
            return self.error_or_match_kind(start)
        return self.function_or_instance(start, notes)

    # ------------------------------------------------------------ parsers

    def _parser(self, start: Token, notes: list[ast.Annotation]) -> ast.ParserDecl | ast.ParserTypeDecl:
        self.pos += 1
        name = self.name("a parser's name")
        self.declare(name, TYPE)
        with self.scope():
            type_params = self.type_parameters()
            self._scopes[-2][name.text] = self.type_flags(type_params)
            params = self.parameters()
            if self.accept(";"):
                return ast.ParserTypeDecl(self.since(start), name, type_params, params, annotations=notes)
            constructor_params = self.parameters() if self.kind == "(" else []
            opened = self.expect("{", "to begin the parser's body, or ';'")
            local, states = self._parser_body()
        if not states and not self.reporter.errors:
            self.report(f"the parser '{name.text}' has no states; it needs a state 'start'", name.span)
        self.close(opened, "at the end of the parser")
        return ast.ParserDecl(
            self.since(start), name, type_params, params, constructor_params, local, states, annotations=notes
        )

    def _parser_body(self) -> tuple[list[ast.Node], list[ast.ParserState]]:
        local: list[ast.Node] = []
        states: list[ast.ParserState] = []
        for node in self.items(self._parser_member, "}"):
            if isinstance(node, ast.ParserState):
                states.append(node)
            else:
                if states:
                    self.report("declarations of a parser must stand before its states", node.span)
                local.append(node)
        return local, states

    def _parser_member(self) -> ast.Node:
        start = self.token
        notes = self.annotations()
        kind = self.kind
        if kind == "state":
            return self._state(start, notes)
        if kind == "const":
            return self.constant(start, notes)
        if kind == "value_set":
            return self._value_set(start, notes)
        if kind in ("action", "table"):
            self.fail(f"a parser cannot contain a {kind}", token=self.token)
        if not self.at_declaration():
            self.fail("expected a state or a declaration in the parser")
        return self._local_declaration(start, notes)

    def _value_set(self, start: Token, notes: list[ast.Annotation]) -> ast.ValueSetDecl:
        self.pos += 1
        args = self.type_arguments("the value set's type")
        if len(args) != 1:
            self.fail("a value set has one type", token=start)
        self.expect("(", "before the value set's size")
        size = self.expression()
        self.expect(")", "after the value set's size")
        name = self.name("a value set's name")
        self.expect(";", "after the value set")
        self.declare(name)
        return ast.ValueSetDecl(self.since(start), name, args[0], size, annotations=notes)

    def _state(self, start: Token, notes: list[ast.Annotation]) -> ast.ParserState:
        self.pos += 1
        name = self.name("a state's name")
        opened = self.expect("{", "to begin the state")
        transition = None
        with self.scope():
            statements = list(self.items(self.parser_statement, "}", "transition"))
            if self.kind == "transition":
                for node in self.items(self._transition, "}"):
                    if transition is not None:
                        self.report("a state ends with one transition", node.span)
                    transition = node
        self.close(opened, "at the end of the state")
        return ast.ParserState(self.since(start), name, statements, transition, annotations=notes)

    def _transition(self) -> ast.Transition:
        start = self.token
        if self.kind != "transition":
            self.fail("the transition must be the last statement of a state; expected '}'")
        self.pos += 1
        if self.kind != "select":
            target = self.name("a state's name or 'select' after 'transition'")
            self.expect(";", "after the transition")
            return ast.Transition(self.since(start), target)
        first = self.take()
        self.expect("(", "after 'select'")
        keys = self._list(self.expression, ")")
        self.expect(")", "after the select's keys")
        opened = self.expect("{", "to begin the select's cases")
        cases = list(self.items(self._select_case, "}"))
        self.close(opened, "at the end of the select")
        select = ast.SelectExpr(self.since(first), keys, cases)
        return ast.Transition(self.since(start), None, select)

    def _select_case(self) -> ast.SelectCase:
        start = self.token
        keyset = self.keyset()
        self.expect(":", "and a state's name after the case's keys")
        target = self.name("a state's name")
        self.expect(";", "after the case")
        return ast.SelectCase(self.since(start), keyset, target)

    # ------------------------------------------------------------ controls

    def _control(self, start: Token, notes: list[ast.Annotation]) -> ast.ControlDecl | ast.ControlTypeDecl:
        self.pos += 1
        name = self.name("a control's name")
        self.declare(name, TYPE)
        with self.scope():
            type_params = self.type_parameters()
            self._scopes[-2][name.text] = self.type_flags(type_params)
            params = self.parameters()
            if self.accept(";"):
                return ast.ControlTypeDecl(self.since(start), name, type_params, params, annotations=notes)
            constructor_params = self.parameters() if self.kind == "(" else []
            opened = self.expect("{", "to begin the control's body, or ';'")
            local: list[ast.Node] = []
            body: ast.BlockStatement | None = None
            for node in self.items(self._control_member, "}"):
                if isinstance(node, ast.BlockStatement):
                    if body is not None:
                        self.report(f"the control '{name.text}' has two apply blocks", node.span)
                    body = node
                else:
                    if body is not None:
                        self.report("declarations of a control must stand before its apply block", node.span)
                    local.append(node)
        end = self.token.span
        self.close(opened, "at the end of the control")
        if body is None:
            if not self.reporter.errors:
                self.report(f"the control '{name.text}' has no apply block", name.span)
            body = ast.BlockStatement(end, [])
        return ast.ControlDecl(
            self.since(start), name, type_params, params, constructor_params, local, body, annotations=notes
        )

    def _control_member(self) -> ast.Node:
        start = self.token
        notes = self.annotations()
        kind = self.kind
        if kind == "apply" and not notes:
            self.pos += 1
            return self.block()
        if kind == "action":
            return self.action(start, notes)
        if kind == "table":
            return self.table(start, notes)
        if kind == "const":
            return self.constant(start, notes)
        if kind == "state":
            self.fail("a state can only be declared inside a parser", token=self.token)
        if not self.at_declaration():
            self.fail("expected 'apply', an action, a table or another declaration in the control")
        return self._local_declaration(start, notes)


def parse_tokens(tokens: list[Token], reporter: Reporter) -> ast.P4Program:
    """The tree of a token list that ends with EOF; syntax errors go to the reporter."""
    with deep_recursion():
        return Parser(tokens, reporter).program()


__all__ = ["PRAGMA", "Parser", "deep_recursion", "parse_tokens"]
