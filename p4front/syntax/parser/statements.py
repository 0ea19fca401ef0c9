"""Annotations, statements and local declarations (specification sections 10, 11 and 19)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from p4front.syntax import ast
from p4front.syntax.parser.base import Result
from p4front.syntax.parser.expressions import ExpressionParser
from p4front.text.lexer import ASSIGN_OPS, END_PRAGMA, EOF, IDENT, KEYWORDS, NAME_KINDS, PRAGMA, SHIFT_START, Token
from p4front.text.source import Span

_NOT_IN_A_PARSER = frozenset(["return", "exit", "switch", "for", "break", "continue"])


class StatementParser(ExpressionParser):
    """Parses what stands in the body of an action, function, control or parser state."""

    # ------------------------------------------------------------ annotations

    def annotations(self) -> list[ast.Annotation]:
        """All annotations that stand here."""
        found: list[ast.Annotation] = []
        while self.kind in ("@", PRAGMA):
            found.append(self._annotation())
        return found

    def _annotation(self) -> ast.Annotation:
        start = self.take()
        token = self.take()
        if token.kind != IDENT and token.kind not in KEYWORDS:
            self.pos -= 1
            self.fail("expected an annotation's name after '@'")
        if start.kind == PRAGMA:
            return self._unstructured(ast.Annotation(start.span, token.text), self.kinds.index(END_PRAGMA, self.pos))
        note = ast.Annotation(start.span, token.text)
        if self.kind == "(":
            closing = self.closing_bracket(self.pos)
            if closing is None:
                self.fail("this '(' is not closed", token=self.token)
            return self._unstructured(note, closing)
        if self.kind == "[":
            first = self.take()
            note.structured = True
            if self.kind in NAME_KINDS and self.ahead(1) == "=":
                note.pairs = self._list(self.key_value, "]")
            else:
                note.exprs = self._list(self.expression, "]")
            last = self.expect("]", "after the annotation's values")
            note.raw = first.file.text[first.end : last.start]
        note.span = self.since(start)
        return note

    def _unstructured(self, note: ast.Annotation, end: int) -> ast.Annotation:
        """Fills in a body that ends at the token `end`: its tokens, and its values if they can be parsed."""
        if self.kind == "(" and self.kinds[end] == ")":
            self.pos += 1
        first = self.pos
        note.tokens = [token.text for token in self.tokens[first:end]]
        if end > first:
            note.raw = Span(self.token.file, self.token.start, self.tokens[end - 1].end).text
            note.exprs = self.attempt(lambda: self._whole_list(self.expression, end)) or []
            if not note.exprs:
                self.pos = first
                note.pairs = self.attempt(lambda: self._whole_list(self.key_value, end)) or []
        self.pos = end + 1
        note.span = note.span.to(self.tokens[end].span)
        return note

    def _whole_list(self, parse: Callable[[], Result], end: int) -> list[Result]:
        found = self._list(parse, self.kinds[end])
        if self.pos != end:
            self.fail("expected the end")
        return found

    def _list(self, parse: Callable[[], Result], stop: str) -> list[Result]:
        """Items with commas between them, and perhaps one after the last."""
        found: list[Result] = []
        while self.kind != stop:
            found.append(parse())
            if not self.accept(","):
                break
        return found

    # ------------------------------------------------------------ blocks

    def block(self, annotations: list[ast.Annotation] | None = None, start: Token | None = None) -> ast.BlockStatement:
        """`{ ... }`, with the annotations before it if they were taken already."""
        start = start or self.token
        notes = self.annotations() if annotations is None else annotations
        opened = self.expect("{", "to begin a block")
        with self.scope():
            statements = list(self.items(self.statement, "}"))
        self.close(opened, "at the end of the block")
        return ast.BlockStatement(self.since(start), statements, notes)

    def parser_statement(self) -> ast.Node:
        """A statement of a parser state: no loops, switches or jumps."""
        if self.kind in _NOT_IN_A_PARSER:
            self.report(f"'{self.kind}' cannot stand in a parser state", self.token.span)
        return self.statement()

    def statement(self) -> ast.Node:
        """A statement or a local declaration."""
        start = self.token
        self.enter()
        found = self._statement(start)
        self.depth -= 1
        return found

    def _branch(self, what: str) -> ast.Statement:
        """A statement where a declaration may not stand."""
        with self.scope():
            found = self.statement()
        if not isinstance(found, ast.Statement):
            self.report(f"{what} must be a statement; put the declaration into a block {{ }}", found.span)
            return ast.BlockStatement(found.span, [found])
        return found

    def _statement(self, start: Token) -> ast.Node:
        kind = start.kind
        notes: list[ast.Annotation] = []
        if kind in ("@", PRAGMA):
            notes = self.annotations()
            kind = self.kind
        if kind == "{":
            return self.block(notes, start)
        if kind == "for":
            return self._for(start, notes)
        if kind == "const":
            return self.constant(start, notes)
        if self.at_declaration():
            return self._local_declaration(start, notes)
        if notes:
            self.fail("annotations may stand before a block, a loop or a declaration; expected one of them")
        simple = _SIMPLE.get(kind)
        if simple is not None:
            self.pos += 1
            self.expect(";", f"after '{kind}'")
            return simple(self.since(start))
        if kind == ";":
            self.pos += 1
            return ast.EmptyStatement(start.span)
        if kind == "if":
            return self._if(start)
        if kind == "return":
            self.pos += 1
            value = None if self.kind == ";" else self.expression()
            self.expect(";", "after 'return'" if value is None else "after the returned value")
            return ast.Return(self.since(start), value)
        if kind == "switch":
            return self._switch(start)
        found = self.assignment_or_call(start)
        what = "assignment" if isinstance(found, ast.Assignment) else "call"
        self.expect(";", f"after the {what}")
        found.span = self.since(start)
        return found

    def _if(self, start: Token) -> ast.If:
        self.pos += 1
        self.expect("(", "after 'if'")
        cond = self.expression()
        self.expect(")", "after the condition")
        then = self._branch("the branch of an 'if'")
        otherwise = self._branch("the branch of an 'else'") if self.accept("else") else None
        return ast.If(self.since(start), cond, then, otherwise)

    def _switch(self, start: Token) -> ast.Switch:
        self.pos += 1
        self.expect("(", "after 'switch'")
        subject = self.expression()
        self.expect(")", "after the switch's expression")
        opened = self.expect("{", "to begin the switch's cases")
        cases = list(self.items(self._switch_case, "}"))
        self.close(opened, "at the end of the switch")
        return ast.Switch(self.since(start), subject, cases)

    def _switch_case(self) -> ast.SwitchCase:
        start = self.token
        label: ast.Expr = ast.DefaultExpr(start.span)
        if not self.accept("default"):
            if start.kind == "{":
                self.fail("expected a case's label")
            label = self.expression()
        self.expect(":", "after the case's label")
        body = self.block() if self.kind in ("{", "@", PRAGMA) else None
        return ast.SwitchCase(self.since(start), label, body)

    # ------------------------------------------------------------ loops

    def _for(self, start: Token, notes: list[ast.Annotation]) -> ast.For | ast.ForIn:
        self.pos += 1
        self.expect("(", "after 'for'")
        with self.scope():
            first = self.token
            variable_notes = self.annotations()
            if self.kind in NAME_KINDS and self.ahead(1) == "in":
                name = self.name("a variable")
                self.report(f"a loop over values declares its variable: give '{name.text}' a type", name.span)
                target = ast.PathExpr(name.span, name)
                return self._for_in(start, notes, None, target)
            init: list[ast.Node] = []
            if variable_notes or self.at_declaration():
                type_ref = self.type_ref()
                name = self.name("the loop variable's name")
                if self.kind == "in":
                    self.declare(name)
                    variable = ast.VariableDecl(self.since(first), name, type_ref, annotations=variable_notes)
                    return self._for_in(start, notes, variable, None)
                init.append(self._variable_rest(first, variable_notes, type_ref, name))
            elif self.kind != ";":
                init.append(self.assignment_or_call(first))
            while init and self.accept(","):
                init.append(self._for_init())
            self.expect(";", "after the loop's initialisation")
            cond = self.expression()
            self.expect(";", "after the loop's condition")
            update = [] if self.kind == ")" else self._list(lambda: self.assignment_or_call(self.token), ")")
            self.expect(")", "after the loop's head")
            body = self._branch("the body of a loop")
            return ast.For(self.since(start), init, cond, update, body, notes)

    def _for_init(self) -> ast.Node:
        start = self.token
        notes = self.annotations()
        if notes or self.at_declaration():
            type_ref = self.type_ref()
            return self._variable_rest(start, notes, type_ref, self.name("a variable's name"))
        return self.assignment_or_call(start)

    def _for_in(
        self,
        start: Token,
        notes: list[ast.Annotation],
        variable: ast.VariableDecl | None,
        target: ast.Expr | None,
    ) -> ast.ForIn:
        self.pos += 1
        first = self.token
        collection = self.expression()
        if self.accept(".."):
            last = self.expression()
            collection = ast.Binary(self.since(first), "..", collection, last)
        self.expect(")", "after the loop's head")
        body = self._branch("the body of a loop")
        return ast.ForIn(self.since(start), variable, target, collection, body, notes)

    # ------------------------------------------------------------ assignments and calls

    def assignment_or_call(self, start: Token) -> ast.Statement:
        """`target = value`, `f(x)`, `table.apply()`, without the `;`."""
        if self.kind not in _STATEMENT_STARTS:
            self.fail("expected a statement")
        left = self._call_target(start)
        if self.kind in ASSIGN_OPS:
            if not _is_left_value(left):
                self.report("only a variable, a field, an element or a slice can be assigned to", left.span)
            op = self.take().kind
            value = self.expression()
            return ast.Assignment(self.since(start), left, op, value)
        if not isinstance(left, ast.Call):
            self.fail("expected '=' or '(' after this beginning of a statement", missing=True)
        callee = left.callee
        if not _is_left_value(callee, types=True):
            self.report("the result of a call cannot be called or selected from in a statement", left.span)
        if isinstance(callee, ast.Member) and isinstance(callee.base, ast.TypeNameExpr) and not left.type_args:
            base = callee.base.type
            if callee.member.text == "apply":
                return ast.DirectApply(left.span, base, left.args)
        return ast.CallStatement(left.span, left)

    def _call_target(self, start: Token) -> ast.Expr:
        if self.kind == "(":
            self.pos += 1
            inner = self._call_target(self.token)
            self.expect(")", "after the expression in brackets")
            return self.postfix_of(inner, start, statement=True)
        return self.postfix_of(self.primary(), start, statement=True)

    # ------------------------------------------------------------ local declarations

    def at_declaration(self) -> bool:
        """Whether a variable's or instance's type stands here rather than an l-value. A type that was not declared is
        known by the name after it, so that the checker can name what is missing."""
        if self.at_type():
            dot = 2 if self.kind == "." else 1
            if self.kind == "error":
                return self.ahead(1) != "."
            if self.kind not in (IDENT, "."):
                return True
            if self.ahead(dot) == "<":
                return self._after_angles(dot) != "."
            return self.ahead(dot) != "."
        if self.kind != IDENT:
            return False
        if self.ahead(1) in NAME_KINDS:
            return True
        if self.lookup(self.token.text) is not None:
            return False
        if self.ahead(1) == "(":
            return self.after_brackets(1) in NAME_KINDS
        if self.ahead(1) == "<":
            return self._after_angles(1) in NAME_KINDS
        return False

    def _after_angles(self, distance: int) -> str:
        """Kind of the token after the `<...>` that begins `distance` tokens ahead."""
        level = 0
        for at in range(self.pos + distance, len(self.kinds)):
            kind = self.kinds[at]
            if kind == "<":
                level += 1
            elif kind in (">", SHIFT_START):
                level -= 1
                if level == 0:
                    return self.kinds[at + 1]
            elif kind in (";", "{", "}", EOF):
                break
        return ""

    def _local_declaration(self, start: Token, notes: list[ast.Annotation]) -> ast.Node:
        """`T x;`, `T x = e;`, `T(args) x;`"""
        type_ref = self.type_ref()
        if self.kind == "(":
            return self.instantiation(start, notes, type_ref)
        name = self.name("a variable's name after its type")
        found = self._variable_rest(start, notes, type_ref, name)
        self.expect(";", "after the variable's declaration")
        found.span = self.since(start)
        return found

    def _variable_rest(
        self, start: Token, notes: list[ast.Annotation], type_ref: ast.TypeRef, name: ast.Name
    ) -> ast.VariableDecl:
        full_type = self.array_suffix(type_ref)
        init = self.expression() if self.accept("=") else None
        self.declare(name)
        return ast.VariableDecl(self.since(start), name, full_type, init, annotations=notes)

    def constant(self, start: Token, notes: list[ast.Annotation]) -> ast.ConstantDecl:
        """`const T x = e;`"""
        self.expect("const", "here")
        type_ref = self.type_ref()
        name = self.name("a constant's name after its type")
        type_ref = self.array_suffix(type_ref)
        self.expect("=", "after the constant's name")
        value = self.expression()
        self.expect(";", "after the constant's value")
        self.declare(name)
        return ast.ConstantDecl(self.since(start), name, type_ref, value, annotations=notes)

    @abstractmethod
    def instantiation(self, start: Token, notes: list[ast.Annotation], type_ref: ast.TypeRef) -> ast.Instantiation: ...


def _is_left_value(expr: ast.Expr, types: bool = False) -> bool:
    """Whether an expression names a place; with `types` also a member of a type."""
    while isinstance(expr, (ast.Member, ast.Index, ast.Slice, ast.PlusSlice)):
        expr = expr.base
    return isinstance(expr, ast.PathExpr) or (types and isinstance(expr, ast.TypeNameExpr))


_SIMPLE: dict[str, type[ast.Exit] | type[ast.Break] | type[ast.Continue]] = {
    "exit": ast.Exit,
    "break": ast.Break,
    "continue": ast.Continue,
}
_STATEMENT_STARTS = (NAME_KINDS - {"list"}) | {"(", ".", "this"}
