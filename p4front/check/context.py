"""What the parts of the checker share: the program so far, the scopes, and what encloses the current statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from p4front.check.parts import (
    Callables,
    Calls,
    Casts,
    Conversions,
    Declarations,
    Expressions,
    Instances,
    Keysets,
    Members,
    Operators,
    Parsers,
    Statements,
    Tables,
    TypeArguments,
    Types,
)
from p4front.check.scopes import Scope, signature_key
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import Reporter, Span
from p4front.types.constants import ConstValue
from p4front.types.types import WRONG, CallableType, Type, TypeVar


@dataclass(frozen=True, slots=True)
class Frame:
    """What encloses the code being checked.

    `kind`: "global", "parser" and "control" (their declarations), "state", "apply", "action", "function", "method"
    (an abstract method's implementation), "extern", "key" (a table's key and properties).
    `returns` is the type that `return` must give; None where `return` carries no value.
    """

    kind: str
    returns: Type | None = None
    loops: int = 0
    decl: ast.Node | None = None
    in_parser: bool = False
    this: Type | None = None  # the extern whose abstract method is being written
    switch_subject: ast.Expr | None = None


@dataclass(slots=True)
class Signatures:
    """What can be called on a declaration: its apply or itself, and its constructors."""

    apply: dict[ast.Node, CallableType] = field(default_factory=dict)
    constructors: dict[ast.Node, list[CallableType]] = field(default_factory=dict)


class Context:
    """The state of one check, and the checker's parts, through which they call each other (`parts`)."""

    resolve: Types
    convert: Conversions
    expressions: Expressions
    operators: Operators
    casts: Casts
    members: Members
    calls: Calls
    type_arguments: TypeArguments
    instances: Instances
    statements: Statements
    declarations: Declarations
    callables: Callables
    tables: Tables
    keysets: Keysets
    parsers: Parsers

    def __init__(self, program: Program) -> None:
        self.program = program
        self.report = Reporter()
        self.globals = Scope(None, "global")
        self.scope = self.globals
        self.frame = Frame("global")
        self.signatures = Signatures()
        self.known: set[ast.Expr] = set()
        """Expressions known at compile time whose value is not: they use constructor parameters or are instances."""
        self.type_params: dict[ast.Node, tuple[TypeVar, ...]] = {}
        self.overloads: dict[ast.Declaration, list[ast.Declaration]] = {}
        """For each declaration, all of its name in its scope, itself included, in order: its overloads."""

        self.value_counts: dict[Type, int] = {}
        """Scalars in each struct type."""

    # ------------------------------------------------------------ messages

    def error(self, message: str, span: Span | None, *notes: tuple[str, Span | None]) -> None:
        self.report.error(message, span, *notes)

    def warn(self, message: str, span: Span | None) -> None:
        self.report.warning(message, span)

    # ------------------------------------------------------------ scopes and frames

    @contextmanager
    def block(self, kind: str = "block") -> Iterator[Scope]:
        """A new innermost scope for the duration."""
        outer = self.scope
        self.scope = Scope(outer, kind)
        try:
            yield self.scope
        finally:
            self.scope = outer

    @contextmanager
    def inside(self, frame: Frame) -> Iterator[None]:
        outer, self.frame = self.frame, frame
        try:
            yield
        finally:
            self.frame = outer

    @contextmanager
    def loop(self) -> Iterator[None]:
        with self.inside(replace(self.frame, loops=self.frame.loops + 1)):
            yield

    @contextmanager
    def defining(self, decl: ast.Declaration) -> Iterator[None]:
        """While `decl` is checked its name is known but may not be used."""
        pending = self.scope.pending
        pending[decl.name.text] = decl
        try:
            yield
        finally:
            pending.pop(decl.name.text, None)

    def declare(self, decl: ast.Declaration, type_: Type | None = None) -> bool:
        """Adds a name to the current scope; a duplicate is an error and leaves the first one in place."""
        if type_ is not None:
            self.program.declared[decl] = type_
        name = decl.name.text
        others = self.scope.names.get(name, [])
        key = signature_key(decl)
        for other in others:
            overload = key is not None and type(other) is type(decl)
            if not overload or signature_key(other) == key:
                self.duplicate(name, decl.name.span, other)
                return False
        shadowed = self._parameters().get(name) if self.scope.kind == "body" else None
        if shadowed:
            what = "type parameter" if isinstance(shadowed[0], ast.TypeParameter) else "parameter"
            self.error(
                f'"{name}" is already the name of a {what} here: choose another name',
                decl.name.span,
                (f"the {what}", shadowed[0].name.span),
            )
            return False
        self.scope.add(decl)
        self.overloads[decl] = self.scope.names[name]
        return True

    def _parameters(self) -> dict[str, list[ast.Declaration]]:
        """The names of the innermost parameter list around the current scope."""
        return next((scope.names for scope in self.scope.chain() if scope.kind == "params"), {})

    def duplicate(self, name: str, span: Span, first: ast.Declaration) -> None:
        self.error(f'"{name}" is declared twice in this scope', span, ("the first declaration", first.name.span))

    # ------------------------------------------------------------ facts about expressions

    def set_type(self, expr: ast.Expr, type_: Type) -> Type:
        self.program.types[expr] = type_
        return type_

    def type_of(self, expr: ast.Expr) -> Type:
        """The type found so far; WRONG for an expression that could not be checked."""
        return self.program.types.get(expr, WRONG)

    def constant(self, expr: ast.Expr) -> ConstValue | None:
        """The value of a compile-time known expression, else None."""
        return self.program.constants.get(expr)

    def is_known(self, expr: ast.Expr) -> bool:
        """Whether the expression is known at compile time, constructor parameters and instances included (18.1)."""
        return expr in self.program.constants or expr in self.known
