"""L-values: where an expression stores, and how a value gets there (6.6, 8.17, 8.18)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate, require_int
from p4front.syntax import ast
from p4front.types.types import StackType, StructType, TupleType, Type, strip
from softswitch.codegen.env import Variable
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import expressions
from softswitch.codegen.names import field_name
from softswitch.codegen.parsers import parser_errors
from softswitch.codegen.statements.body import Body, Place, Val
from softswitch.codegen.values import scalars
from softswitch.codegen.values.layout import is_union, scalar_width


def is_place(body: Body, expr: ast.Expr) -> bool:
    """Whether `expr` names storage."""
    if isinstance(expr, ast.PathExpr):
        decl = body.gen.program.refs.get(expr)
        return decl is not None and isinstance(body.env.lookup(decl), Variable)
    if isinstance(expr, (ast.Member, ast.Index, ast.Slice, ast.PlusSlice)):
        return is_place(body, expr.base)
    return False


def place(body: Body, expr: ast.Expr) -> Place:
    """The place that `expr` names. Indices are evaluated here, once, in order."""
    if isinstance(expr, ast.PathExpr):
        decl = body.gen.program.refs.get(expr)
        binding = body.env.lookup(decl) if decl is not None else None
        if isinstance(binding, Variable):
            return Place(binding.text, binding.type)
    elif isinstance(expr, ast.Member):
        return _member(body, expr)
    elif isinstance(expr, ast.Index):
        return _element(body, place(body, expr.base), expr)
    elif isinstance(expr, ast.Slice):
        base = place(body, expr.base)
        hi = require_int(body.env, expr.hi, "the bound of a slice")
        lo = require_int(body.env, expr.lo, "the bound of a slice")
        start = base.slice[1] if base.slice else 0
        return Place(base.text, base.type, (start + hi, start + lo))
    elif isinstance(expr, ast.PlusSlice):
        return _window(body, place(body, expr.base), expr)
    raise refuse(expr.span, "this expression cannot be stored to")


def _window(body: Body, base: Place, expr: ast.PlusSlice) -> Place:
    """`base[low +: width]`; bits beyond the base read as zero, and writes to them are lost."""
    if base.slice is not None or base.window is not None:
        raise refuse(expr.span, "a slice of a slice with a computed start is not supported")
    width = require_int(body.env, expr.width, "the width of a slice")
    low = evaluate(body.env, expr.low)
    if isinstance(low, int) and low + width <= (scalar_width(base.type) or 0):
        return Place(base.text, base.type, (low + width - 1, low))
    value = expressions.rvalue(body, expr.low)
    at = body.temp("uint64_t", scalars.clip(value.text, scalar_width(value.type) or 64), "low")
    return Place(base.text, base.type, window=(at, width))


def _member(body: Body, expr: ast.Member) -> Place:
    base = place(body, expr.base)
    type_ = strip(base.type)
    name = expr.member.text
    if isinstance(type_, StackType):
        return stack_member(body, base, type_, expr)
    if isinstance(type_, StructType):
        info = type_.field(name)
        if info is not None:
            union = (base.text, type_) if is_union(type_) else None
            return Place(
                f"{base.text}.{field_name(name)}", info.type, union=union, next_of=base.next_of if union else ""
            )
    raise refuse(expr.span, f"{type_} has no member {name} that can be stored to")


def stack_member(body: Body, base: Place, type_: StackType, expr: ast.Member) -> Place:
    """`stack.next` and `stack.last` in a parser; out of bounds is a parser error (8.18)."""
    name = expr.member.text
    if name == "next":
        parser_errors.reject_if(body, f"{base.text}.next >= {type_.size}", "StackOutOfBounds")
        return Place(f"{base.text}.e[{base.text}.next]", type_.element, next_of=base.text)
    if name == "last":
        parser_errors.reject_if(body, f"{base.text}.next == 0 || {base.text}.next > {type_.size}", "StackOutOfBounds")
        return Place(f"{base.text}.e[{base.text}.next - 1]", type_.element)
    raise refuse(expr.span, f"a header stack has no member {name} that can be stored to")


def _element(body: Body, base: Place, expr: ast.Index) -> Place:
    type_ = strip(base.type)
    index = evaluate(body.env, expr.index)
    if isinstance(type_, TupleType) and isinstance(index, int):
        return Place(f"{base.text}.f{index}", type_.items[index])
    if not isinstance(type_, StackType):
        raise refuse(expr.span, f"{type_} cannot be indexed")
    if isinstance(index, int):
        if 0 <= index < type_.size:
            return Place(f"{base.text}.e[{index}]", type_.element)
        index_text = f"{type_.size}u"
    else:
        value = expressions.rvalue(body, expr.index)
        width = scalar_width(value.type) or 32
        index_text = body.temp("uint64_t", scalars.clip(value.text, width), "index")
    # Outside the stack: reads give an invalid header, writes go nowhere.
    c_type = body.gen.layout.c_type(type_.element)
    outside = body.temp(c_type, "{0}", "outside")
    chosen = body.temp(
        f"{c_type} *", f"{index_text} < {type_.size} ? &{base.text}.e[{index_text}] : &{outside}", "element"
    )
    return Place(f"(*{chosen})", type_.element)


def load(body: Body, where: Place) -> Val:
    """The value at a place."""
    if where.window is not None:
        return window_value(Val(where.text, where.type), *where.window)
    if where.slice is None:
        return Val(where.text, where.type)
    hi, lo = where.slice
    width = scalar_width(where.type) or 0
    return Val(scalars.bits(where.text, width, hi, lo), expressions.bit_type(hi - lo + 1))


def window_value(base: Val, low: str, size: int) -> Val:
    """`size` bits of a scalar from bit `low` on."""
    width = scalar_width(base.type) or 0
    text = scalars.shift(">>", base.text, low, 64, width, False)
    return Val(scalars.cast(text, width, False, size), expressions.bit_type(size))


def place_type(where: Place) -> Type:
    """Type of the values that a place holds."""
    if where.window is not None:
        return expressions.bit_type(where.window[1])
    return where.type if where.slice is None else expressions.bit_type(where.slice[0] - where.slice[1] + 1)


def store(body: Body, where: Place, value: Val) -> None:
    """Assigns. Of a header union's members the others become invalid, whether the value is valid or not (8.20)."""
    if where.window is not None:
        low, size = where.window
        width = scalar_width(where.type) or 0
        ones = scalars.shift("<<", scalars.literal((1 << size) - 1, width), low, 64, width, False)
        moved = scalars.shift("<<", scalars.cast(value.text, size, False, width), low, 64, width, False)
        kept = scalars.arithmetic("&", where.text, scalars.invert(ones, width), width, False)
        body.emit(f"{where.text} = {scalars.arithmetic('|', kept, moved, width, False)};")
        return
    if where.slice is not None:
        hi, lo = where.slice
        width = scalar_width(where.type) or 0
        body.emit(f"{where.text} = {scalars.insert(where.text, value.text, width, hi, lo)};")
        return
    body.emit(f"{where.text} = {bare(value.text)};")
    for other in union_siblings(where):
        body.emit(other)


def union_siblings(where: Place) -> list[str]:
    """Statements that make the other headers of `where`'s union invalid."""
    if where.union is None:
        return []
    text, type_ = where.union
    names = [field_name(f.name) for f in type_.fields]
    return [f"{text}.{name}.valid_ = false;" for name in names if f"{text}.{name}" != where.text]


def bare(text: str) -> str:
    """Without the outermost brackets, where they enclose everything: easier to read."""
    if text.startswith("(") and text.endswith(")"):
        depth = 0
        for i, char in enumerate(text):
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return text[1:-1] if i == len(text) - 1 else text
    return text
