"""How much longer or shorter a packet gets when headers become valid or invalid, for packet_length in egress.

Like simple_switch: `setValid`, `setInvalid`, lists and `{#}` count, each only where it changes a header's validity; a
header that is assigned another header does not, since whatever made that one valid has counted already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.types import StackType, StructType, TupleType, Type, strip
from softswitch.codegen.functions.function_body import FunctionBody
from softswitch.codegen.names import field_name
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import element, is_header, is_union, members, min_bits


@dataclass(frozen=True)
class Change:
    """A header inside of a value: where it is, and whether it is valid there."""

    header: CExpr
    type: Type
    valid: bool


def header_bytes(type_: Type) -> int:
    return -(-min_bits(type_) // 8)


def becomes_valid(body: FunctionBody, type_: Type) -> None:
    body.emit(f"x->packet->length_change += {header_bytes(type_)};")


def becomes_invalid(body: FunctionBody, type_: Type) -> None:
    body.emit(f"x->packet->length_change -= {header_bytes(type_)};")


def assigned(body: FunctionBody, expr: ast.Expr, type_: Type, target: CExpr) -> None:
    """Counts the headers that storing the value of `expr` to the C l-value `target` makes valid or invalid. Comes
    right before the store."""
    for change in _changes(body, expr, type_, target):
        valid = cexpr.member(change.header, "valid_")
        if change.valid:
            body.emit(f"if ({cexpr.negation(valid)})")
            body.emit(f"    x->packet->length_change += {header_bytes(change.type)};")
        else:
            body.emit(f"if ({valid})")
            body.emit(f"    x->packet->length_change -= {header_bytes(change.type)};")


def made(body: FunctionBody, expr: ast.Expr, type_: Type) -> None:
    """Counts the valid headers of a value that goes where no header was: a new variable, an argument, a result."""
    for change in _changes(body, expr, type_, cexpr.name("value")):
        if change.valid:
            becomes_valid(body, change.type)


def _changes(body: FunctionBody, expr: ast.Expr, type_: Type, c: CExpr) -> Iterator[Change]:
    plain = strip(type_)
    if not isinstance(plain, (StackType, StructType, TupleType)):
        return
    if isinstance(expr, ast.Cast):
        yield from _changes(body, expr.operand, type_, c)
    elif isinstance(expr, (ast.InvalidExpr, ast.DefaultExpr)):
        yield from _invalid(plain, c)
    elif isinstance(expr, (ast.ListExpr, ast.StructExpr)):
        if is_header(plain):
            yield Change(c, plain, True)
            return
        for item, member_type, inner in _items(expr, plain, c):
            yield from _changes(body, item, member_type, inner)
    else:
        known = evaluate(body.env, expr)
        if known is not None:
            yield from _constant(known, plain, c)


def _items(expr: ast.ListExpr | ast.StructExpr, plain: Type, c: CExpr) -> Iterator[tuple[ast.Expr, Type, CExpr]]:
    if isinstance(expr, ast.StructExpr):
        for given in expr.fields:
            info = plain.field(given.key.text) if isinstance(plain, StructType) else None
            if info is not None:
                yield given.value, info.type, cexpr.member(c, field_name(info.name))
        return
    items = [item for item in expr.items if not isinstance(item, ast.DefaultExpr)]
    if isinstance(plain, StackType):
        for i, item in enumerate(items[: plain.size]):
            yield item, plain.element, element(c, i)
        return
    for item, (name, member_type) in zip(items, members(plain), strict=False):
        yield item, member_type, cexpr.member(c, name)


def _invalid(plain: Type, c: CExpr) -> Iterator[Change]:
    if is_header(plain):
        yield Change(c, plain, False)
    elif is_union(plain):
        for name, member_type in members(plain):
            yield Change(cexpr.member(c, name), member_type, False)


def _constant(value: ConstValue, plain: Type, c: CExpr) -> Iterator[Change]:
    """The headers of a constant, all of which are valid."""
    if is_header(plain):
        yield Change(c, plain, True)
    elif isinstance(plain, (StructType, TupleType)) and isinstance(value, (tuple, dict)):
        labels = [f.name for f in plain.fields] if isinstance(plain, StructType) else []
        for i, (name, member_type) in enumerate(members(plain)):
            item = value.get(labels[i]) if isinstance(value, dict) else value[i] if i < len(value) else None
            inner = strip(member_type)
            if item is not None and isinstance(inner, (StructType, TupleType)):
                yield from _constant(item, inner, cexpr.member(c, name))
