"""Semantic P4_16 types: immutable, compared by structure (nominal ones by declaration).

`str(type)` gives the P4 spelling. Section numbers are those of the P4_16 specification 1.2.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from p4front.syntax import ast


@dataclass(frozen=True)
class Type:
    """Base of all types."""


@dataclass(frozen=True)
class VoidType(Type):
    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True)
class BoolType(Type):
    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True)
class StringType(Type):
    def __str__(self) -> str:
        return "string"


@dataclass(frozen=True)
class ErrorType(Type):
    """The members are in `Program.errors`."""

    def __str__(self) -> str:
        return "error"


@dataclass(frozen=True)
class MatchKindType(Type):
    def __str__(self) -> str:
        return "match_kind"


@dataclass(frozen=True)
class IntegerType(Type):
    """`int`, arbitrary precision, compile time only (7.1.6.5)."""

    def __str__(self) -> str:
        return "int"


@dataclass(frozen=True)
class BitType(Type):
    """`bit<width>`"""

    width: int

    def __str__(self) -> str:
        return f"bit<{self.width}>"


@dataclass(frozen=True)
class IntType(Type):
    """`int<width>`, two's complement"""

    width: int

    def __str__(self) -> str:
        return f"int<{self.width}>"


@dataclass(frozen=True)
class VarbitType(Type):
    """`varbit<max_width>`"""

    max_width: int

    def __str__(self) -> str:
        return f"varbit<{self.max_width}>"


@dataclass(frozen=True)
class FieldInfo:
    name: str
    type: Type
    decl: ast.StructField | None = field(default=None, compare=False, hash=False, repr=False)


@dataclass(frozen=True)
class StructType(Type):
    """A struct, header or header_union after substitution of its type arguments. `kind` as in ast.StructDecl.

    Nominal: equality is by declaration and type arguments. An unnamed struct (the type of a struct expression before
    it is given a nominal type; see `unnamed_struct`) has `decl` None and compares by `shape`, its fields."""

    name: str
    kind: str = field(compare=False)
    fields: tuple[FieldInfo, ...] = field(compare=False, hash=False, repr=False)
    decl: ast.StructDecl | None = field(default=None, repr=False)
    args: tuple[Type, ...] = ()
    shape: tuple[FieldInfo, ...] = field(default=(), repr=False)

    def field(self, name: str) -> FieldInfo | None:
        return next((f for f in self.fields if f.name == name), None)

    def __str__(self) -> str:
        if not self.name:
            return f"{{{', '.join(f'{f.type} {f.name}' for f in self.fields)}}}"
        return self.name + (f"<{', '.join(map(str, self.args))}>" if self.args else "")


def unnamed_struct(fields: tuple[FieldInfo, ...]) -> StructType:
    """The type of `{ a = ..., b = ... }` where nothing says which struct it is."""
    return StructType("", "struct", fields, shape=fields)


@dataclass(frozen=True)
class StackType(Type):
    """`element[size]`; the element is a header or a header union."""

    element: Type
    size: int

    def __str__(self) -> str:
        return f"{self.element}[{self.size}]"


@dataclass(frozen=True)
class TupleType(Type):
    """`tuple<...>`; also the type of a list expression."""

    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"tuple<{', '.join(map(str, self.items))}>"


@dataclass(frozen=True)
class ListType(Type):
    """`list<T>`, compile time only"""

    element: Type

    def __str__(self) -> str:
        return f"list<{self.element}>"


@dataclass(frozen=True)
class EnumType(Type):
    """An enum without an underlying type; members by name, numbered from 0 in order of declaration."""

    name: str
    members: tuple[str, ...] = field(compare=False)
    decl: ast.EnumDecl | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class SerEnumType(Type):
    """A serialisable enum: `underlying` is BitType or IntType, `members` name -> value."""

    name: str
    underlying: Type = field(compare=False)
    members: tuple[tuple[str, int], ...] = field(compare=False)
    decl: ast.EnumDecl | None = field(default=None, repr=False)

    def value(self, member: str) -> int | None:
        return dict(self.members).get(member)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class NewType(Type):
    """`type underlying name;` (7.2.14): distinct from its underlying type."""

    name: str
    underlying: Type = field(compare=False)
    decl: ast.TypedefDecl | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class TypeVar(Type):
    """A type parameter inside a generic declaration."""

    name: str
    decl: ast.TypeParameter | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class SetType(Type):
    """The type of a keyset expression: mask, range, `_`, value set (7.2.8.3)."""

    element: Type

    def __str__(self) -> str:
        return f"set<{self.element}>"


@dataclass(frozen=True)
class DontCareType(Type):
    """`_`: fits everything."""

    def __str__(self) -> str:
        return "_"


@dataclass(frozen=True)
class InvalidHeaderType(Type):
    """`{#}` before it meets a header type."""

    def __str__(self) -> str:
        return "{#}"


@dataclass(frozen=True)
class ParamInfo:
    """A parameter with its resolved type. direction "" | "in" | "out" | "inout"; `optional`: has a default or
    `@optional`."""

    name: str
    direction: str
    type: Type
    optional: bool = False
    decl: ast.Parameter | None = field(default=None, compare=False, hash=False, repr=False)


@dataclass(frozen=True)
class CallableType(Type):
    """Type of a function, action, method, constructor, parser or control (its apply) or package.

    `kind`: "function" "action" "method" "extern_function" "constructor" "parser" "control" "package" "builtin".
    """

    kind: str
    name: str
    params: tuple[ParamInfo, ...]
    returns: Type
    type_params: tuple[TypeVar, ...] = ()
    decl: ast.Node | None = field(default=None, compare=False, hash=False, repr=False)

    def __str__(self) -> str:
        params = ", ".join(f"{p.direction} {p.type} {p.name}".strip() for p in self.params)
        return f"{self.kind} {self.name}({params})"


@dataclass(frozen=True)
class ObjectType(Type):
    """Type of an instance: extern object, parser, control, package, table or value set.

    `kind`: "extern" "parser" "control" "package" "table" "parser_type" "control_type".
    """

    kind: str
    name: str
    args: tuple[Type, ...] = ()
    decl: ast.Node | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.name + (f"<{', '.join(map(str, self.args))}>" if self.args else "")


@dataclass(frozen=True)
class TableResultType(Type):
    """What `table.apply()` gives: fields hit, miss (bool) and action_run (an enumeration of the table's actions)."""

    table: ast.TableDecl = field(repr=False)

    def __str__(self) -> str:
        return f"{self.table.name}.apply()'s result"


@dataclass(frozen=True)
class ActionEnumType(Type):
    """Type of `table.apply().action_run`."""

    table: ast.TableDecl = field(repr=False)

    def __str__(self) -> str:
        return f"{self.table.name}.apply().action_run"


@dataclass(frozen=True)
class TypeOfType(Type):
    """The "type" of a type name used as an expression (`Enum` in `Enum.A`, `H` in `H.minSizeInBits()`)."""

    type: Type


@dataclass(frozen=True)
class ErrorneousType(Type):
    """Stands for a type that could not be found; silences follow-up errors."""

    def __str__(self) -> str:
        return "<error>"


VOID, BOOL, STRING, ERROR, MATCH_KIND, INTEGER = (
    VoidType(),
    BoolType(),
    StringType(),
    ErrorType(),
    MatchKindType(),
    IntegerType(),
)
DONT_CARE, WRONG = DontCareType(), ErrorneousType()


def strip(type_: Type) -> Type:
    """The representation type: `type T name` and serialisable enums replaced by what they stand for, recursively."""
    while isinstance(type_, (NewType, SerEnumType)):
        type_ = type_.underlying
    return type_


def width_bits(type_: Type) -> int | None:
    """Width of a scalar, header or struct in bits (varbit: its maximum, union: its largest); None without one."""
    type_ = strip(type_)
    if isinstance(type_, (BitType, IntType)):
        return type_.width
    if isinstance(type_, VarbitType):
        return type_.max_width
    if isinstance(type_, BoolType):
        return 1
    if isinstance(type_, StackType):
        inner = width_bits(type_.element)
        return None if inner is None else inner * type_.size
    if isinstance(type_, (StructType, TupleType)):
        parts = [f.type for f in type_.fields] if isinstance(type_, StructType) else list(type_.items)
        widths = [width_bits(p) for p in parts]
        if any(w is None for w in widths):
            return None
        known = [w for w in widths if w is not None]
        return max(known, default=0) if isinstance(type_, StructType) and type_.kind == "header_union" else sum(known)
    return None
