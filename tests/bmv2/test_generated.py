"""Generated programs: softswitch must do with them what bmv2 does."""

from __future__ import annotations

import os

import pytest

from p4front.load import load_text
from p4front.text.source import P4Error
from state4.cam import analyse
from state4.cim import instrument
from tests.bmv2.compare import assert_same, assert_unchanged
from tests.bmv2.generator import generate
from tests.bmv2.generator.packets import COUNT
from tests.bmv2.runs import on_softswitch

PROGRAMS = int(os.environ.get("STATE4_DIFFERENTIAL", "60"))

assert PROGRAMS * COUNT >= 500 or "STATE4_DIFFERENTIAL" in os.environ


@pytest.mark.bmv2
@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_both_switches_do_the_same(seed: int) -> None:
    assert_same(generate(seed))


@pytest.mark.bmv2
@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_instrumenting_changes_nothing(seed: int) -> None:
    scenario = generate(seed)
    assert isinstance(scenario.source, str)
    program = load_text(scenario.source, f"{scenario.name}.p4")
    try:
        made = instrument(program, analyse(program))
    except P4Error as refused:
        assert "clone" in str(refused)
        pytest.skip("clones by itself where it writes: refused")
    assert_unchanged(scenario, made)


def test_the_generator_is_not_idle() -> None:
    """Its programs forward, replicate and count, and are the same for the same seed."""
    assert generate(1) == generate(1)
    seen = [on_softswitch(generate(seed)) for seed in range(12)]
    frames = [out for one in seen for out in one.frames]
    assert any(len(out) == 0 for out in frames)
    assert sum(len(out) == 1 for out in frames) > len(frames) // 3
    assert any(len(out) > 1 for out in frames)
    assert any(any(cells) for one in seen for cells in one.registers.values())
    assert any(packets for one in seen for cells in one.counters.values() for packets, _ in cells)
    assert any(packets for one in seen for packets, _ in one.direct.values())
