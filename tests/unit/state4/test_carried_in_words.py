"""What a plan says about a register that changes: conversions, members, losses, word for word."""

from __future__ import annotations

from fractions import Fraction

import pytest

from state4.cells import Group, Leaf
from state4.plan.carried import Carried
from state4.plan.conversion import Conversion
from state4.values import RegisterSpec


def spec(cells: int = 8, width: int = 16, signed: bool = False, name: str = "r") -> RegisterSpec:
    return RegisterSpec(name, cells, width, signed)


def struct(*members: tuple[str, Leaf]) -> RegisterSpec:
    group = Group("struct", members)
    return RegisterSpec("r", 4, sum(leaf.width for _, leaf in members), type=group)


@pytest.mark.parametrize(
    ("conversion", "words"),
    [
        (Conversion(), []),
        (Conversion(scale=Fraction(2)), ["values times 2"]),
        (Conversion(scale=Fraction(1, 8)), ["values times 1/8, rounded down"]),
        (Conversion(scale=Fraction(3, 2)), ["values times 3/2, rounded down"]),
        (Conversion(saturate=True), ["values that do not fit become 0 or 65535"]),
        (Conversion(first=1), ["cell i -> (i - 1) for i from 1 to 7"]),
        (Conversion(stride=2), ["cell i -> 2 * i for i from 0 to 7"]),
        (Conversion(offset=1), ["cell i -> i + 1 for i from 0 to 7"]),
        (Conversion(count=7), ["cell i -> i for i from 0 to 6"]),
        (Conversion(count=9), []),
        (Conversion(first=2, count=3, stride=4, offset=5), ["cell i -> 4 * (i - 2) + 5 for i from 2 to 4"]),
        (Conversion(initial=7), ["other cells 7"]),
        (Conversion(scale=Fraction(2), initial=7), ["values times 2", "other cells 7"]),
    ],
)
def test_a_conversion(conversion: Conversion, words: list[str]) -> None:
    assert conversion.describe(spec(), spec()) == words
    assert list(Carried(spec(), spec(), conversion).changes) == words


@pytest.mark.parametrize(
    ("conversion", "old", "new", "loss"),
    [
        (Conversion(), spec(), spec(), ""),
        (Conversion(first=1), spec(), spec(), "1 of 8 cells"),
        (Conversion(offset=1), spec(), spec(), "1 of 8 cells"),
        (Conversion(scale=Fraction(2)), spec(width=8), spec(width=9), ""),  # 510 of 511
        (Conversion(scale=Fraction(2)), spec(width=8), spec(width=8), "values outside 0 to 255"),
        (Conversion(scale=Fraction(256, 255)), spec(width=8), spec(width=8), "values outside 0 to 255"),  # just 256
        (Conversion(), spec(width=8, signed=True), spec(width=9), "values outside 0 to 511"),
        (
            Conversion(scale=Fraction(2)),
            spec(width=8, signed=True),
            spec(width=8, signed=True),
            "values outside -128 to 127",
        ),
        (Conversion(scale=Fraction(2)), spec(width=7, signed=True), spec(width=8, signed=True), ""),
        (
            Conversion(scale=Fraction(1, 2), first=3),
            spec(),
            spec(),
            "3 of 8 cells and what rounding loses after a multiplication by 1/2",
        ),
    ],
)
def test_what_a_conversion_loses(conversion: Conversion, old: RegisterSpec, new: RegisterSpec, loss: str) -> None:
    assert conversion.loses(old, new) == loss
    assert Carried(old, new, conversion).loses == loss


A, B, C = ("a", Leaf(8)), ("b", Leaf(16)), ("c", Leaf(4, signed=True))


@pytest.mark.parametrize(
    ("old", "new", "members", "changes", "loses"),
    [
        (struct(A, B), struct(A, B), {}, (), ""),
        (struct(A, B), struct(B, A), {}, ("members in another order",), ""),
        (struct(A, B), struct(A), {}, ("member b is dropped",), "its member b"),
        (struct(B, A), struct(A), {}, ("member b is dropped",), "its member b"),
        (struct(A), struct(A, B), {}, ("member b is new",), ""),
        (struct(A, C), struct(B, A), {}, ("member c is dropped", "member b is new"), "its member c"),
        (struct(A), struct(("x", Leaf(8))), {"a": "x"}, ("member a renamed to x",), ""),
        (
            struct(A, B),
            struct(B, ("x", Leaf(8))),
            {"a": "x"},
            ("member a renamed to x", "members in another order"),
            "",
        ),
        (
            struct(A, B),
            struct(("a", Leaf(4)), ("b", Leaf(16, signed=True))),
            {},
            ("member a: bit<8> -> bit<4>", "member b: bit<16> -> int<16>"),
            "the bits above 4 of its member a and the sign of its member b",
        ),
        (struct(C), struct(("c", Leaf(4))), {}, ("member c: int<4> -> bit<4>",), ""),
        (struct(C), struct(("c", Leaf(5))), {}, ("member c: int<4> -> bit<5>",), ""),
        (struct(A, C), struct(("a", Leaf(9, signed=True)), C), {}, ("member a: bit<8> -> int<9>",), ""),
    ],
)
def test_members(
    old: RegisterSpec, new: RegisterSpec, members: dict[str, str], changes: tuple[str, ...], loses: str
) -> None:
    carried = Carried(old, new, Conversion(members=members) if members else None)
    assert tuple(change for change in carried.changes if not change.startswith("cell i")) == changes
    assert carried.loses == loses


@pytest.mark.parametrize(
    ("leaf", "text"),
    [
        (Leaf(8), "bit<8>"),
        (Leaf(8, signed=True), "int<8>"),
        (Leaf(1, kind="bool"), "bool"),
        (Leaf(3, kind="enum"), "enum bit<3>"),
    ],
)
def test_a_number_as_p4_writes_it(leaf: Leaf, text: str) -> None:
    assert str(leaf) == text


def test_a_register_that_changes_by_itself() -> None:
    carried = Carried(spec(8, 16), spec(4, 8, signed=True, name="s"))
    assert carried.changes == ("renamed to s", "8 -> 4 cells", "16 -> 8 bits", "now signed")
    assert carried.loses == "the cells from 4 on and the bits above 8"
    assert Carried(spec(8, 16, signed=True), spec(8, 16)).changes == ("no longer signed",)
