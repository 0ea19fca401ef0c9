"""The base of declarations, and those that need no statements: parameters, constants, variables."""

from __future__ import annotations

from dataclasses import dataclass, field

from p4front.syntax.ast.nodes import Annotation, Expr, Name, Node
from p4front.syntax.ast.types import TypeRef


@dataclass(eq=False, slots=True)
class Declaration(Node):
    """Base of everything that introduces a name."""

    name: Name
    annotations: list[Annotation] = field(default_factory=list, kw_only=True)

    def annotation(self, name: str) -> Annotation | None:
        return next((a for a in self.annotations if a.name == name), None)


@dataclass(eq=False, slots=True)
class TypeParameter(Declaration):
    """`T` in `<T, U>`"""


@dataclass(eq=False, slots=True)
class Parameter(Declaration):
    """direction "" (none), "in", "out", "inout"."""

    direction: str
    type: TypeRef
    default: Expr | None = None


@dataclass(eq=False, slots=True)
class ConstantDecl(Declaration):
    type: TypeRef
    value: Expr


@dataclass(eq=False, slots=True)
class VariableDecl(Declaration):
    """Statement or declaration `T x = e;`"""

    type: TypeRef
    init: Expr | None = None
