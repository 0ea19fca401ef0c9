"""The token cursor: looking ahead, expecting, failing, recovering, and the table of names known so far."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

from p4front.syntax import ast
from p4front.text.lexer import BAD, EOF, IDENT, INT, NAME_KINDS, SHIFT_START, Token
from p4front.text.source import Reporter, Span

MAX_NESTING = 400
"""Deepest nesting of brackets, blocks, `else if` and prefix operators; longest chain of binary operators, times two."""

TYPE, GENERIC = 1, 2
"""What a name stands for: flags of the symbol table. 0 is a value that is not generic."""

TYPE_KEYWORDS = frozenset(["bit", "bool", "error", "int", "list", "match_kind", "string", "tuple", "varbit", "void"])

_DECLARATION_STARTS = frozenset(
    [
        "@",
        "const",
        "extern",
        "action",
        "parser",
        "control",
        "package",
        "struct",
        "header",
        "header_union",
        "enum",
        "typedef",
        "type",
    ]
)

Result = TypeVar("Result")


class SyntaxFailure(Exception):
    """Leaves the construct in which a syntax error was reported; caught where parsing can go on."""


class Cursor(ABC):
    """Base of the parser: a position in a list of tokens that ends with EOF."""

    def __init__(self, tokens: list[Token], reporter: Reporter) -> None:
        self.tokens = tokens
        self.kinds = [token.kind for token in tokens]
        self.pos = 0
        self.reporter = reporter
        self.depth = 0
        self.generic_methods: set[str] = set()
        self._scopes: list[dict[str, int]] = [{}]
        self._silent = 0
        self._stopped = False

    # ------------------------------------------------------------ looking and taking

    @property
    def kind(self) -> str:
        return self.kinds[self.pos]

    @property
    def token(self) -> Token:
        return self.tokens[self.pos]

    def ahead(self, distance: int) -> str:
        """Kind of the token `distance` tokens ahead (0: this one)."""
        at = self.pos + distance
        return self.kinds[at] if at < len(self.kinds) else EOF

    def take(self) -> Token:
        token = self.tokens[self.pos]
        if token.kind != EOF:
            self.pos += 1
        return token

    def accept(self, kind: str) -> bool:
        if self.kinds[self.pos] != kind:
            return False
        self.pos += 1
        return True

    def expect(self, kind: str, place: str) -> Token:
        """Takes a token that has to be here; `place` says where that is ("after the assignment")."""
        if self.kinds[self.pos] != kind:
            self.fail(f"expected '{kind}' {place}", missing=True)
        return self.take()

    def close(self, opened: Token, place: str) -> None:
        """Takes the `}` that belongs to `opened`."""
        if self.kinds[self.pos] != "}":
            self.fail(f"expected '}}' {place}", missing=True, opened=opened)
        self.pos += 1

    def since(self, start: Token) -> Span:
        """The span from a token to the last one taken."""
        last = self.tokens[self.pos - 1] if self.pos else start
        if last.file is not start.file or last.end < start.end:
            return start.span
        return Span(start.file, start.start, last.end, start.from_macro or last.from_macro)

    def name(self, what: str) -> ast.Name:
        """Takes an identifier; `what` says what it names ("a table's name")."""
        if self.kinds[self.pos] not in NAME_KINDS:
            self.fail(f"expected {what}")
        token = self.take()
        return ast.Name(token.span, token.text)

    def close_angle(self, what: str) -> None:
        """Takes the `>` that ends a list of type arguments, also where it is the first half of `>>`."""
        if self.kinds[self.pos] not in (">", SHIFT_START):
            self.fail(f"expected '>' after {what}", missing=True)
        self.pos += 1

    # ------------------------------------------------------------ errors

    def fail(
        self, message: str, *, missing: bool = False, token: Token | None = None, opened: Token | None = None
    ) -> NoReturn:
        """Reports a syntax error at this token and leaves the construct. With `missing`, an error at the start of a
        later line is shown where the missing text belongs: behind the last token. `opened` is the `{` it is about."""
        here = token or self.token
        if not self._silent and not self._stopped:
            self._stopped = here.kind == EOF  # the constructs around it have no end either
            span = here.span
            if here.kind == BAD:
                message = _bad_token(here)
            elif token is None:
                message += f", found {here.describe()}"
                last = self.tokens[self.pos - 1] if self.pos else here
                if (
                    missing
                    and not last.from_macro
                    and (last.file is not here.file or "\n" in here.file.text[last.end : here.start])
                ):
                    span = Span(last.file, last.end, last.end)
            notes = () if opened is None else (("it would close this", opened.span),)
            self.reporter.error(message, span, *notes)
        raise SyntaxFailure(message)

    def stop(self, message: str) -> NoReturn:
        """Reports an error after which the rest of the program is not parsed."""
        if self._silent:
            raise SyntaxFailure(message)
        self.report(message, self.token.span)
        self._stopped = True
        self.pos = len(self.tokens) - 1
        raise SyntaxFailure(message)

    def report(self, message: str, span: Span) -> None:
        """Reports an error after which parsing simply goes on."""
        if not self._silent and not self._stopped:
            self.reporter.error(message, span)

    def attempt(self, parse: Callable[[], Result]) -> Result | None:
        """The result of `parse`, or None and nothing taken or reported if it fails."""
        pos, depth = self.pos, self.depth
        self._silent += 1
        try:
            return parse()
        except SyntaxFailure:
            self.pos, self.depth = pos, depth
            return None
        finally:
            self._silent -= 1

    def enter(self) -> None:
        """One level deeper; every caller goes one level up again with `self.depth -= 1`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.stop(f"nested more than {MAX_NESTING} levels deep")

    def items(self, parse: Callable[[], Result], *stops: str) -> Iterator[Result]:
        """Parses items until one of the `stops` (or the end of the file); after a syntax error goes on with the next
        item."""
        while self.kind not in stops and self.kind != EOF:
            before, depth, scopes = self.pos, self.depth, len(self._scopes)
            try:
                yield parse()
            except SyntaxFailure:
                if self._silent:
                    raise
                self.depth = depth
                del self._scopes[scopes:]
                self.recover(before)

    def recover(self, before: int) -> None:
        """Skips to a place where the next item may begin: behind a `;` or a block, or before a `}` that closes what
        we are in."""
        level = 0
        while (kind := self.kind) != EOF:
            if kind == "}":
                if level == 0:
                    break
                level -= 1
            elif kind == "{":
                level += 1
            elif kind in _DECLARATION_STARTS and level == 0 and self.pos > before:
                break
            self.pos += 1
            if level == 0 and kind in (";", "}"):
                break

    # ------------------------------------------------------------ names

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Names declared inside are forgotten at the end."""
        self._scopes.append({})
        yield
        self._scopes.pop()

    def declare(self, name: ast.Name, flags: int = 0) -> None:
        self._scopes[-1][name.text] = flags

    def lookup(self, name: str) -> int | None:
        """Flags of a name; None if it was not declared."""
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None

    def is_type_name(self, distance: int = 0) -> bool:
        """Whether the token `distance` ahead is an identifier that names a type."""
        at = self.pos + distance
        if self.ahead(distance) != IDENT:
            return False
        flags = self.lookup(self.tokens[at].text)
        return flags is not None and bool(flags & TYPE)

    def is_global_type_name(self, distance: int) -> bool:
        """The same for a name after a leading dot, which means the top level's."""
        at = self.pos + distance
        return self.ahead(distance) == IDENT and bool(self._scopes[0].get(self.tokens[at].text, 0) & TYPE)

    def at_type(self) -> bool:
        """Whether a type begins here: a keyword, or the name of a type (perhaps with a leading dot)."""
        kind = self.kind
        if kind == IDENT:
            return self.is_type_name()
        if kind == ".":
            return self.is_global_type_name(1)
        if kind == "list":
            return self.ahead(1) == "<"
        return kind in TYPE_KEYWORDS

    # ------------------------------------------------------------ what the parts need of one another

    @abstractmethod
    def expression(self, inside_angles: bool = False) -> ast.Expr: ...

    @abstractmethod
    def type_ref(self) -> ast.TypeRef: ...

    @abstractmethod
    def annotations(self) -> list[ast.Annotation]: ...


def _bad_token(token: Token) -> str:
    if token.text.startswith("/*"):
        return "this comment is not closed"
    if token.text.startswith('"'):
        return "this string is not closed"
    return f"unexpected character {token.text!r}"


__all__ = ["GENERIC", "INT", "MAX_NESTING", "TYPE", "TYPE_KEYWORDS", "Cursor", "SyntaxFailure"]
