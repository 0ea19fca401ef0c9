"""The value of an `#if` (C11 6.10.1): 64-bit integers, signed or unsigned, as the C preprocessor counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from p4front.text.lexer import SHIFT_START
from p4front.text.pptokens import NUMBER, WORD, PPToken

_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlL]*)")
_BITS = 64
_TOP = 1 << (_BITS - 1)
MAX_DEPTH = 100
"""Brackets and prefixes inside each other."""


class BadCondition(Exception):
    """`token` is where; None: at the end of the line."""

    def __init__(self, message: str, token: PPToken | None) -> None:
        super().__init__(message)
        self.token = token


@dataclass(frozen=True, slots=True)
class _Value:
    number: int
    unsigned: bool = False


_LEVELS = (
    ("||",),
    ("&&",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", ">", "<=", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
_PRECEDENCE = {operator: level for level, operators in enumerate(_LEVELS) for operator in operators}


def holds(tokens: Sequence[PPToken]) -> bool:
    """Whether the condition is not zero; its macros are expanded, `defined` replaced. Raises BadCondition."""
    reader = _Reader(_with_shifts(tokens))
    if not tokens:
        raise BadCondition("#if with no expression", None)
    value = reader.conditional(True)
    if reader.token is not None:
        raise BadCondition(f"missing binary operator before '{reader.token.text}'", reader.token)
    return value.number != 0


def _with_shifts(tokens: Sequence[PPToken]) -> list[PPToken]:
    """P4's lexer gives the two halves of `>>` on their own."""
    found: list[PPToken] = []
    for token in tokens:
        if found and found[-1].kind == SHIFT_START and token.text == ">":
            found[-1] = PPToken("punctuation", ">>", token.place, found[-1].start, token.end)
        else:
            found.append(token)
    return found


class _Reader:
    """Recursive descent. `live`: whether the value is needed, so that `0 && 1 / 0` is not an error."""

    def __init__(self, tokens: list[PPToken]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def token(self) -> PPToken | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, *texts: str) -> PPToken | None:
        token = self.token
        if token is not None and token.text in texts:
            self._at += 1
            return token
        return None

    def conditional(self, live: bool) -> _Value:
        condition = self._binary(0, live)
        if self._take("?") is None:
            return condition
        yes = self.conditional(live and condition.number != 0)
        if self._take(":") is None:
            raise BadCondition("'?' without following ':'", self.token)
        no = self.conditional(live and condition.number == 0)
        unsigned = yes.unsigned or no.unsigned
        return _wrapped(yes.number if condition.number else no.number, unsigned)

    def _binary(self, lowest: int, live: bool) -> _Value:
        """Operators of at least a precedence."""
        left = self._unary(live)
        while (operator := self.token) is not None and (level := _PRECEDENCE.get(operator.text, -1)) >= lowest:
            self._at += 1
            decided = (operator.text == "&&" and not left.number) or (operator.text == "||" and left.number != 0)
            right = self._binary(level + 1, live and not decided)
            left = _combined(operator, left, right, live and not decided)
        return left

    def _unary(self, live: bool) -> _Value:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadCondition("the #if expression is nested too deeply", self.token)
        try:
            operator = self._take("!", "~", "-", "+")
            if operator is None:
                return self._primary(live)
            value = self._unary(live)
            if operator.text == "!":
                return _Value(int(not value.number))
            number = {"~": ~value.number, "-": -value.number, "+": value.number}[operator.text]
            return _wrapped(number, value.unsigned)
        finally:
            self._depth -= 1

    def _primary(self, live: bool) -> _Value:
        token = self.token
        if token is None:
            raise BadCondition("the #if expression ends too early", None)
        self._at += 1
        if token.text == "(":
            value = self.conditional(live)
            if self._take(")") is None:
                raise BadCondition("missing ')' in #if expression", self.token or token)
            return value
        if token.kind == WORD:
            return _Value(0)
        if token.kind == NUMBER:
            return _literal(token)
        raise BadCondition(f"'{token.text}' is not valid in an #if expression", token)


def _literal(token: PPToken) -> _Value:
    match = _NUMBER.fullmatch(token.text)
    digits = match.group(1) if match is not None else ""
    try:
        number = int(digits, 8 if re.fullmatch("0[0-9]+", digits) else 0)
    except ValueError:
        raise BadCondition(f"'{token.text}' is no integer that #if knows", token) from None
    if number >= 1 << _BITS:
        raise BadCondition(f"{token.text} is too large for an #if", token)
    return _Value(number, "u" in token.text.lower()[len(digits) :] or number >= _TOP)


def _wrapped(number: int, unsigned: bool) -> _Value:
    number &= (1 << _BITS) - 1
    return _Value(number if unsigned or number < _TOP else number - (1 << _BITS), unsigned)


def _combined(operator: PPToken, left: _Value, right: _Value, live: bool) -> _Value:
    a, b, text = left.number, right.number, operator.text
    if text == "&&":
        return _Value(int(a != 0 and b != 0))
    if text == "||":
        return _Value(int(a != 0 or b != 0))
    if text in ("<<", ">>"):
        return _shifted(left, b if text == "<<" else -b)
    unsigned = left.unsigned or right.unsigned
    a, b = _wrapped(a, unsigned).number, _wrapped(b, unsigned).number
    if text in ("==", "!=", "<", ">", "<=", ">="):
        compared = {"==": a == b, "!=": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}
        return _Value(int(compared[text]))
    if text in ("/", "%"):
        return _divided(operator, a, b, unsigned, live)
    simple = {"|": a | b, "^": a ^ b, "&": a & b, "+": a + b, "-": a - b, "*": a * b}
    return _wrapped(simple[text], unsigned)


def _divided(operator: PPToken, a: int, b: int, unsigned: bool, live: bool) -> _Value:
    """C's division goes towards zero."""
    if b == 0:
        if live:
            raise BadCondition("division by zero in #if", operator)
        return _Value(0, unsigned)
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return _wrapped(quotient if operator.text == "/" else a - quotient * b, unsigned)


def _shifted(value: _Value, by: int) -> _Value:
    if by >= 0:
        return _wrapped(value.number << min(by, _BITS), value.unsigned)
    return _wrapped(value.number >> min(-by, _BITS), value.unsigned)
