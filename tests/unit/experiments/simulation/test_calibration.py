"""From events to parameters: calibration recovers the parameters that produced the events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experiments.measure.listener_cost import frames, layout_of_size
from experiments.simulation.calibration import CalibrationError, calibrate, fitted, line, steps_of
from experiments.simulation.extrapolation import RATES, SWEEPS, extrapolate
from experiments.simulation.parameters import Parameters
from experiments.simulation.schedule import CONTROLLER, PRECOPY, STATE4, STRATEGIES
from state4.clones.store import CloneStore
from tests.unit.experiments.simulation.machines import OURS, REAL

KNOWN = {"listener_clone_s": 1e-7, "listener_update_s": 1e-7, "look_ahead_update_s": 1e-6}
CONFIGURED = {"queue_clones": 1000, "arrival_s": 0.05, "clone_bytes": 14, "slot_bytes": 12, "block_cells": 4}


def events(strategy: str, own: Parameters, cells: int, applied: int = 0) -> list[dict[str, Any]]:
    """The events of a reconfiguration on a machine with these parameters."""
    now, found = 3.0, []

    def add(phase: str, what: str = "point", **data: Any) -> None:
        found.append({"t": now, "phase": phase, "what": what, **data})

    add("reconfigure", "begin")
    if strategy == STATE4:
        now += own.open_s
        add("clone_on")
    now += own.entries_s
    add("read_register", "begin", cells=cells, component="r")
    now += own.read_s + cells * own.read_cell_s
    add("read_register", "end", component="r")
    now += own.save_s + cells * own.save_cell_s
    add("write_register", "begin", cells=cells, component="r")
    now += own.write_s + cells * own.write_cell_s
    add("write_register", "end", component="r")
    if strategy == STATE4:
        now += own.check_s
        add("apply_updates", "begin", updates=applied, written=applied)
        now += own.apply_s + applied * own.apply_cell_s
        add("apply_updates", "end", updates=applied, written=applied)
    if strategy == PRECOPY:
        for dirty in (cells // 8, cells // 64):
            now += own.map_s
            add("read_dirty", "begin")
            now += dirty * own.dirty_cell_s / 2
            add("read_dirty", "end", cells=dirty)
            now += dirty * own.dirty_cell_s / 2
            add("write_dirty", "end", cells=dirty)
        now += own.check_s
        add("hold", "begin")
    now += own.held_s if strategy == PRECOPY else own.settle_s
    add("commit", "end")
    if strategy == PRECOPY:
        add("hold", "end")
    now += own.end_s
    add("reconfigure", "end")
    return found


def trials(strategy: str, early_s: float = 0.0) -> list[dict[str, Any]]:
    found = []
    for cells, applied in ((1000, 50), (1000, 60), (100_000, 400), (100_000, 410)):
        steps = steps_of(events(strategy, REAL, cells, applied))
        lost = (steps.get("to_swap_s", 0.0) + applied * KNOWN["look_ahead_update_s"] + early_s) * 2000.0
        found.append({"steps": steps, "packets_per_s": 2000.0, "lost_updates": lost})
    return found


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_step_is_found_again(strategy: str) -> None:
    found, steps = calibrate(strategy, trials(strategy), KNOWN, CONFIGURED)
    names = ["entries_s", "read_s", "read_cell_s", "save_s", "save_cell_s", "write_s", "write_cell_s", "end_s"]
    names += ["open_s", "check_s", "apply_s", "apply_cell_s", "settle_s"] if strategy == STATE4 else []
    names += ["map_s", "dirty_cell_s", "held_s"] if strategy == PRECOPY else []
    names += ["settle_s"] if strategy == CONTROLLER else []
    for name in names:
        assert getattr(found, name) == pytest.approx(getattr(REAL, name), rel=1e-6), name
    origins = {step.name: step.origin for step in steps}
    assert origins["queue_clones"] == "configured" and origins["read_cell_s"] == "measured"
    assert {step.name for step in steps} >= {*KNOWN, *CONFIGURED}


def test_lost_updates_tell_when_they_were_taken() -> None:
    found, _ = calibrate(STATE4, trials(STATE4, early_s=0.001), KNOWN, CONFIGURED)
    assert found.apply_s == pytest.approx(REAL.apply_s + 0.001)
    assert found.check_s == pytest.approx(REAL.check_s - 0.001)


def test_lines_do_not_go_below_zero() -> None:
    assert line([(10, 1.0), (20, 0.5)]) == (1.0, 0.0)
    assert line([(10, 1.0), (10, 3.0), (20, 4.0)]) == pytest.approx((0.0, 0.2))
    assert fitted([(10, 1.0), (20, 2.0), (30, 3.0)]) == pytest.approx((0.0, 0.1))
    assert fitted([(10, 1.0), (10, 3.0)]) == (2.0, 0.0)


def test_too_little_is_an_error_and_no_number() -> None:
    with pytest.raises(CalibrationError, match="no trial of state4"):
        calibrate(STATE4, [], KNOWN, CONFIGURED)
    with pytest.raises(CalibrationError, match="a single amount of state"):
        calibrate(CONTROLLER, trials(CONTROLLER)[:2], KNOWN, CONFIGURED)
    with pytest.raises(CalibrationError, match="no end of commit"):
        steps_of([event for event in events(CONTROLLER, REAL, 10) if event["phase"] != "commit"])


def test_the_frames_that_are_timed_are_clones() -> None:
    layout = layout_of_size(8, 1 << 20, 8)
    store = CloneStore(layout)
    store.expect(6, 0)
    store.add(frames(layout, 100, 7, np.random.default_rng(1)))
    stats = store.stats()
    assert (stats.clones, stats.updates, stats.foreign, stats.lost) == (100, 800, 0, 0)


def test_everything_is_predicted_for_each_rate() -> None:
    found = extrapolate({STATE4: OURS, CONTROLLER: OURS, PRECOPY: OURS}, (RATES[0], RATES[-1]))
    by_rate = [entry for entry in found["rates"] if entry["variant"] == STATE4]
    assert [entry["value"] for entry in by_rate] == [1e3, 6e9]
    assert {entry["axis"] for entry in found["others"]} == set(SWEEPS)
    assert not by_rate[-1]["keeps_up"] and by_rate[0]["keeps_up"]
    bounds = found["bounds"]
    assert bounds["highest_packets_per_s"] == pytest.approx(1 / OURS.service_s(1))
    assert bounds["port_bits_per_s_at_6_gpps"] == 8 * OURS.frame_bytes(1) * 6e9
    assert extrapolate({}) == {"rates": [], "others": [], "bounds": {}}
