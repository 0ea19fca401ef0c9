"""Operators: arithmetic, comparison, logic, concatenation, shifts and `?:` (8.4 to 8.10)."""

from __future__ import annotations

from p4front.check.context import Context
from p4front.syntax import ast
from p4front.types import constants
from p4front.types.constants import FoldError
from p4front.types.rules import SIZED, WIDTH_LIMIT, cast_hint, castable, comparable, is_header, is_union, kind_of
from p4front.types.types import (
    BOOL,
    STRING,
    WRONG,
    ActionEnumType,
    BitType,
    BoolType,
    DontCareType,
    IntegerType,
    IntType,
    InvalidHeaderType,
    ListType,
    ObjectType,
    SerEnumType,
    SetType,
    StackType,
    StringType,
    StructType,
    TableResultType,
    TupleType,
    Type,
    TypeVar,
    strip,
)

_ARITHMETIC = {"+", "-", "*", "/", "%", "&", "|", "^", "|+|", "|-|"}


class OperatorChecker:
    """Types of operators and the values of those with compile-time operands."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    # ------------------------------------------------------------ unary

    def unary(self, expr: ast.Unary) -> Type:
        cx = self.cx
        type_ = cx.expressions.infer(expr.operand)
        if type_ is WRONG:
            return WRONG
        value = cx.constant(expr.operand)
        if expr.op == "!":
            if type_ != BOOL:
                return self._not_defined(expr, expr.op, type_)
            if isinstance(value, bool):
                cx.program.constants[expr] = not value
            return self.result(expr, BOOL, expr.operand)
        type_ = cx.convert.underlying(expr.operand)
        if not cx.convert.is_number(type_):
            return self._not_defined(expr, expr.op, type_)
        if expr.op == "~" and isinstance(type_, IntegerType):
            cx.error("`~` needs a width: an `int` has none, write for instance `~8w1`", expr.span)
            return WRONG
        if isinstance(value, int):
            if expr.op == "-":
                value = constants.wrap(-value, type_)
            elif expr.op == "~":
                value = constants.complement(value, type_)
            cx.program.constants[expr] = value
        return self.result(expr, type_, expr.operand)

    def _not_defined(self, expr: ast.Expr, op: str, *types: Type) -> Type:
        hint = ""
        if op == "!" and isinstance(types[0], SIZED):
            hint = ": use `~`, or compare with 0"
        elif op == "~" and isinstance(types[0], BoolType):
            hint = ": use `!`"
        elif op == "+" and all(isinstance(t, StringType) for t in types):
            hint = ": use `++`"
        elif op in ("&", "|") and all(isinstance(t, BoolType) for t in types):
            hint = f": use `{op}{op}`"
        shown = " and ".join(kind_of(t) for t in types)
        self.cx.error(f"`{op}` is not defined on {shown}{hint}", expr.span)
        return WRONG

    def result(self, expr: ast.Expr, type_: Type, *operands: ast.Expr) -> Type:
        """Marks a result that depends on constructor parameters as known at compile time."""
        if expr not in self.cx.program.constants and all(map(self.cx.is_known, operands)):
            self.cx.known.add(expr)
        return type_

    def fold_error(self, expr: ast.Expr, error: FoldError) -> Type:
        self.cx.error(str(error), expr.span)
        return WRONG

    # ------------------------------------------------------------ binary

    def binary(self, expr: ast.Binary) -> Type:
        cx, op = self.cx, expr.op
        left = cx.expressions.infer(expr.left)
        right = cx.expressions.infer(expr.right)
        if left is WRONG or right is WRONG:
            return WRONG
        if isinstance(left, SetType) or isinstance(right, SetType):
            return self._not_defined(expr, op, left, right)
        if op in ("&&", "||"):
            return self._logic(expr, left, right)
        if op in ("==", "!="):
            return self.equality(expr, left, right)
        if op == "++":
            return self._concatenation(expr, left, right)
        if op in ("<<", ">>"):
            return self.shift(expr, op, expr.left, expr.right)
        if op in ("&&&", ".."):
            return self._set(expr, op)
        if op in _ARITHMETIC:
            return self.arithmetic(expr, op, expr.left, expr.right)
        return self._comparison(expr, op)

    def _logic(self, expr: ast.Binary, left: Type, right: Type) -> Type:
        cx = self.cx
        if left != BOOL or right != BOOL:
            return self._not_defined(expr, expr.op, left, right)
        a, b = cx.constant(expr.left), cx.constant(expr.right)
        if isinstance(a, bool) and a is (expr.op == "||"):
            cx.program.constants[expr] = a  # short cut: the right operand is not evaluated
        elif isinstance(a, bool) and isinstance(b, bool):
            cx.program.constants[expr] = b
        return self.result(expr, BOOL, expr.left, expr.right)

    def balance(self, expr: ast.Expr, op: str, left: ast.Expr, right: ast.Expr) -> Type:
        """Brings two numeric operands to one type: `int` takes the type of the other, serialisable enums are cast."""
        cx = self.cx
        a, b = cx.convert.underlying(left), cx.convert.underlying(right)
        if not (cx.convert.is_number(a) and cx.convert.is_number(b)):
            return self._not_defined(expr, op, a, b)
        if isinstance(a, IntegerType) and not isinstance(b, IntegerType):
            cx.convert.convert(left, b)
            return b
        if isinstance(b, IntegerType) and not isinstance(a, IntegerType):
            cx.convert.convert(right, a)
            return a
        if a != b:
            cx.error(f"the operands of `{op}` have different types, {a} and {b}{cast_hint(b, a)}", expr.span)
            return WRONG
        return a

    def arithmetic(self, expr: ast.Expr, op: str, left: ast.Expr, right: ast.Expr) -> Type:
        """`left op right` for the operators on numbers; also the checks of a compound assignment."""
        cx = self.cx
        divisor = cx.constant(right)  # before it takes the type of the other operand: -1 must not become 255
        if op in ("/", "%") and isinstance(divisor, int) and divisor < 0:
            cx.error(f"`{op}` is not defined for negative numbers", expr.span)
            return WRONG
        type_ = self.balance(expr, op, left, right)
        if type_ is WRONG:
            return WRONG
        if op in ("|+|", "|-|") and isinstance(type_, IntegerType):
            cx.error(f"`{op}` needs operands with a width to saturate at: an `int` has none", expr.span)
            return WRONG
        a, b = cx.constant(left), cx.constant(right)
        if op in ("/", "%") and not self._division_allowed(expr, op, type_, right):
            return WRONG
        if isinstance(a, int) and isinstance(b, int):
            try:
                cx.program.constants[expr] = constants.arithmetic(op, a, b, type_)
            except FoldError as error:
                return self.fold_error(expr, error)
        return self.result(expr, type_, left, right)

    def _division_allowed(self, expr: ast.Expr, op: str, type_: Type, right: ast.Expr) -> bool:
        cx = self.cx
        if isinstance(type_, IntType):
            cx.error(f"`{op}` is not defined on signed values such as {type_}", expr.span)
            return False
        divisor = cx.constant(right)
        if divisor == 0:
            cx.error(f"{'division' if op == '/' else 'modulo'} by zero", expr.span)
            return False
        return True

    def _comparison(self, expr: ast.Binary, op: str) -> Type:
        cx = self.cx
        if self.balance(expr, op, expr.left, expr.right) is WRONG:
            return WRONG
        a, b = cx.constant(expr.left), cx.constant(expr.right)
        if isinstance(a, int) and isinstance(b, int):
            cx.program.constants[expr] = constants.compare(op, a, b)
        return self.result(expr, BOOL, expr.left, expr.right)

    def equality(self, expr: ast.Binary, left: Type, right: Type) -> Type:
        """`==` and `!=` on any two values of one type, after implicit casts (8.4 and following)."""
        cx = self.cx
        for operand, type_ in ((expr.left, left), (expr.right, right)):
            if isinstance(type_, (ObjectType, TableResultType, ActionEnumType, TypeVar, ListType, DontCareType)):
                cx.error(f"values of {_described(type_)} can't be compared", operand.span)
                return WRONG
        if isinstance(expr.left, ast.StructExpr) and isinstance(expr.right, ast.StructExpr):
            cx.error("neither side says which struct this is: put a cast before one, as in `(S) { ... }`", expr.span)
            return WRONG
        if left != right and not self._meet(expr, left, right):
            cx.error(f"can't compare {kind_of(left)} with {kind_of(right)}{_compare_hint(left, right)}", expr.span)
            return WRONG
        common = cx.type_of(expr.left)
        if common is WRONG or cx.type_of(expr.right) is WRONG:
            return WRONG
        if not comparable(common):
            cx.error(f"values of type {kind_of(common)} can't be compared", expr.span)
            return WRONG
        a, b = cx.constant(expr.left), cx.constant(expr.right)
        if a is not None and b is not None and not isinstance(a, ast.Node):
            cx.program.constants[expr] = (a == b) is (expr.op == "==")
        return self.result(expr, BOOL, expr.left, expr.right)

    def _meet(self, expr: ast.Binary, left: Type, right: Type) -> bool:
        """Converts one operand of an equality to the type of the other where an implicit cast can."""
        convert = self.cx.convert
        if isinstance(left, SerEnumType) or isinstance(right, SerEnumType):
            left, right = convert.underlying(expr.left), convert.underlying(expr.right)
            if left == right:
                return True
        for source, have, target in ((expr.left, left, right), (expr.right, right, left)):
            if isinstance(have, IntegerType):
                if isinstance(target, SIZED):
                    return convert.convert(source, target)
            elif isinstance(source, (ast.ListExpr, ast.StructExpr)):
                other = expr.right if source is expr.left else expr.left
                if isinstance(other, (ast.ListExpr, ast.StructExpr)):
                    continue  # neither says what the other is
                if isinstance(target, (StructType, TupleType, StackType)):
                    return convert.convert(source, target)
            elif isinstance(have, InvalidHeaderType) and (is_header(target) or is_union(target)):
                return convert.convert(source, target)
        return False

    def _concatenation(self, expr: ast.Binary, left: Type, right: Type) -> Type:
        cx = self.cx
        a, b = cx.constant(expr.left), cx.constant(expr.right)
        if left == STRING and right == STRING:
            if isinstance(a, str) and isinstance(b, str):
                cx.program.constants[expr] = a + b
            return self.result(expr, STRING, expr.left, expr.right)
        if left == STRING or right == STRING:
            return self._not_defined(expr, "++", left, right)
        left, right = cx.convert.underlying(expr.left), cx.convert.underlying(expr.right)
        for type_, operand in ((left, expr.left), (right, expr.right)):
            if isinstance(type_, IntegerType):
                cx.error("`++` needs operands with a width: write it, as in `8w1`", operand.span)
                return WRONG
        if not isinstance(left, SIZED) or not isinstance(right, SIZED):
            return self._not_defined(expr, "++", left, right)
        if left.width + right.width > WIDTH_LIMIT:
            cx.error(f"the result has more than {WIDTH_LIMIT} bits", expr.span)
            return WRONG
        result = type(left)(left.width + right.width)
        if isinstance(a, int) and isinstance(b, int):
            cx.program.constants[expr] = constants.concatenate(a, b, right.width, result)
        return self.result(expr, result, expr.left, expr.right)

    def shift(self, expr: ast.Expr, op: str, left: ast.Expr, right: ast.Expr) -> Type:
        """`<<` and `>>`: the result has the type of the left operand; the amount is never negative (8.6)."""
        cx = self.cx
        base, amount = cx.convert.underlying(left), cx.convert.underlying(right)
        if not cx.convert.is_number(base):
            return self._not_defined(expr, op, base, amount)
        times = cx.constant(right)
        if isinstance(amount, IntegerType):
            if not cx.is_known(right):
                cx.error("a shift by an `int` needs an amount known at compile time", right.span)
                return WRONG
        elif isinstance(amount, IntType):
            if not isinstance(times, int):
                cx.error(f"the amount of a shift must be unsigned, not {amount}", right.span)
                return WRONG
        elif not isinstance(amount, BitType):
            cx.error(f"the amount of a shift must be bit<> or `int`, not {kind_of(amount)}", right.span)
            return WRONG
        if isinstance(base, IntegerType) and not cx.is_known(right):
            cx.error("the left operand of this shift needs a width, since the amount is not constant", left.span)
            return WRONG
        value = cx.constant(left)
        if isinstance(times, int) and times < 0:
            cx.error("a shift by a negative amount is not allowed", right.span)
            return WRONG
        if isinstance(value, int) and isinstance(times, int):
            try:
                cx.program.constants[expr] = constants.shift(op, value, times, base)
            except FoldError as error:
                return self.fold_error(expr, error)
        return self.result(expr, base, left, right)

    def _set(self, expr: ast.Binary, op: str) -> Type:
        """`value &&& mask` and `low .. high` (8.16.3, 8.16.4)."""
        cx = self.cx
        type_ = self.balance(expr, op, expr.left, expr.right)
        if type_ is WRONG:
            return WRONG
        self.fold_set(expr)
        low, high = cx.constant(expr.left), cx.constant(expr.right)
        if op == ".." and isinstance(low, int) and isinstance(high, int) and low > high:
            cx.warn(f"the range {low} .. {high} is empty", expr.span)
        return SetType(type_)

    def fold_set(self, expr: ast.Binary) -> None:
        """The value of a mask or range: the pair of its ends."""
        low, high = self.cx.constant(expr.left), self.cx.constant(expr.right)
        if low is not None and high is not None:
            self.cx.program.constants[expr] = (low, high)

    # ------------------------------------------------------------ ternary

    def ternary(self, expr: ast.Ternary) -> Type:
        cx = self.cx
        cx.expressions.condition(expr.cond, "`?:`")
        then, otherwise = cx.expressions.infer(expr.then), cx.expressions.infer(expr.otherwise)
        if WRONG in (then, otherwise, cx.type_of(expr.cond)):
            return WRONG
        type_ = self._common(expr, then, otherwise)
        if type_ is WRONG:
            return WRONG
        chosen = cx.constant(expr.cond)
        if isinstance(chosen, bool):
            cx.expressions.copy_facts(expr.then if chosen else expr.otherwise, expr)
        elif isinstance(type_, IntegerType) and not cx.is_known(expr.cond):
            cx.error("one of the two values needs a width, since the condition is not constant", expr.span)
            return WRONG
        return self.result(expr, type_, expr.cond, expr.then, expr.otherwise)

    def _common(self, expr: ast.Ternary, then: Type, otherwise: Type) -> Type:
        cx = self.cx
        if then == otherwise:
            if isinstance(then, (ObjectType, TableResultType, ActionEnumType, DontCareType)):
                cx.error(f"`?:` can't choose between values of {_described(then)}", expr.span)
                return WRONG
            return then
        for source, have, target in ((expr.then, then, otherwise), (expr.otherwise, otherwise, then)):
            fits = isinstance(have, IntegerType) and isinstance(target, SIZED)
            literal = isinstance(source, (ast.ListExpr, ast.StructExpr, ast.InvalidExpr, ast.DefaultExpr))
            if fits or (
                literal
                and isinstance(target, (StructType, TupleType, StackType))
                and cx.convert.possible(source, target)
            ):
                return target if cx.convert.convert(source, target) else WRONG
            if isinstance(have, SerEnumType) and have.underlying == target:
                cx.convert.convert(source, target)
                return target
        cx.error(f"the two values of `?:` have different types, {kind_of(then)} and {kind_of(otherwise)}", expr.span)
        return WRONG


def _described(type_: Type) -> str:
    if isinstance(type_, TableResultType):
        return "a table's result"
    if isinstance(type_, ActionEnumType):
        return "action_run"
    if isinstance(type_, TypeVar):
        return f"the type parameter {type_}"
    if isinstance(type_, DontCareType):
        return "`...` or `_`"
    return f"type {kind_of(type_)}"


def _compare_hint(left: Type, right: Type) -> str:
    return cast_hint(right, left) if castable(right, left) and strip(left) is left else cast_hint(left, right)
