"""Built-in methods of headers, unions and stacks (8.17-8.19)."""

from __future__ import annotations

from p4front.elaborate.evaluate import require_int
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BOOL, BitType, StackType, Type, TypeOfType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import expressions, places
from softswitch.codegen.statements.body import Body, Place, Val
from softswitch.codegen.values import header_lengths
from softswitch.codegen.values.layout import is_header, is_union, members, wire_bits


def builtin(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """A call of a built-in method."""
    name = info.builtin
    if name.startswith(("minSize", "maxSize")):
        return _size(body, expr, info)
    if info.object is None:
        raise refuse(expr.span, f"{name} needs a header or a stack")
    if name == "isValid":
        return is_valid(body, info.object)
    where = places.place(body, info.object)
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


def is_valid(body: Body, expr: ast.Expr) -> Val:
    """`h.isValid()`; a union is valid if one of its headers is."""
    if places.is_place(body, expr):
        where = places.place(body, expr)
        text, type_ = where.text, where.type
    else:
        value = expressions.addressable(body, expressions.rvalue(body, expr))
        text, type_ = value.text, value.type
    return Val(valid_text(text, strip(type_)), BOOL)


def valid_text(text: str, plain: Type) -> str:
    """Whether a header or union is valid, in C."""
    if is_header(plain):
        return f"{text}.valid_"
    return "(" + (" || ".join(f"{text}.{name}.valid_" for name, _ in members(plain)) or "false") + ")"


def set_valid(body: Body, where: Place, plain: Type) -> None:
    """A header that was invalid becomes valid with all fields zero, as in simple_switch."""
    with body.braces(f"if (!{where.text}.valid_)"):
        body.emit(f"{where.text} = {body.gen.layout.zero(plain)};")
        body.emit(f"{where.text}.valid_ = true;")
        header_lengths.becomes_valid(body, plain)
        for line in places.union_siblings(where):
            body.emit(line)


def set_invalid(body: Body, where: Place, plain: Type) -> None:
    """A union becomes invalid as a whole, also when one of its headers is told to (8.20)."""
    text, type_ = (where.text, plain) if where.union is None else where.union
    for name, member in members(type_) if is_union(type_) else [("", plain)]:
        header = f"{text}.{name}" if name else text
        with body.braces(f"if ({header}.valid_)"):
            body.emit(f"{header}.valid_ = false;")
            header_lengths.becomes_invalid(body, member)


def _move(body: Body, where: Place, plain: StackType, by: int) -> None:
    """push_front (by > 0) and pop_front (by < 0); headers that come in are invalid."""
    size, text = plain.size, where.text
    count = min(abs(by), size)
    element = body.gen.layout.c_type(plain.element)
    if count and count < size:
        to, source = (f"&{text}.e[{count}]", text + ".e") if by > 0 else (text + ".e", f"&{text}.e[{count}]")
        body.emit(f"memmove({to}, {source}, {size - count} * sizeof({element}));")
    first = 0 if by > 0 else size - count
    for i in range(first, first + count):
        body.emit(f"{text}.e[{i}] = {body.gen.layout.zero(plain.element)};")
    if by > 0:
        body.emit(f"{text}.next = {text}.next + {count} < {size} ? {text}.next + {count} : {size};")
    else:
        body.emit(f"{text}.next = {text}.next > {count} ? {text}.next - {count} : 0;")


def _size(body: Body, expr: ast.Call, info: CallInfo) -> Val:
    """minSizeInBits and the like, known at compile time (8.8)."""
    if info.object is None:
        raise refuse(expr.span, f"{info.builtin} needs a type or a header")
    type_ = body.env.type(body.gen.program.types[info.object])
    type_ = strip(type_.type if isinstance(type_, TypeOfType) else type_)
    type_ = body.env.type(type_)
    bits = wire_bits(type_) if info.builtin.startswith("max") else header_lengths.min_bits(type_)
    return Val(f"{-(-bits // 8) if info.builtin.endswith('Bytes') else bits}u", BitType(32), True)
