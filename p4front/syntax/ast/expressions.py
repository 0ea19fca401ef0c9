"""Expressions, and what stands only in places of their own: arguments and keysets."""

from __future__ import annotations

from dataclasses import dataclass

from p4front.syntax.ast.nodes import Expr, KeyValue, Name, Node
from p4front.syntax.ast.types import TypeRef


@dataclass(eq=False, slots=True)
class IntLiteral(Expr):
    """`42`, `8w0xFF`, `4s7`. `width` None: arbitrary precision."""

    value: int
    width: int | None = None
    signed: bool = False
    base: int = 10


@dataclass(eq=False, slots=True)
class BoolLiteral(Expr):
    value: bool


@dataclass(eq=False, slots=True)
class StringLiteral(Expr):
    """`value` is the text between the quotes as written: a backslash before `"` or `\\` is still there."""

    value: str


@dataclass(eq=False, slots=True)
class PathExpr(Expr):
    """A variable, parameter, constant, instance, action, function, `this`; `.name` if `absolute`."""

    name: Name
    absolute: bool = False


@dataclass(eq=False, slots=True)
class TypeNameExpr(Expr):
    """A type used as an expression: `error.NoError`, `Enum.member`, `Header.minSizeInBits()`."""

    type: TypeRef


@dataclass(eq=False, slots=True)
class Member(Expr):
    """`base.member`; also for table/parser/control `.apply`, extern methods, stack `.next`, ..."""

    base: Expr
    member: Name


@dataclass(eq=False, slots=True)
class Index(Expr):
    """`base[index]` on a stack or tuple"""

    base: Expr
    index: Expr


@dataclass(eq=False, slots=True)
class Slice(Expr):
    """`base[hi:lo]`"""

    base: Expr
    hi: Expr
    lo: Expr


@dataclass(eq=False, slots=True)
class PlusSlice(Expr):
    """`base[low +: width]`: `width` (a compile-time constant) bits from bit `low` on, which may be computed."""

    base: Expr
    low: Expr
    width: Expr


@dataclass(eq=False, slots=True)
class Unary(Expr):
    """op in `!` `~` `-` `+`"""

    op: str
    operand: Expr


@dataclass(eq=False, slots=True)
class Binary(Expr):
    """op in `* / % + - |+| |-| << >> <= >= < > == != & ^ | ++ && ||`, and in sets `&&&` (mask) and `..` (range)."""

    op: str
    left: Expr
    right: Expr


@dataclass(eq=False, slots=True)
class Ternary(Expr):
    """`cond ? then : otherwise`"""

    cond: Expr
    then: Expr
    otherwise: Expr


@dataclass(eq=False, slots=True)
class Cast(Expr):
    """`(type) operand`"""

    type: TypeRef
    operand: Expr


@dataclass(eq=False, slots=True)
class Argument(Node):
    """A call's argument: `expr`, `name = expr`, or `_` (expr is DontCare)."""

    expr: Expr
    name: Name | None = None


@dataclass(eq=False, slots=True)
class Call(Expr):
    """`callee<type_args>(args)`; a constructor call if callee is a TypeNameExpr."""

    callee: Expr
    type_args: list[TypeRef]
    args: list[Argument]


@dataclass(eq=False, slots=True)
class ListExpr(Expr):
    """`{ e1, e2 }` (also a tuple keyset `(a, b)` in select/entries: see KeysetTuple). `has_default`: trailing `...`."""

    items: list[Expr]
    has_default: bool = False


@dataclass(eq=False, slots=True)
class StructExpr(Expr):
    """`{ f = e, ... }`"""

    fields: list[KeyValue]
    has_default: bool = False


@dataclass(eq=False, slots=True)
class InvalidExpr(Expr):
    """`{#}`: an invalid header or header union"""


@dataclass(eq=False, slots=True)
class DefaultExpr(Expr):
    """`default` as a keyset, or `...` as an initialiser"""


@dataclass(eq=False, slots=True)
class DontCare(Expr):
    """`_` as a keyset or an argument"""


@dataclass(eq=False, slots=True)
class KeysetTuple(Expr):
    """`(k1, k2, ...)` in a select case or a table entry"""

    items: list[Expr]
