"""Keyset expressions: values, masks, ranges, `_`, in select and in table entries (8.15)."""

from __future__ import annotations

from dataclasses import dataclass

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.types.types import EnumType, ErrorType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import rvalues
from softswitch.codegen.functions.environment import Environment
from softswitch.codegen.functions.function_body import FunctionBody
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import is_signed, scalar_width


@dataclass(frozen=True)
class Known:
    """A keyset known at compile time. kind: "exact" (value), "mask" (value, other = mask), "range" (low, high), "any".
    Values are bit patterns."""

    kind: str
    value: int = 0
    other: int = 0


def items(keyset: ast.Expr, count: int) -> list[ast.Expr]:
    """One keyset per key."""
    if isinstance(keyset, (ast.KeysetTuple, ast.ListExpr)):
        if len(keyset.items) == count:
            return list(keyset.items)
        if count == 1 and len(keyset.items) == 1:
            return list(keyset.items)
        raise refuse(keyset.span, f"{len(keyset.items)} values for {count} keys")
    if count == 1:
        return [keyset]
    if isinstance(keyset, (ast.DefaultExpr, ast.DontCare)):
        return [keyset] * count
    raise refuse(keyset.span, f"one value for {count} keys")


def known(unit: TranslationUnit, env: Environment, expr: ast.Expr, type_: Type) -> Known | None:
    """The keyset as numbers, None if it is known only at run time."""
    if isinstance(expr, (ast.DefaultExpr, ast.DontCare)):
        return Known("any")
    if isinstance(expr, ast.Binary) and expr.op in ("&&&", ".."):
        left, right = (pattern(unit, env, e, type_) for e in (expr.left, expr.right))
        if left is None or right is None:
            return None
        return Known("mask" if expr.op == "&&&" else "range", left, right)
    value = pattern(unit, env, expr, type_)
    return None if value is None else Known("exact", value)


def pattern(unit: TranslationUnit, env: Environment, expr: ast.Expr, type_: Type) -> int | None:
    """The bit pattern of a constant of a key's type."""
    value = evaluate(env, expr)
    plain = strip(type_)
    width = scalar_width(plain) or 64
    if isinstance(value, str):
        member = value.rsplit(".", 1)[-1]
        names: list[str] = []
        if isinstance(plain, EnumType):
            names = list(plain.members)
        elif isinstance(plain, ErrorType):
            names = unit.program.errors
        return names.index(member) if member in names else None
    return int(value) & ((1 << width) - 1) if isinstance(value, (int, bool)) else None


def test(body: FunctionBody, key: CExpr, key_type: Type, expr: ast.Expr) -> CExpr | None:
    """Whether the key (a variable) is in the keyset; None if it always is."""
    if isinstance(expr, (ast.DefaultExpr, ast.DontCare)):
        return None
    width, signed = scalar_width(key_type), is_signed(key_type)
    if width is None:
        raise refuse(expr.span, f"a key of type {key_type} is not supported")
    if isinstance(expr, ast.Binary) and expr.op == "&&&":
        value, mask = (v.c for v in rvalues.rvalues(body, [expr.left, expr.right], [key_type, key_type]))
        masked = scalars.arithmetic("&", key, mask, width, False)
        return scalars.compare("==", masked, scalars.arithmetic("&", value, mask, width, False), width, False)
    if isinstance(expr, ast.Binary) and expr.op == "..":
        low, high = (v.c for v in rvalues.rvalues(body, [expr.left, expr.right], [key_type, key_type]))
        above = scalars.compare("<=", low, key, width, signed)
        return cexpr.binary("&&", above, scalars.compare("<=", key, high, width, signed))
    return body.unit.layout.equal(key, rvalues.rvalue(body, expr, key_type).c, key_type)
