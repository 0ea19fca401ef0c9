"""Initialisers: lists, struct expressions, `{#}` and `...` as values of a known type (8.11-8.13, 8.20)."""

from __future__ import annotations

from p4front.syntax import ast
from p4front.types.types import EnumType, SerEnumType, StackType, StructType, TupleType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import rvalues
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.names import field_name
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import is_header, is_union, members


@rvalues.register_initialisers
def build(body: FunctionBody, expr: ast.Expr, target: Type) -> Value:
    """The value of `expr` as `target`."""
    plain = strip(target)
    if isinstance(expr, ast.Cast):
        return build(body, expr.operand, rvalues.type_of(body, expr))
    if isinstance(expr, ast.InvalidExpr):
        return Value(body.unit.layout.zero(plain), target)
    if isinstance(expr, ast.DefaultExpr):
        return Value(default(body, target), target)
    if isinstance(expr, ast.StructExpr) and isinstance(plain, StructType):
        return _struct(body, expr, plain, target)
    if isinstance(expr, ast.ListExpr):
        return _list(body, expr, plain, target)
    value = rvalues.rvalue(body, expr, target)
    source = strip(value.type)
    if isinstance(source, (StructType, TupleType)) and isinstance(plain, (StructType, TupleType)) and source != plain:
        return _reshape(body, value, source, plain, target, expr)
    return value


def _reshape(
    body: FunctionBody,
    value: Value,
    source: StructType | TupleType,
    plain: StructType | TupleType,
    target: Type,
    expr: ast.Expr,
) -> Value:
    """A tuple or unnamed struct as another struct type with the same fields."""
    if body.unit.layout.c_type(source) == body.unit.layout.c_type(plain):
        return Value(value.c, target, value.stable)
    if len(members(source)) != len(members(plain)):
        raise refuse(expr.span, f"a value of type {source} cannot be used as {plain}")
    base = rvalues.addressable(body, value).c
    parts: list[str] = []
    for (from_name, from_type), (to_name, to_type) in zip(members(source), members(plain), strict=True):
        part = Value(cexpr.member(base, from_name), from_type, value.stable)
        inner, outer = strip(from_type), strip(to_type)
        if isinstance(inner, (StructType, TupleType)) and isinstance(outer, (StructType, TupleType)) and inner != outer:
            part = _reshape(body, part, inner, outer, to_type, expr)
        parts.append(f".{to_name} = {part.c}")
    return _aggregate(body, plain, parts, target)


def _aggregate(body: FunctionBody, plain: Type, parts: list[str], target: Type) -> Value:
    if is_header(plain):
        parts = [".valid_ = true", *parts]
    return Value(cexpr.compound(body.unit.layout.c_type(plain), parts), target)


def _struct(body: FunctionBody, expr: ast.StructExpr, plain: StructType, target: Type) -> Value:
    infos = [plain.field(item.key.text) for item in expr.fields]
    wants = [info.type if info is not None else None for info in infos]
    values = rvalues.rvalues(body, [item.value for item in expr.fields], wants)
    parts = [f".{field_name(item.key.text)} = {value.c}" for item, value in zip(expr.fields, values, strict=True)]
    if expr.has_default:
        given = {item.key.text for item in expr.fields}
        parts += [f".{field_name(f.name)} = {default(body, f.type)}" for f in plain.fields if f.name not in given]
    return _aggregate(body, plain, parts, target)


def _list(body: FunctionBody, expr: ast.ListExpr, plain: Type, target: Type) -> Value:
    # A trailing `...` may stand in the list as its last item or be marked on the list.
    items = [item for item in expr.items if not isinstance(item, ast.DefaultExpr)]
    rest = expr.has_default or len(items) < len(expr.items)
    if isinstance(plain, StackType):
        values = rvalues.rvalues(body, items, [plain.element] * len(items))
        elements = [value.c for value in values]
        if rest:
            elements += [default(body, plain.element)] * (plain.size - len(elements))
        return Value(body.unit.layout.stack(elements, plain), target)
    if isinstance(plain, (StructType, TupleType)) and not is_union(plain):
        fields = members(plain)
        if len(items) > len(fields):
            raise refuse(expr.span, f"{plain} has only {len(fields)} fields")
        values = rvalues.rvalues(body, items, [t for _, t in fields])
        parts = [f".{name} = {value.c}" for (name, _), value in zip(fields, values, strict=False)]
        if rest:
            parts += [f".{name} = {default(body, t)}" for name, t in fields[len(items) :]]
        return _aggregate(body, plain, parts, target)
    raise refuse(expr.span, f"a list cannot be used as a value of type {plain}")


def default(body: FunctionBody, type_: Type) -> CExpr:
    """The value that `...` stands for (8.12.1): zero, false, NoError, the first member; headers invalid."""
    plain = strip(type_)
    if isinstance(plain, (EnumType, SerEnumType)):
        return scalars.literal(0, 32)
    if isinstance(plain, (StructType, TupleType)) and not is_header(plain) and not is_union(plain):
        parts = [f".{name} = {default(body, t)}" for name, t in members(plain)]
        return cexpr.compound(body.unit.layout.c_type(plain), parts)
    return body.unit.layout.zero(plain)
