"""Tokens: every operator, number form and special case of specification section 6.4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p4front.text.lexer import (
    BAD,
    DIRECTIVE,
    END_PRAGMA,
    IDENT,
    INT,
    KEYWORDS,
    PRAGMA,
    SHIFT_START,
    STRING,
    integer,
    scan,
)


def kinds(text: str) -> list[str]:
    return [token[0] for token in scan(text)]


def texts(text: str) -> list[str]:
    return [token[1] for token in scan(text)]


OPERATORS = """
    + - * / % |+| |-| << && || == != >= <= ++ &&& & | ^ ~ ! = += -= *= /= %= &= |= ^= <<= >>= |+|= |-|=
    ( ) [ ] { } {#} < > : +: , ? . .. ... ; @
"""


@pytest.mark.parametrize("operator", OPERATORS.split())
def test_each_operator_is_one_token(operator: str) -> None:
    assert scan(operator) == [(operator, operator, 0, len(operator))]


def test_longest_operator_wins() -> None:
    assert texts("a|+|=b|+|c|=d") == ["a", "|+|=", "b", "|+|", "c", "|=", "d"]
    assert texts("a&&&b&&c&d") == ["a", "&&&", "b", "&&", "c", "&", "d"]
    assert texts("1..2 ... .x") == ["1", "..", "2", "...", ".", "x"]


def test_two_closing_angles_stay_apart() -> None:
    assert kinds("T<U<V>>x") == [IDENT, "<", IDENT, "<", IDENT, SHIFT_START, ">", IDENT]
    assert kinds("a > > b") == [IDENT, ">", ">", IDENT]
    assert kinds("a >>= b >= c") == [IDENT, ">>=", IDENT, ">=", IDENT]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", (0, None, False, 10)),
        ("42", (42, None, False, 10)),
        ("1_000", (1000, None, False, 10)),
        ("0xFF", (255, None, False, 16)),
        ("0Xf_f", (255, None, False, 16)),
        ("0b1010_1010", (170, None, False, 2)),
        ("0o17", (15, None, False, 8)),
        ("0d19", (19, None, False, 10)),
        ("8w0xFF", (255, 8, False, 16)),
        ("4s7", (7, 4, True, 10)),
        ("32w1", (1, 32, False, 10)),
        ("3s0b101", (5, 3, True, 2)),
        ("9w0o7_7", (63, 9, False, 8)),
        ("128w0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ffff", (2**128 - 1, 128, False, 16)),
    ],
)
def test_number_forms(text: str, value: tuple[int, int | None, bool, int]) -> None:
    assert kinds(text) == [INT]
    assert integer(text) == value


@pytest.mark.parametrize("text", ["8w_", "0x_", "1w0b_"])
def test_number_without_digits(text: str) -> None:
    with pytest.raises(ValueError):
        integer(text)


def test_keywords_are_their_own_kind() -> None:
    for word in KEYWORDS:
        assert kinds(word) == [word]
    assert kinds("controls _x bit8 range optional") == [IDENT] * 5


def test_strings_keep_escapes_and_line_breaks() -> None:
    assert scan(r'"a \" b \\" c')[0][:2] == (STRING, r'"a \" b \\"')
    assert kinds('"two\nlines" x') == [STRING, IDENT]


def test_comments_are_skipped() -> None:
    assert texts("a // b\nc /* d\n * e */ f /**/ g") == ["a", "c", "f", "g"]


def test_directives_only_at_the_beginning_of_a_line() -> None:
    assert [t[:2] for t in scan("#include <core.p4>\nx")] == [(DIRECTIVE, "#include <core.p4>"), (IDENT, "x")]
    assert scan("  # define A \\\n  1\ny")[0][:2] == (DIRECTIVE, "# define A \\\n  1")
    assert kinds("/* c\n */ #if 1 // /*\nx") == [DIRECTIVE, IDENT]
    assert kinds("a # b") == [IDENT, BAD]
    assert kinds("{#}") == ["{#}"]


def test_pragma_ends_with_its_line() -> None:
    assert kinds("@pragma name 1\ncontrol") == [PRAGMA, IDENT, INT, END_PRAGMA, "control"]
    assert kinds("@pragma last") == [PRAGMA, IDENT, END_PRAGMA]
    assert kinds('@pragma n "a\nb"\nx') == [PRAGMA, IDENT, STRING, END_PRAGMA, IDENT]
    assert kinds("@pragmatic x") == ["@", IDENT, IDENT]


@pytest.mark.parametrize("text", ["'", "$", "\\", '"open', "/* open", "é", "`"])
def test_what_is_no_token(text: str) -> None:
    assert kinds(text) == [BAD]


@given(st.text())
def test_tokens_are_exact_pieces_of_any_text(text: str) -> None:
    end = 0
    for kind, word, start, stop in scan(text):
        if kind == END_PRAGMA:
            continue
        assert end <= start < stop
        assert text[start:stop] == word
        end = stop
