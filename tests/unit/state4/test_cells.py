"""Cells with members: what happens to each when the type of a register changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.p4info import build_p4info
from state4.cells import Cell, Group, Leaf, leaves, members_of, width_of
from state4.errors import BadMap, PlanRefused
from state4.instrumentation.running import user_registers
from state4.plan.carried import Carried
from state4.plan.compare import make_plan
from state4.plan.state_map import parse_map
from state4.targets.p4runtime import p4data
from state4.values import RegisterSpec, convert
from tests.state4_programs import program

NAMES = st.sampled_from("abcdef")
NUMBERS = st.builds(Leaf, st.integers(1, 70), st.booleans())
CELLS = st.recursive(
    NUMBERS,
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=4).map(
        lambda members: Group("struct", tuple(members.items()))
    ),
    max_leaves=6,
).filter(lambda cell: isinstance(cell, Group))


def spec(cell: Cell, cells: int = 3) -> RegisterSpec:
    return RegisterSpec("r", cells, width_of(cell), type=cell)


def unpacked(cell: Cell, number: int) -> dict[str, int]:
    """The members of a cell by name, as signed or unsigned numbers."""
    found = {}
    for name, member in members_of(cell).items():
        value = number >> member.shift & ((1 << member.leaf.width) - 1)
        negative = member.leaf.signed and value >> member.leaf.width - 1
        found[name] = value - (1 << member.leaf.width) if negative else value
    return found


@given(CELLS, CELLS, st.lists(st.integers(0, (1 << 420) - 1), min_size=3, max_size=3))
def test_members_keep_their_values_whatever_their_place(old: Cell, new: Cell, numbers: list[int]) -> None:
    before, after = spec(old), spec(new)
    numbers = [number & ((1 << before.width) - 1) for number in numbers]
    values = convert(before.from_integers(numbers), before, after)
    for number, result in zip(numbers, after.integers(values), strict=True):
        had, has = unpacked(old, number), unpacked(new, result)
        for name, leaf in leaves(new):
            mask = (1 << leaf.width) - 1
            assert has[name] & mask == had.get(name, 0) & mask


@given(CELLS, st.integers(0, (1 << 420) - 1))
def test_cells_there_and_back_as_p4data(cell: Cell, number: int) -> None:
    register = spec(cell)
    number &= (1 << register.width) - 1
    assert p4data.decode(register, p4data.encode(register, number)) == number


def p4info(types: str, registers: str):  # type: ignore[no-untyped-def]
    params = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std"
    text = program(f"control MyIngress({params}) {{ {registers} apply {{ }} }}\n", globals_=types)
    return build_p4info(load_text(text, "test.p4"))


OLD = "struct s_t { bit<8> p; int<8> q; bit<4> gone; }"
NEW = "struct s_t { int<16> q; bit<8> p; bit<8> later; }"


def test_a_plan_goes_by_member_name() -> None:
    old, new = (p4info(types, "register<s_t>(4) r;") for types in (OLD, NEW))
    plan = make_plan(old, new)
    (carried,) = plan.registers
    assert carried.changes == (
        "member q: int<8> -> int<16>",
        "member gone is dropped",
        "member later is new",
        "members in another order",
    )
    assert carried.loses == "its member gone"
    with pytest.raises(PlanRefused, match="its member gone"):
        plan.check()
    cells = carried.contents(carried.old.from_integers([0x01FE3, 0x7F800, 0, 0]))
    assert carried.new.integers(cells) == [0xFFFE0100, 0xFF807F00, 0, 0]
    places, values = carried.cells(np.array([2], np.uint64), carried.old.from_integers([0x01FE3]))
    assert (places.tolist(), carried.new.integers(values)) == ([2], [0xFFFE0100])


def test_a_map_renames_members_and_moves_cells() -> None:
    old = p4info(OLD, "register<s_t>(4) r;")
    new = p4info("struct n_t { bit<8> x; int<8> q; bit<4> gone; }", "register<n_t>(8) r;")
    state_map = parse_map('[[register]]\nold = "MyIngress.r"\noffset = 4\nmembers = { p = "x" }\n', "map")
    plan = make_plan(old, new, state_map=state_map)
    assert plan.losses == ()
    (carried,) = plan.registers
    assert "member p renamed to x" in carried.changes
    assert carried.new.integers(carried.contents(carried.old.from_integers([1, 2, 3, 4])))[4:] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('members = { nothing = "p" }', "register MyIngress.r has no member nothing"),
        ('members = { p = "nothing" }', "register MyIngress.r has no member nothing"),
        ("scale = 2", "for registers whose cells are one number"),
        ("initial = 2", "for registers whose cells are one number"),
    ],
)
def test_what_a_map_cannot_say_of_members(line: str, message: str) -> None:
    old = p4info(OLD, "register<s_t>(4) r;")
    with pytest.raises(BadMap, match=message):
        make_plan(old, old, state_map=parse_map(f'[[register]]\nold = "MyIngress.r"\n{line}\n', "map"))


def test_a_number_does_not_become_a_struct() -> None:
    old, new = p4info("", "register<bit<20>>(4) r;"), p4info(OLD, "register<s_t>(4) r;")
    for one, other, words in (
        (old, new, "of one number, and of several"),
        (new, old, "of several members, and of one"),
    ):
        plan = make_plan(one, other)
        assert plan.registers == ()
        assert words in plan.losses[0]


def test_headers_tuples_and_enums_are_cells_too() -> None:
    types = "enum bit<4> e_t { A = 1 } type bit<9> n_t; struct t_t { e_t e; n_t n; bool b; }"
    registers = "register<request_t>(4) h; register<tuple<bit<8>, t_t>>(4) t; register<bool>(4) b; register<n_t>(2) n;"
    found = {r.name: r for r in user_registers(p4info(types, registers))}
    assert found["MyIngress.h"].width == 96
    assert list(found["MyIngress.t"].members) == ["0", "1.e", "1.n", "1.b"]
    assert found["MyIngress.t"].width == 8 + 4 + 9 + 1
    assert found["MyIngress.b"].cell == Leaf(1, kind="bool")
    assert (found["MyIngress.n"].width, found["MyIngress.n"].type) == (9, None)
    assert Carried(found["MyIngress.b"], found["MyIngress.b"]).changes == ()
