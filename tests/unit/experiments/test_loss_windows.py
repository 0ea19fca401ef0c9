"""Figure 6's pure parts: which updates are missing in the state, and in which windows they were made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import fig6
from experiments.harness.phases import Phases
from experiments.harness.sized_programs import StateProgram, counted_bytes, missing_updates

SMALL = StateProgram(components=2, cells=8)


def contents_with(program: StateProgram, sequences: list[int], frame_bytes: int = 150) -> dict[str, Any]:
    """The contents of the registers if exactly these packets were counted."""
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


def phases(clone_on: float | None = None) -> Phases:
    events = [{"t": 1.0, "phase": "reconfigure", "what": "begin"}, {"t": 2.1, "phase": "reconfigure", "what": "end"}]
    events += [{"t": 2.0, "phase": "commit", "what": "begin"}, {"t": 2.1, "phase": "commit", "what": "end"}]
    for number in range(4):
        begin = {"phase": "read_register", "component": f"state_{number}"}
        events += [{"t": 1.0 + number / 10, "what": "begin", **begin}, {"t": 1.1 + number / 10, "what": "end", **begin}]
    if clone_on is not None:
        events.append({"t": clone_on, "phase": "clone_on", "what": "point"})
    return Phases.of(sorted(events, key=lambda event: float(event["t"])))


def flow(lost: Any, taken: Any = lambda t: fig6.TAKEN) -> pd.DataFrame:
    """A packet every 10 ms for 3 s, 1 ms in transit; `lost` by sending time and component, `taken` by sending time."""
    sent = np.arange(0, 3, 0.01)
    component = np.arange(len(sent)) % 4 + 1
    gone = [bool(lost(t, c)) for t, c in zip(sent, component, strict=True)]
    frame = {"sent_s": sent, "received_s": sent + 0.001, "component": component, "lost": gone}
    return pd.DataFrame({**frame, "taken": [taken(t) for t in sent]})


def test_losses_of_the_controller_approach_are_inside_its_window() -> None:
    found = fig6.lost_by_window(flow(lambda t, c: 1.0 + c / 10 <= t < 2.05), phases())
    assert found.between_read_and_swap > 50
    assert found.survived_between == found.outside_read_and_swap == found.after_swap == 0


def test_survivors_and_early_losses_are_seen() -> None:
    found = fig6.lost_by_window(flow(lambda t, c: t < 0.5 or 1.8 <= t < 2.0), phases())
    assert found.survived_between > 0
    assert found.outside_read_and_swap == 50


def test_losses_of_state4_are_those_whose_clones_came_late() -> None:
    def taken(t: float) -> int:
        return fig6.TAKEN if t < 1.95 else fig6.LATE

    inside = fig6.lost_by_window(flow(lambda t, c: 1.95 <= t < 2.0, taken), phases(clone_on=1.0))
    assert (inside.total, inside.late, inside.taken_and_lost, inside.unread, inside.uncloned) == (5, 5, 0, 0, 0)
    outside = fig6.lost_by_window(flow(lambda t, c: t < 0.9 or 1.5 <= t < 1.6 or t >= 2.5, taken), phases(clone_on=1.0))
    assert (outside.unread, outside.taken_and_lost, outside.after_swap) == (90, 100, 50)


def test_a_clone_that_is_late_makes_no_fault_of_a_slow_machine() -> None:
    """A whole second late: what had not arrived could not be taken."""
    found = fig6.lost_by_window(
        flow(lambda t, c: 1.1 <= t < 2.0, lambda t: fig6.TAKEN if t < 1.1 else fig6.LATE), phases(clone_on=1.0)
    )
    assert (found.total, found.late, found.taken_and_lost) == (90, 90, 0)


def test_clones_that_never_came_are_counted_while_the_switch_cloned() -> None:
    found = fig6.lost_by_window(flow(lambda t, c: False, lambda t: fig6.NO_CLONE), phases(clone_on=1.5))
    assert found.uncloned == 49  # sent after cloning began, arrived before the swap
    assert fig6.lost_by_window(flow(lambda t, c: False, lambda t: fig6.NO_CLONE), phases()).uncloned == 0


def test_what_became_of_each_clone() -> None:
    takes = {
        "t": np.array([1.0, 2.0, 3.0]),
        "late": np.array([False, False, True]),
        "take": np.array([0, 1, 2]),
        "component": np.array([1, 2, 1], np.uint32),
        "index": np.array([3, 0, 5], np.uint64),
    }
    fates = fig6.clone_fates(SMALL, takes)
    assert fates.shape == (2, 8)
    assert (fates[0, 3], fates[1, 0], fates[0, 5], fates[1, 1]) == (fig6.TAKEN, fig6.TAKEN, fig6.LATE, fig6.NO_CLONE)


def test_repeats_stay_apart() -> None:
    trial = {
        "strategy": "state4",
        "updates": 10,
        "lost_updates": 1,
        "sent_packets": 12,
        "received_packets": 11,
        "stray_frames": 0,
        "outcome": {"clones": 5},
        "lost_by_window": {"total": 1},
    }
    alone = {**trial, "strategy": "no-reconfiguration", "outcome": {}}
    del alone["lost_by_window"]
    found = fig6.summarise({"a": trial, "b": {**trial, "lost_updates": 2}, "c": alone})
    assert found["state4"]["lost_updates"] == [1, 2] and found["state4"]["lost_packets"] == [1, 1]
    assert len(found["state4"]["windows"]) == 2 and found["no-reconfiguration"]["windows"] == []
    assert found["no-reconfiguration"]["clones"] == [0]
