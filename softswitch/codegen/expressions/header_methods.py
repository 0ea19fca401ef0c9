"""Built-in methods of headers, unions and stacks (8.17-8.19)."""

from __future__ import annotations

from p4front.elaborate.evaluate import require_int
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BOOL, BitType, StackType, Type, TypeOfType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import header_lengths, lvalues, rvalues
from softswitch.codegen.functions.function_body import FunctionBody, LValue, Value
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import element, is_header, is_union, members, min_bits, wire_bits


def builtin(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """A call of a built-in method."""
    name = info.builtin
    if name.startswith(("minSize", "maxSize")):
        return _size(body, expr, info)
    if info.object is None:
        raise refuse(expr.span, f"{name} needs a header or a stack")
    if name == "isValid":
        return is_valid(body, info.object)
    where = lvalues.lvalue(body, info.object)
    plain = strip(where.type)
    if name == "setValid":
        set_valid(body, where, plain)
    elif name == "setInvalid":
        set_invalid(body, where, plain)
    elif name in ("push_front", "pop_front") and isinstance(plain, StackType):
        argument = info.args[0].expr
        count = 1 if argument is None else require_int(body.env, argument, "the number of headers")
        _move(body, where, plain, count if name == "push_front" else -count)
    else:
        raise refuse(expr.span, f"{name} is not supported on a value of type {plain}")
    return None


def is_valid(body: FunctionBody, expr: ast.Expr) -> Value:
    """`h.isValid()`; a union is valid if one of its headers is."""
    if lvalues.is_lvalue(body, expr):
        where = lvalues.lvalue(body, expr)
        c, type_ = where.c, where.type
    else:
        value = rvalues.addressable(body, rvalues.rvalue(body, expr))
        c, type_ = value.c, value.type
    return Value(_validity(c, strip(type_)), BOOL)


def _validity(c: CExpr, plain: Type) -> CExpr:
    """Whether a header or union is valid, in C."""
    if is_header(plain):
        return cexpr.member(c, "valid_")
    headers = (cexpr.member(c, name) for name, _ in members(plain))
    return cexpr.any_of(cexpr.member(header, "valid_") for header in headers) or cexpr.FALSE


def set_valid(body: FunctionBody, where: LValue, plain: Type) -> None:
    """A header that was invalid becomes valid with all fields zero, as in simple_switch."""
    valid = cexpr.member(where.c, "valid_")
    with body.braces(f"if ({cexpr.negation(valid)})"):
        body.emit(f"{where.c} = {body.unit.layout.zero(plain)};")
        body.emit(f"{valid} = true;")
        header_lengths.becomes_valid(body, plain)
        for line in lvalues.union_siblings(where):
            body.emit(line)


def set_invalid(body: FunctionBody, where: LValue, plain: Type) -> None:
    """A union becomes invalid as a whole, also when one of its headers is made invalid (8.20)."""
    c, type_ = (where.c, plain) if where.union is None else where.union
    for name, member in members(type_) if is_union(type_) else [("", plain)]:
        valid = cexpr.member(cexpr.member(c, name) if name else c, "valid_")
        with body.braces(f"if ({valid})"):
            body.emit(f"{valid} = false;")
            header_lengths.becomes_invalid(body, member)


def _move(body: FunctionBody, where: LValue, plain: StackType, by: int) -> None:
    """push_front (by > 0) and pop_front (by < 0); headers that come in are invalid."""
    size, filled = plain.size, cexpr.member(where.c, "next")
    count = min(abs(by), size)
    if count and count < size:
        ends = [cexpr.member(where.c, "e"), cexpr.address(element(where.c, count))]
        to, source = reversed(ends) if by > 0 else ends
        length = cexpr.binary("*", size - count, cexpr.call("sizeof", element(where.c, 0)))
        body.emit(f"{cexpr.call('memmove', to, source, length)};")
    first = 0 if by > 0 else size - count
    for i in range(first, first + count):
        body.emit(f"{element(where.c, i)} = {body.unit.layout.zero(plain.element)};")
    moved = cexpr.binary("+" if by > 0 else "-", filled, count)
    if by > 0:
        body.emit(f"{filled} = {cexpr.ternary(cexpr.binary('<', moved, size), moved, size)};")
    else:
        body.emit(f"{filled} = {cexpr.ternary(cexpr.binary('>', filled, count), moved, 0)};")


def _size(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value:
    """minSizeInBits and the like, known at compile time (8.8)."""
    if info.object is None:
        raise refuse(expr.span, f"{info.builtin} needs a type or a header")
    type_ = body.env.type(body.unit.program.types[info.object])
    type_ = strip(type_.type if isinstance(type_, TypeOfType) else type_)
    type_ = body.env.type(type_)
    bits = wire_bits(type_) if info.builtin.startswith("max") else min_bits(type_)
    return Value(scalars.literal(-(-bits // 8) if info.builtin.endswith("Bytes") else bits, 32), BitType(32), True)
