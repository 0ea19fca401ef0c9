"""The dirty map: which cells a bit stands for, how it is added to a program, and the theory of the rounds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.p4info import build_p4info
from state4.cam import analyse
from state4.cim import InstrumentOptions, Track, instrument
from state4.dirty.layout import Blocks, MapLayout, best_shift
from state4.dirty.theory import FEW_CELLS, MAX_ROUNDS, predict
from state4.errors import NotInstrumented
from state4.instrumentation.running import layout_of, map_of, user_registers
from tests.state4_programs import PARAMS, PROGRAMS, program

CLONES_ITSELF = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<64>>(256) a;
    apply {{
        standard_metadata.egress_spec = 2;
        a.write((bit<32>)hdr.request.cell, hdr.request.value);
        clone(CloneType.I2E, 7);
    }}
}}
"""
)


def marked(text: str, track: Track = Track.MAP) -> str:
    checked = load_text(text, "prog.p4")
    analysis = analyse(checked, follow=track is not Track.MAP)
    return instrument(checked, analysis, InstrumentOptions(track)).text


# ---------------------------------------------------------------- cells and bits


@given(
    st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 6)), min_size=1, max_size=4),
    st.data(),
)
def test_every_cell_has_a_bit_and_every_bit_its_cells(registers: list[tuple[int, int]], data: st.DataObject) -> None:
    layout = MapLayout.of("map", [(f"r{i}", cells, shift) for i, (cells, shift) in enumerate(registers)])
    words = np.zeros(layout.words, np.uint32)
    part = data.draw(st.sampled_from(layout.parts))
    wanted = data.draw(st.sets(st.integers(0, part.cells - 1), min_size=1, max_size=20))
    for cell in wanted:  # as the program's text does it
        block = cell >> (part.place & 31)
        words[(part.place >> 5) + (block >> 5)] |= np.uint32(1 << (block & 31))
    for other in layout.parts:
        blocks, ranges = other.dirty(words), other.ranges(other.dirty(words))
        cells = {cell for start, count in ranges for cell in range(start, start + count)}
        if other is not part:
            assert not cells
            continue
        assert cells == {c for c in range(part.cells) if c >> part.shift in {w >> part.shift for w in wanted}}
        assert all(first + count < start for (first, count), (start, _) in pairwise(ranges))
        whole = set(other.dirty(words, whole_words=True).tolist())
        assert whole >= set(blocks.tolist())
        assert {b // 32 for b in whole} == {b // 32 for b in blocks.tolist()}


def test_the_last_block_ends_with_the_register() -> None:
    part = Blocks("r", cells=10, shift=2, first=3)
    assert (part.count, part.words, part.place) == (3, 1, 3 << 5 | 2)
    words = np.array([0, 0, 0, 0b101], np.uint32)
    assert part.ranges(part.dirty(words)) == [(0, 4), (8, 2)]


def test_block_sizes_follow_the_register() -> None:
    assert best_shift(8, 8) == best_shift(1024, 1) == 0  # a bit for each cell
    assert best_shift(460_798, 1) == 4
    assert best_shift(1 << 23, 8) == 4  # 8 MB of map would be read for 64 MB of cells with smaller ones
    shifts = [best_shift(1 << bits, 8) for bits in range(0, 32)]
    assert shifts == sorted(shifts)


# ---------------------------------------------------------------- in a program


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("track", [Track.MAP, Track.BOTH])
def test_p4info_tells_the_map_of_every_program(name: str, track: Track) -> None:
    p4info = build_p4info(load_text(marked(PROGRAMS[name], track), "out.p4"))
    layout = map_of(p4info)
    plain = build_p4info(load_text(PROGRAMS[name], "prog.p4"))
    assert [part.name for part in layout.parts] == [r.preamble.name for r in plain.registers]
    assert {r.name for r in user_registers(p4info)} == {r.preamble.name for r in plain.registers}
    if track is Track.MAP:
        with pytest.raises(NotInstrumented, match="a dirty map only"):
            layout_of(p4info)
    else:
        assert layout_of(p4info).components


def test_a_program_that_clones_where_it_writes_can_have_a_map() -> None:
    assert marked(CLONES_ITSELF).count("state4_mark(32w0, ") == 1


def test_a_mark_stands_right_behind_its_write() -> None:
    text = marked(PROGRAMS["apply"])
    assert "a.write((bit<32>)hdr.request.cell, hdr.request.value);  // with a comment behind it\n" in text
    lines = [line.strip() for line in text.splitlines()]
    write = next(i for i, line in enumerate(lines) if line.startswith("b.write("))
    assert lines[write + 1] == "state4_mark(32w256, (bit<32>)hdr.request.cell);"


def test_nothing_of_clones_is_in_a_program_with_a_map_only() -> None:
    text = marked(PROGRAMS["egress"])
    for word in ("state4_flag", "state4_seq", "clone_preserving", "controller_header", "state4_meta_t", "field_list"):
        assert word not in text


def test_instances_have_parts_of_their_own() -> None:
    """Code that writes a different register in each instance is given the right part."""
    assert "_n0 == " in marked(PROGRAMS["controls"])


# ---------------------------------------------------------------- the theory


def test_rounds_get_shorter_while_reading_is_faster_than_writing() -> None:
    found = predict(460_000, first_s=1.8, written_per_s=20_000, read_per_s=250_000, round_s=0.004)
    assert found.converges
    assert list(found.rounds) == sorted(found.rounds, reverse=True)
    assert found.rounds[0] == pytest.approx(36_000)
    assert found.rounds[1] == pytest.approx(20_000 * (0.004 + 36_000 / 250_000))
    assert found.remainder <= FEW_CELLS


def test_rounds_end_where_they_do_not_help() -> None:
    found = predict(460_000, first_s=1.8, written_per_s=300_000, read_per_s=250_000, round_s=0.004)
    assert not found.converges
    assert len(found.rounds) == 2
    assert found.remainder == pytest.approx(460_000)
    slow = predict(10**9, first_s=100, written_per_s=85_000, read_per_s=100_000, round_s=0.0)
    assert len(slow.rounds) == MAX_ROUNDS


def test_no_round_reads_more_than_there_is() -> None:
    found = predict(1000, first_s=10, written_per_s=float("inf"), read_per_s=1e9, round_s=0.0)
    assert max(found.rounds) == 1000
