"""Figure 6's pure parts: which updates are missing from the state, and in which windows they were made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import fig6
from experiments.claims.c4_loss_windows import Lost, judge_fig6
from experiments.harness.phases import Phases
from experiments.harness.sized_programs import StateProgram, counted_bytes, missing_updates

SMALL = StateProgram(components=2, cells=8)


def contents_with(program: StateProgram, sequences: list[int], frame_bytes: int = 150) -> dict[str, Any]:
    """What the registers hold when just these packets were counted."""
    contents = {f"MyIngress.{name}": np.zeros(program.cells, np.uint64) for name in program.registers}
    for component, cell in zip(*program.places(sequences), strict=True):
        contents[f"MyIngress.{program.registers[component]}"][cell] += frame_bytes
    return contents


@given(st.integers(0, 5), st.integers(0, 12), st.data())
def test_no_two_packets_of_a_short_flow_meet(components: int, cells: int, data: st.DataObject) -> None:
    program = StateProgram(1 << components, 1 << cells)
    room = program.components * program.cells
    first = data.draw(st.integers(0, 1 << 20))
    where, place = program.places(np.arange(first, first + room))
    assert len({*zip(where.tolist(), place.tolist(), strict=True)}) == room


def test_missing_updates_are_found() -> None:
    contents = contents_with(SMALL, [0, 1, 2, 5, 6])
    missing = missing_updates(SMALL, range(7), 150, contents)
    assert np.flatnonzero(missing).tolist() == [3, 4]
    assert counted_bytes(SMALL, contents) == 5 * 150


def test_a_cell_for_two_packets_says_nothing() -> None:
    with pytest.raises(ValueError, match="too few cells"):
        missing_updates(SMALL, range(17), 150, contents_with(SMALL, [0]))


def test_a_cell_that_no_packet_left_so_is_an_error() -> None:
    contents = contents_with(SMALL, [0, 1], 149)
    with pytest.raises(ValueError, match="is 149"):
        missing_updates(SMALL, range(4), 150, contents)


@pytest.mark.parametrize("wrong", [{"components": 3}, {"cells": 100}, {"writes": "some"}, {"width": 4}])
def test_only_powers_of_two(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        StateProgram(**{"components": 2, "cells": 8, **wrong})


def phases(**intervals: tuple[float, float]) -> Phases:
    events = [{"t": 1.0, "phase": "reconfigure", "what": "begin"}, {"t": 2.1, "phase": "reconfigure", "what": "end"}]
    events += [{"t": 2.0, "phase": "commit", "what": "begin"}, {"t": 2.1, "phase": "commit", "what": "end"}]
    for number in range(4):
        begin = {"phase": "read_register", "component": f"state_{number}"}
        events += [{"t": 1.0 + number / 10, "what": "begin", **begin}, {"t": 1.1 + number / 10, "what": "end", **begin}]
    for name, (begin_s, end_s) in intervals.items():
        events += [{"t": begin_s, "phase": name, "what": "begin"}, {"t": end_s, "phase": name, "what": "end"}]
    return Phases.of(sorted(events, key=lambda event: float(event["t"])))


def flow(lost: Any) -> pd.DataFrame:
    """A packet every 10 ms for 3 s, 1 ms on its way; `lost` says which by sending time and component."""
    sent = np.arange(0, 3, 0.01)
    component = np.arange(len(sent)) % 4 + 1
    gone = [bool(lost(t, c)) for t, c in zip(sent, component, strict=True)]
    return pd.DataFrame({"sent_s": sent, "received_s": sent + 0.001, "component": component, "lost": gone})


def test_losses_of_the_controller_approach_are_inside_its_window() -> None:
    found = fig6.lost_by_window(flow(lambda t, c: 1.0 + c / 10 <= t < 2.05), phases())
    assert found.between_read_and_swap > 50
    assert found.survived_between == found.outside_read_and_swap == found.after_swap == 0


def test_survivors_and_early_losses_are_seen() -> None:
    found = fig6.lost_by_window(flow(lambda t, c: t < 0.5 or 1.8 <= t < 2.0), phases())
    assert found.survived_between > 0
    assert found.outside_read_and_swap == 50


def test_losses_of_state4_are_after_its_last_write() -> None:
    inside = fig6.lost_by_window(flow(lambda t, c: 1.95 <= t < 2.05), phases(apply_updates=(1.95, 1.99)))
    assert (inside.total, inside.before_last_write, inside.after_swap) == (10, 0, 0)
    outside = fig6.lost_by_window(flow(lambda t, c: 1.5 <= t < 1.6 or t >= 2.5), phases(apply_updates=(1.95, 1.99)))
    assert (outside.before_last_write, outside.after_swap) == (10, 50)


GOOD = {
    "no-reconfiguration": {"lost_updates": [0], "updates": [9000], "windows": []},
    "controller": {"lost_updates": [900], "updates": [9000], "windows": [vars(Lost(900, 9000, 880, 0, 0, 0, 0, 1000))]},
    "state4": {"lost_updates": [9], "updates": [9000], "windows": [vars(Lost(9, 9000, 8, 0, 0, 0, 0, 1000))]},
}


def test_the_published_windows_hold() -> None:
    assert judge_fig6(GOOD).holds


@pytest.mark.parametrize(
    ("strategy", "change"),
    [
        ("controller", {"survived_between": 1}),
        ("controller", {"outside_read_and_swap": 1}),
        ("controller", {"total": 0}),
        ("state4", {"before_last_write": 1}),
        ("state4", {"after_swap": 1}),
        ("state4", {"total": 90}),
    ],
)
def test_a_loss_elsewhere_breaks_the_claim(strategy: str, change: dict[str, int]) -> None:
    windows = [{**GOOD[strategy]["windows"][0], **change}]
    assert not judge_fig6({**GOOD, strategy: {**GOOD[strategy], "windows": windows}}).holds


def test_a_harness_that_loses_updates_itself_breaks_the_claim() -> None:
    idle = {"lost_updates": [1], "updates": [9000], "windows": []}
    assert not judge_fig6({**GOOD, "no-reconfiguration": idle}).holds
