"""Compile-time values (P4_16 18.1): what the checker folded, and all that depends on constructor parameters and on type
arguments, which have their values once an instance is made.
"""

from __future__ import annotations

from typing import Protocol

from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error
from p4front.types import constants
from p4front.types.constants import ConstValue, FoldError
from p4front.types.rules import size_value
from p4front.types.types import (
    BitType,
    IntType,
    ObjectType,
    StackType,
    StructType,
    TupleType,
    Type,
    TypeOfType,
    strip,
)


class Meaning(Protocol):
    """Where an expression stands: what names and type parameters mean there."""

    @property
    def program(self) -> Program:
        """The program that the expression is from."""

    def constant(self, decl: ast.Node) -> ConstValue | None:
        """Value of a parameter that is known at compile time, None of anything else."""

    def type(self, type_: Type) -> Type:
        """`type_` with the type arguments in force."""


def evaluate(meaning: Meaning, expr: ast.Expr) -> ConstValue | None:
    """The value of `expr`; None if it is known only at run time, or has none (a division by zero)."""
    try:
        return _value(meaning, expr)
    except FoldError:
        return None


def require_int(meaning: Meaning, expr: ast.Expr, what: str) -> int:
    """The value of an expression that must be a compile-time integer. Raises P4Error, with the place and the reason, if
    it is not; `what` names it there ("the size of a table")."""
    reason = ""
    try:
        value = _value(meaning, expr)
    except FoldError as error:
        value, reason = None, f": {error}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise P4Error(Diagnostic(f"{what} must be a compile-time integer{reason}", expr.span))
    return value


def _value(meaning: Meaning, expr: ast.Expr) -> ConstValue | None:
    known = meaning.program.constants.get(expr)
    if known is not None and not isinstance(known, ast.Node):
        return known
    value = _compute(meaning, expr)
    if value is None:
        return None
    cast = meaning.program.implicit_casts.get(expr)
    return value if cast is None else constants.cast(value, meaning.type(cast))


def _compute(meaning: Meaning, expr: ast.Expr) -> ConstValue | None:
    """The value before an implicit cast."""
    match expr:
        case ast.IntLiteral() | ast.BoolLiteral() | ast.StringLiteral():
            return expr.value
        case ast.PathExpr():
            return _name(meaning, expr)
        case ast.Member():
            base = _value(meaning, expr.base)
            return base.get(expr.member.text) if isinstance(base, dict) else None
        case ast.Index():
            base, index = _value(meaning, expr.base), _value(meaning, expr.index)
            if isinstance(base, tuple) and isinstance(index, int) and 0 <= index < len(base):
                return base[index]
            return None
        case ast.Cast():
            operand = _value(meaning, expr.operand)
            return None if operand is None else constants.cast(operand, _type(meaning, expr))
        case ast.Unary():
            return _unary(meaning, expr)
        case ast.Binary():
            return _binary(meaning, expr)
        case ast.Ternary():
            condition = _value(meaning, expr.cond)
            if not isinstance(condition, bool):
                return None
            chosen = _value(meaning, expr.then if condition else expr.otherwise)
            return None if chosen is None else constants.cast(chosen, _type(meaning, expr))
        case ast.Slice():
            return _bits(meaning, expr.base, expr.hi, expr.lo)
        case ast.PlusSlice():
            low, width = _value(meaning, expr.low), _value(meaning, expr.width)
            base = _value(meaning, expr.base)
            if isinstance(base, int) and isinstance(low, int) and isinstance(width, int):
                return constants.slice_bits(base, low + width - 1, low)
            return None
        case ast.ListExpr():
            return _list(meaning, expr)
        case ast.StructExpr():
            return _struct(meaning, expr)
        case ast.DefaultExpr():
            return constants.default_value(_type(meaning, expr))
        case ast.Call():
            return _call(meaning, expr)
    return None


def _type(meaning: Meaning, expr: ast.Expr) -> Type:
    type_ = meaning.program.types.get(expr)
    if type_ is None:
        raise FoldError("its type is not known")  # inside annotations, which are not all checked
    return meaning.type(type_)


def _name(meaning: Meaning, expr: ast.PathExpr) -> ConstValue | None:
    decl = meaning.program.refs.get(expr)
    if decl is None:
        return None
    if isinstance(decl, ast.ConstantDecl):
        return _value(meaning, decl.value)
    return meaning.constant(decl)


def _unary(meaning: Meaning, expr: ast.Unary) -> ConstValue | None:
    operand = _value(meaning, expr.operand)
    if isinstance(operand, bool):
        return not operand if expr.op == "!" else None
    if not isinstance(operand, int):
        return None
    result = {"-": -operand, "~": ~operand, "+": operand}.get(expr.op)
    return None if result is None else constants.wrap(result, _type(meaning, expr))


def _binary(meaning: Meaning, expr: ast.Binary) -> ConstValue | None:
    op = expr.op
    if op in ("&&", "||"):
        return _logic(meaning, expr)
    left, right = _value(meaning, expr.left), _value(meaning, expr.right)
    if left is None or right is None:
        return None
    if op in ("==", "!="):
        return (left == right) is (op == "==")
    if op in ("&&&", ".."):
        return (left, right)
    if op == "++" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not isinstance(left, int) or not isinstance(right, int):
        return None
    if op in ("<", "<=", ">", ">="):
        return constants.compare(op, left, right)
    type_ = _type(meaning, expr)
    if op in ("<<", ">>"):
        return constants.shift(op, left, right, type_)
    if op == "++":
        width = strip(_type(meaning, expr.right))
        return constants.concatenate(left, right, width.width, type_) if isinstance(width, (BitType, IntType)) else None
    return constants.arithmetic(op, left, right, type_)


def _logic(meaning: Meaning, expr: ast.Binary) -> ConstValue | None:
    """`&&` and `||`: the left operand may decide alone; the right one may not, since the left one is evaluated then."""
    left = _value(meaning, expr.left)
    if not isinstance(left, bool):
        return None
    return left if left is (expr.op == "||") else _value(meaning, expr.right)


def _bits(meaning: Meaning, *exprs: ast.Expr) -> int | None:
    base, hi, lo = (_value(meaning, e) for e in exprs)
    if isinstance(base, int) and isinstance(hi, int) and isinstance(lo, int):
        return constants.slice_bits(base, hi, lo)
    return None


def _list(meaning: Meaning, expr: ast.ListExpr) -> ConstValue | None:
    type_ = strip(_type(meaning, expr))
    items = [item for item in expr.items if not isinstance(item, ast.DefaultExpr)]
    values = [_value(meaning, item) for item in items]
    wanted: list[Type] = []
    if isinstance(type_, StructType):
        wanted = [f.type for f in type_.fields]
    elif isinstance(type_, TupleType):
        wanted = list(type_.items)
    elif isinstance(type_, StackType):
        wanted = [type_.element] * type_.size
    values += [constants.default_value(t) for t in wanted[len(values) :]]
    known = [value for value in values if value is not None]
    if len(known) != len(values):
        return None
    if isinstance(type_, StructType):
        return {f.name: value for f, value in zip(type_.fields, known, strict=True)}
    return tuple(known)


def _struct(meaning: Meaning, expr: ast.StructExpr) -> ConstValue | None:
    type_ = strip(_type(meaning, expr))
    given = {pair.key.text: _value(meaning, pair.value) for pair in expr.fields}
    if isinstance(type_, StructType):
        for field in type_.fields:
            given.setdefault(field.name, constants.default_value(field.type))
    known = {name: value for name, value in given.items() if value is not None}
    return known if len(known) == len(given) else None


def _call(meaning: Meaning, expr: ast.Call) -> ConstValue | None:
    """A cast written as a call, and the size of a type that a type parameter stands for."""
    info = meaning.program.calls.get(expr)
    if info is None:
        return None
    if info.kind == "constructor" and len(info.args) == 1 and info.args[0].expr is not None:
        target = _type(meaning, expr)
        value = None if isinstance(target, ObjectType) else _value(meaning, info.args[0].expr)
        return None if value is None else constants.cast(value, target)
    if info.kind == "builtin" and info.object is not None and info.builtin.startswith(("minSize", "maxSize")):
        base = meaning.program.types.get(info.object)
        if base is not None:
            return size_value(meaning.type(base.type if isinstance(base, TypeOfType) else base), info.builtin)
    return None
