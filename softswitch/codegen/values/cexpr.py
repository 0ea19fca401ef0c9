"""C expressions as text with their precedence, so that operands are parenthesised where C needs it.

The levels are those of the C grammar (C11, 6.5). In addition, an operand is parenthesised where compilers warn about an
often misread combination (-Wparentheses, -Wlogical-not-parentheses): `(a + b) << 2`, `(a & b) | c`, `(!a) == b`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias


class Level(IntEnum):
    """How tightly an expression binds; larger binds tighter."""

    TERNARY = 1
    LOGICAL_OR = 2
    LOGICAL_AND = 3
    BIT_OR = 4
    BIT_XOR = 5
    BIT_AND = 6
    EQUALITY = 7
    RELATIONAL = 8
    SHIFT = 9
    ADDITIVE = 10
    MULTIPLICATIVE = 11
    UNARY = 12  # casts, too: both take a cast expression as their operand
    POSTFIX = 13
    PRIMARY = 14


BINARY = {
    "||": Level.LOGICAL_OR,
    "&&": Level.LOGICAL_AND,
    "|": Level.BIT_OR,
    "^": Level.BIT_XOR,
    "&": Level.BIT_AND,
    "==": Level.EQUALITY,
    "!=": Level.EQUALITY,
    "<": Level.RELATIONAL,
    "<=": Level.RELATIONAL,
    ">": Level.RELATIONAL,
    ">=": Level.RELATIONAL,
    "<<": Level.SHIFT,
    ">>": Level.SHIFT,
    "+": Level.ADDITIVE,
    "-": Level.ADDITIVE,
    "*": Level.MULTIPLICATIVE,
    "/": Level.MULTIPLICATIVE,
    "%": Level.MULTIPLICATIVE,
}
UNARY = ("!", "~", "-", "*", "&")
_BITWISE = (Level.BIT_OR, Level.BIT_XOR, Level.BIT_AND, Level.SHIFT)
_COMPARISONS = (Level.EQUALITY, Level.RELATIONAL)


@dataclass(frozen=True, slots=True)
class CExpr:
    """A C expression. `operator`: the outermost one, "" for a primary or postfix expression. `lvalue`: it names an
    object, whose address can be taken. `pointer`: of a dereference, what it dereferences. `operands`: of a
    comparison."""

    text: str
    level: Level
    operator: str = ""
    lvalue: bool = False
    pointer: CExpr | None = None
    operands: tuple[Operand, Operand] | None = None

    def __str__(self) -> str:
        """The text as a whole statement's operand, argument or initialiser; never an operand of an operator."""
        return self.text


Operand: TypeAlias = "CExpr | int"
"""An integer stands for its decimal constant."""


def name(text: str) -> CExpr:
    """A variable."""
    return CExpr(text, Level.PRIMARY, lvalue=True)


def constant(text: str) -> CExpr:
    """An integer or string constant, or a macro that stands for one."""
    return CExpr(text, Level.PRIMARY)


def call(function: str, *arguments: Operand) -> CExpr:
    return CExpr(f"{function}({', '.join(_of(a).text for a in arguments)})", Level.POSTFIX)


def macro(name_: str, *arguments: Operand) -> CExpr:
    """A call of a function-like macro: the preprocessor would split an argument at a comma between braces."""
    texts = [a.text if a.level == Level.PRIMARY else f"({a.text})" for a in map(_of, arguments)]
    return CExpr(f"{name_}({', '.join(texts)})", Level.POSTFIX)


def member(base: CExpr, field: str) -> CExpr:
    """`base.field`, or `pointer->field` of a dereference."""
    if base.pointer is not None:
        return CExpr(f"{_at(base.pointer, Level.POSTFIX)}->{field}", Level.POSTFIX, lvalue=True)
    return CExpr(f"{_at(base, Level.POSTFIX)}.{field}", Level.POSTFIX, lvalue=base.lvalue)


def arrow(pointer: CExpr, *fields: str) -> CExpr:
    """`pointer->field`, and for more fields the members of what it points to in turn: `pointer->a.b`."""
    expr = dereference(pointer)
    for field in fields:
        expr = member(expr, field)
    return expr


def index(base: CExpr, at: Operand) -> CExpr:
    return CExpr(f"{_at(base, Level.POSTFIX)}[{_of(at).text}]", Level.POSTFIX, lvalue=True)


def dereference(pointer: CExpr) -> CExpr:
    return CExpr(f"*{_unary_operand('*', pointer)}", Level.UNARY, "*", lvalue=True, pointer=pointer)


def address(operand: CExpr) -> CExpr:
    """`&operand`; of a dereference the pointer itself."""
    return operand.pointer if operand.pointer is not None else unary("&", operand)


def unary(operator: str, operand: Operand) -> CExpr:
    if operator == "*":
        return dereference(_of(operand))
    return CExpr(f"{operator}{_unary_operand(operator, _of(operand))}", Level.UNARY, operator)


def negation(condition: CExpr) -> CExpr:
    """`!condition`; of `a == b` and `a != b` the other one."""
    other = {"==": "!=", "!=": "=="}.get(condition.operator)
    if other is None or condition.operands is None:
        return unary("!", condition)
    return binary(other, *condition.operands)


def cast(c_type: str, operand: Operand) -> CExpr:
    return CExpr(f"({c_type}){_at(_of(operand), Level.UNARY)}", Level.UNARY, "()")


def compound(c_type: str, parts: Iterable[object] = ()) -> CExpr:
    """A compound literal; `parts` are its initialisers, designators included. Without any, all is zero."""
    return CExpr(f"({c_type}){{{', '.join(map(str, parts)) or '0'}}}", Level.POSTFIX)


def binary(operator: str, left: Operand, right: Operand) -> CExpr:
    level = BINARY[operator]
    texts = [_binary_operand(operator, level, _of(left), True), _binary_operand(operator, level, _of(right), False)]
    operands = (left, right) if level in _COMPARISONS else None
    return CExpr(f" {operator} ".join(texts), level, operator, operands=operands)


def ternary(condition: Operand, then: Operand, otherwise: Operand) -> CExpr:
    first = _at(_of(condition), Level.LOGICAL_OR)
    return CExpr(f"{first} ? {_of(then).text} : {_of(otherwise).text}", Level.TERNARY, "?:")


def all_of(conditions: Iterable[CExpr]) -> CExpr | None:
    """Whether all conditions hold; None without any."""
    return _chain("&&", conditions)


def any_of(conditions: Iterable[CExpr]) -> CExpr | None:
    """Whether one condition holds; None without any."""
    return _chain("||", conditions)


def unlikely(condition: CExpr) -> CExpr:
    """The condition, which the compiler takes to be false mostly."""
    return call("__builtin_expect", condition, 0)


TRUE, FALSE, NULL = constant("true"), constant("false"), constant("NULL")


def _of(operand: Operand) -> CExpr:
    if isinstance(operand, CExpr):
        return operand
    return CExpr(str(operand), Level.PRIMARY) if operand >= 0 else unary("-", -operand)


def _chain(operator: str, conditions: Iterable[CExpr]) -> CExpr | None:
    whole: CExpr | None = None
    for condition in conditions:
        whole = condition if whole is None else binary(operator, whole, condition)
    return whole


def _at(expr: CExpr, level: Level) -> str:
    """The text where an expression of at least `level` must stand."""
    return expr.text if expr.level >= level else f"({expr.text})"


def _unary_operand(operator: str, operand: CExpr) -> str:
    """`--a` and `&&a` are other operators."""
    if operand.operator == operator and operator in "-&":
        return f"({operand.text})"
    return _at(operand, Level.UNARY)


def _binary_operand(operator: str, level: Level, operand: CExpr, is_left: bool) -> str:
    inner = operand.level
    bare = inner > level or (inner == level and is_left and (operator == operand.operator or level not in _COMPARISONS))
    if operand.operator in BINARY:
        if level in _BITWISE and operand.operator != operator:
            bare = False
        if level == Level.LOGICAL_OR and inner == Level.LOGICAL_AND:
            bare = False
        if level in _COMPARISONS and inner in _COMPARISONS:
            bare = False
    elif operand.operator == "!" and (level in _COMPARISONS or level in _BITWISE):
        bare = False
    return operand.text if bare else f"({operand.text})"
