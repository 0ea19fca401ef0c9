"""Slices and explicit casts (8.6, 8.11)."""

from __future__ import annotations

from p4front.check.context import Context
from p4front.syntax import ast
from p4front.types import constants
from p4front.types.constants import FoldError
from p4front.types.rules import SIZED, cast_hint, castable, kind_of
from p4front.types.types import WRONG, BitType, BoolType, IntegerType, StringType, Type


class CastChecker:
    """Types and values of `x[hi:lo]`, `x[low +: width]` and `(T) x`."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    def slice(self, expr: ast.Slice) -> Type:
        cx = self.cx
        type_ = cx.expressions.infer(expr.base)
        hi = cx.expressions.constant_int(expr.hi, "the upper index of a slice")
        lo = cx.expressions.constant_int(expr.lo, "the lower index of a slice")
        if type_ is WRONG or hi is None or lo is None:
            return WRONG
        type_ = cx.convert.underlying(expr.base)
        if not isinstance(type_, (*SIZED, IntegerType)):
            cx.error(f"a slice takes bits of a bit<> or int<> value, not of {kind_of(type_)}", expr.base.span)
            return WRONG
        if isinstance(type_, IntegerType):
            cx.error("a slice needs a value with a width: an `int` has none", expr.base.span)
            return WRONG
        for index, node in ((hi, expr.hi), (lo, expr.lo)):
            if not 0 <= index < type_.width:
                cx.error(f"bit {index} is outside of {type_}", node.span)
                return WRONG
        if hi < lo:
            cx.error(f"a slice is written [high:low], and {hi} is below {lo}", expr.span)
            return WRONG
        value = cx.constant(expr.base)
        if isinstance(value, int):
            cx.program.constants[expr] = constants.slice_bits(value, hi, lo)
        return self.cx.operators.result(expr, BitType(hi - lo + 1), expr.base)

    def plus_slice(self, expr: ast.PlusSlice) -> Type:
        """`base[low +: width]`: the width is constant, the position need not be."""
        cx = self.cx
        type_ = cx.expressions.infer(expr.base)
        low = cx.expressions.infer(expr.low)
        width = cx.expressions.constant_int(expr.width, "the width of a slice")
        if type_ is WRONG or low is WRONG or width is None:
            return WRONG
        type_, low = cx.convert.underlying(expr.base), cx.convert.underlying(expr.low)
        if not isinstance(type_, SIZED):
            cx.error(f"a slice takes bits of a bit<> or int<> value, not of {kind_of(type_)}", expr.base.span)
            return WRONG
        if not isinstance(low, (BitType, IntegerType)):
            cx.error(f"the position of a slice must be bit<> or `int`, not {kind_of(low)}", expr.low.span)
            return WRONG
        at, value = cx.constant(expr.low), cx.constant(expr.base)
        first = at if isinstance(at, int) else 0
        if width < 1 or first < 0 or first + width > type_.width:
            cx.error(f"the {width} bits from bit {first} on are outside of {type_}", expr.span)
            return WRONG
        if isinstance(value, int) and isinstance(at, int):
            cx.program.constants[expr] = constants.slice_bits(value, at + width - 1, at)
        return self.cx.operators.result(expr, BitType(width), expr.base, expr.low)

    def cast(self, expr: ast.Expr, ref: ast.TypeRef, operand: ast.Expr) -> Type:
        """`(T) operand`: an explicit cast, or a list or struct expression given its type."""
        cx = self.cx
        target = cx.resolve.resolve(ref)
        source = cx.expressions.infer(operand)
        if target is WRONG or source is WRONG:
            return WRONG
        literals = (ast.ListExpr, ast.StructExpr, ast.InvalidExpr, ast.DefaultExpr)
        if isinstance(operand, literals):
            if isinstance(target, (BoolType, StringType, *SIZED, IntegerType)) and not isinstance(
                operand, ast.DefaultExpr
            ):
                cx.error(f"cannot cast {kind_of(source)} to {target}", expr.span)
                return WRONG
            if not cx.convert.convert(operand, target, "cannot cast {have} to {want}"):
                return WRONG
            cx.expressions.copy_facts(operand, expr)
            return target
        if not castable(source, target):
            hint = cast_hint(source, target)
            cx.error(f"cannot cast {kind_of(source)} to {kind_of(target)}{hint}", expr.span)
            return WRONG
        value = cx.constant(operand)
        if value is not None:
            try:
                cx.program.constants[expr] = constants.cast(value, target)
            except FoldError as error:
                return self.cx.operators.fold_error(expr, error)
        return self.cx.operators.result(expr, target, operand)
