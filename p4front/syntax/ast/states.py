"""The states of a parser."""

from __future__ import annotations

from dataclasses import dataclass

from p4front.syntax.ast.nodes import Expr, Name, Node
from p4front.syntax.ast.variables import Declaration


@dataclass(eq=False, slots=True)
class ParserState(Declaration):
    statements: list[Node]
    transition: Transition | None  # None: implicit transition to reject


@dataclass(eq=False, slots=True)
class Transition(Node):
    """`transition target;` (target set) or `transition select(...) {...}` (select set)."""

    target: Name | None
    select: SelectExpr | None = None


@dataclass(eq=False, slots=True)
class SelectExpr(Node):
    keys: list[Expr]
    cases: list[SelectCase]


@dataclass(eq=False, slots=True)
class SelectCase(Node):
    """`keyset: state;` keyset is one Expr, or a KeysetTuple for several keys."""

    keyset: Expr
    target: Name
