"""Types as they are written."""

from __future__ import annotations

from dataclasses import dataclass

from p4front.syntax.ast.nodes import Expr, Name, Node


@dataclass(eq=False, slots=True)
class TypeRef(Node):
    """Base of everything that may stand where a type is written."""


@dataclass(eq=False, slots=True)
class BaseType(TypeRef):
    """bool, error, match_kind, string, void, int (arbitrary precision), bit<W>, int<W>, varbit<W>.

    `name` is one of "bool" "error" "match_kind" "string" "void" "integer" "bit" "int" "varbit"; `width` is the written
    width expression (None for a bare `bit`, which means 1)."""

    name: str
    width: Expr | None = None


@dataclass(eq=False, slots=True)
class NamedType(TypeRef):
    """A type name; `absolute` for a leading dot."""

    name: Name
    absolute: bool = False


@dataclass(eq=False, slots=True)
class SpecializedType(TypeRef):
    base: NamedType
    args: list[TypeRef]


@dataclass(eq=False, slots=True)
class StackType(TypeRef):
    """`H[n]`"""

    element: TypeRef
    size: Expr


@dataclass(eq=False, slots=True)
class TupleType(TypeRef):
    args: list[TypeRef]


@dataclass(eq=False, slots=True)
class ListType(TypeRef):
    """`list<T>`"""

    element: TypeRef


@dataclass(eq=False, slots=True)
class DontCareType(TypeRef):
    """`_` as a type argument"""
