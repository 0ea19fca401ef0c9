"""The arguments of a register write as bits, as a clone carries them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error
from p4front.types.types import BitType, BoolType, IntType, StructType, TupleType, Type, strip
from state4.analysis.cells import leaf_types, leaf_width


def as_bits(program: Program, expr: ast.Expr, width: int, cell: Type | None = None) -> str:
    """Source text of `expr` as bit<width>. `cell`: the type that it has as an argument, if the parameter's is generic.

    Raises P4Error if evaluating it once more could change something or give another value."""
    _check_repeatable(program, expr)
    if cell is not None and isinstance(strip(cell), (StructType, TupleType)):
        return f"(bit<{width}>)({' ++ '.join(_members(program, expr, cell))})"
    text = _text(expr)
    type_ = program.types.get(expr)
    inner = strip(type_) if type_ is not None else None
    if isinstance(inner, BitType) and inner == type_ and inner.width == width and _is_typed(expr):
        return text
    if isinstance(inner, BoolType):
        return f"(bit<{width}>)(bit<1>)({text})"
    if isinstance(inner, BitType) and inner == type_ and _is_typed(expr):
        return f"(bit<{width}>){_bracketed(expr)}"
    own = leaf_width(cell) if cell is not None else width
    bits = inner.width if isinstance(inner, (BitType, IntType)) else own
    unsigned = isinstance(inner, BitType) and inner == type_
    if bits == width and unsigned:
        return f"(bit<{width}>){_bracketed(expr)}"
    return f"(bit<{width}>)(bit<{bits}>){_bracketed(expr)}"


def _members(program: Program, expr: ast.Expr, type_: Type) -> list[str]:
    """Every number inside a value, each as bits of its own width."""
    if isinstance(expr, ast.Cast):
        return _members(program, expr.operand, type_)
    inner = strip(type_)
    if isinstance(inner, StructType) and isinstance(expr, ast.StructExpr):
        given = {field.key.text: field.value for field in expr.fields}
        return _parts(program, [(given.get(field.name), field.type) for field in inner.fields])
    if isinstance(inner, (StructType, TupleType)) and isinstance(expr, ast.ListExpr):
        types = [field.type for field in inner.fields] if isinstance(inner, StructType) else list(inner.items)
        items: list[ast.Expr | None] = [*expr.items, *[None] * (len(types) - len(expr.items))]
        return _parts(program, list(zip(items, types, strict=True)))
    if isinstance(inner, (StructType, TupleType)):
        if not isinstance(expr, (ast.PathExpr, ast.Member, ast.Index)):
            message = "State4 has to name the members of this value for its clone; put it into a variable first"
            raise P4Error(Diagnostic(message, expr.span))
        return [_leaf(f"{_text(expr)}{accessor}", leaf) for accessor, leaf in leaf_types(type_) or ()]
    return [_leaf(_bracketed(expr), type_)]


def _parts(program: Program, parts: Sequence[tuple[ast.Expr | None, Type]]) -> list[str]:
    """Members that are given, or their default value (P4_16, section 8.13)."""
    found: list[str] = []
    for expr, type_ in parts:
        if expr is None:
            found += [f"{leaf_width(leaf)}w0" for _, leaf in leaf_types(type_) or ()]
        else:
            found += _members(program, expr, type_)
    return found


def _leaf(text: str, type_: Type) -> str:
    """A number of a known type as bits. A bare number gets the type first."""
    inner = strip(type_)
    if isinstance(inner, BoolType):
        return f"(bit<1>){text}"
    typed = f"(int<{inner.width}>){text}" if isinstance(inner, IntType) and inner == type_ else text
    return f"(bit<{leaf_width(type_)}>){typed}"


def _text(expr: ast.Expr) -> str:
    text = re.sub(r"\\[ \t]*\r?\n", "", expr.span.text)  # lines that go on
    return text if "//" in text else " ".join(text.split())


def _bracketed(expr: ast.Expr) -> str:
    plain = isinstance(expr, (ast.PathExpr, ast.Member, ast.Cast))
    text = _text(expr)
    return text if plain and "//" not in text else f"({text})"


def _is_typed(expr: ast.Expr) -> bool:
    """Whether the text has a type by itself: a bare number takes its type from the context."""
    return not any(isinstance(n, ast.IntLiteral) and n.width is None for n in expr.walk()) or isinstance(
        expr, (ast.PathExpr, ast.Member, ast.Cast, ast.Index)
    )


def is_repeatable(program: Program, expr: ast.Expr) -> bool:
    """Whether evaluating an expression once more changes nothing and gives the same value."""
    return next(_calls(program, expr), None) is None


def _calls(program: Program, expr: ast.Expr) -> Iterator[ast.Node]:
    """Calls in an expression that may change something."""
    for node in expr.walk():
        call = program.calls.get(node)
        if call is None or call.kind == "builtin" or (isinstance(node, ast.Call) and call.kind == "constructor"):
            continue
        yield node


def _check_repeatable(program: Program, expr: ast.Expr) -> None:
    for node in _calls(program, expr):
        message = "State4 evaluates this argument once more for its clone, and a call may change something; "
        raise P4Error(Diagnostic(message + "put the value into a variable first", node.span))
