"""The model event by event: closed forms, and every update accounted for once."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.claims.c3_delta_loss import expected_loss
from experiments.simulation.events import Traffic, clones_of, simulate
from experiments.simulation.load import AT_RANDOM, IN_TURN, Load
from experiments.simulation.schedule import CONTROLLER, PRECOPY, STATE4, STRATEGIES
from tests.unit.experiments.simulation.machines import IDLE, REAL, machine


def test_the_controller_loses_reading_and_writing_over_the_trial() -> None:
    """The formula that Figure 5 draws as dashes, for one cell that is read first."""
    load = Load(packets_per_s=20_000, flows=1, cells=20_000, trial_s=5.0, begin_s=1.0)
    formula = expected_loss(20_000 * IDLE.read_cell_s, 20_000 * IDLE.write_cell_s, 5.0)
    assert simulate(CONTROLLER, IDLE, load).delta_loss == pytest.approx(formula, abs=2 / load.updates)


def test_paced_reading_loses_half_of_it_where_cells_are_everywhere() -> None:
    paced = machine(IDLE, pace_cells_per_s=50_000.0, pace_step_s=0.001)
    load = Load(packets_per_s=20_000, flows=1000, cells=20_000, trial_s=5.0, begin_s=1.0, order=IN_TURN)
    read_s, write_s = 20_000 * paced.read_each_s, 20_000 * paced.write_each_s
    assert (read_s, write_s) == (0.4, 0.4)
    assert simulate(CONTROLLER, paced, load).delta_loss == pytest.approx((read_s / 2 + write_s) / 5.0, rel=0.01)


def test_state4_loses_what_is_written_from_the_taking_to_the_swap() -> None:
    load = Load(packets_per_s=10_000, flows=500, cells=4_000, trial_s=2.0, begin_s=0.5, order=IN_TURN)
    found = simulate(STATE4, REAL, load)
    window = found.clones * REAL.look_ahead_update_s + REAL.apply_s + 500 * REAL.apply_cell_s + REAL.settle_s
    assert found.written == 500  # look-ahead: each cell once
    assert found.lost_updates == pytest.approx(window * 10_000, abs=2)
    assert found.keeps_up


def test_precopy_loses_nothing_and_uses_no_clone() -> None:
    load = Load(packets_per_s=10_000, flows=500, cells=4_000, trial_s=2.0, begin_s=0.5)
    found = simulate(PRECOPY, REAL, load)
    assert found.lost_updates == 0 and found.clones == 0 and found.port_bits_per_s == 0
    assert found.held_s > REAL.held_s


def test_a_listener_that_cannot_keep_up_loses_what_exceeds_it() -> None:
    slow = machine(listener_clone_s=1e-3, queue_clones=100)
    load = Load(packets_per_s=10_000, flows=500, cells=50_000, trial_s=3.0, begin_s=0.5)
    found = simulate(STATE4, slow, load)
    window = found.clones / load.packets_per_s
    assert found.longest_queue == 100 and not found.keeps_up
    assert found.overrun == pytest.approx(found.clones - window / slow.service_s(1) - 100, rel=0.01)
    assert found.lost_updates > simulate(STATE4, REAL, load).lost_updates


def test_a_full_queue_is_that_of_a_bounded_server() -> None:
    """Two clones fit; service takes three inter-arrival times: once it is full, one of three gets through."""
    slow = machine(listener_clone_s=3.0, listener_update_s=0.0, queue_clones=2)
    load = Load(packets_per_s=1.0, flows=1, cells=1, trial_s=12.0)
    port = clones_of(Traffic.of(load, 1), load, slow, 0.0)
    through = "".join("x" if math.isfinite(left) else "." for left in port.left)
    assert through == "xx.x..x..x.."
    assert list(port.left[np.isfinite(port.left)]) == [3.5, 6.5, 9.5, 12.5, 15.5]


def test_the_port_may_be_the_slower_one() -> None:
    narrow = machine(port_bits_per_s=8.0 * REAL.frame_bytes(1) * 1000)
    assert narrow.service_s(1) == pytest.approx(1e-3)


def test_approximation_sends_a_cell_once_in_its_time() -> None:
    load = Load(packets_per_s=10_000, flows=10, cells=10_000, trial_s=2.0, begin_s=0.5, send_every_s=0.01)
    traffic = Traffic.of(load, 1)
    port = clones_of(traffic, load, REAL, 0.0)
    for flow in range(10):
        times = traffic.times[port.packets[traffic.flows[port.packets] == flow]]
        assert np.diff(times).min() >= 0.01
    assert len(port.packets) < 0.2 * (traffic.times >= 0).sum()


loads = st.builds(
    Load,
    packets_per_s=st.sampled_from([50.0, 997.0, 5_000.0]),
    flows=st.integers(1, 60),
    cells=st.just(400),
    writes=st.integers(1, 4),
    trial_s=st.sampled_from([0.05, 0.3, 1.0]),
    begin_s=st.sampled_from([0.0, 0.01, 0.2]),
    order=st.sampled_from([AT_RANDOM, IN_TURN]),
    send_every_s=st.sampled_from([0.0, 0.002, 0.5]),
)
machines = st.builds(
    machine,
    listener_clone_s=st.sampled_from([1e-7, 1e-3, 0.05]),
    queue_clones=st.integers(1, 50),
    apply_cell_s=st.sampled_from([0.0, 1e-4]),
    pace_cells_per_s=st.sampled_from([math.inf, 3000.0]),
    block_cells=st.sampled_from([1, 8, 1000]),
)


@given(strategy=st.sampled_from(STRATEGIES), parameters=machines, load=loads, seed=st.integers(0, 3))
@settings(max_examples=150, deadline=None)
def test_each_update_has_one_fate(strategy: str, parameters: object, load: Load, seed: int) -> None:
    found = simulate(strategy, parameters, load, seed)  # type: ignore[arg-type]
    fates = found.fates
    assert fates is not None
    assert fates.total == round(load.packets_per_s * load.trial_s) * load.writes
    assert min(fates.read, fates.applied, fates.superseded, fates.lost, fates.afterwards) >= 0
    assert fates.read + fates.applied <= load.flows * load.writes  # one value of each cell is carried
    if strategy == PRECOPY:
        assert fates.lost == 0
    if strategy == CONTROLLER:
        assert fates.applied == 0


@given(parameters=machines, load=loads)
@settings(max_examples=60, deadline=None)
def test_state4_loses_no_more_than_the_controller_where_the_listener_keeps_up(parameters: object, load: Load) -> None:
    quick = machine(parameters, listener_clone_s=0.0, listener_update_s=0.0, open_s=0.0, check_s=0.0)  # type: ignore[arg-type]
    quick = machine(quick, apply_s=0.0, apply_cell_s=0.0, look_ahead_update_s=0.0, pace_cells_per_s=math.inf)
    every = machine_load(load)
    assert simulate(STATE4, quick, every).lost_updates <= simulate(CONTROLLER, quick, every).lost_updates


def machine_load(load: Load) -> Load:
    """The same load with every update cloned."""
    return Load(**{**vars(load), "send_every_s": 0.0})


@pytest.mark.parametrize(
    "wrong",
    [{"packets_per_s": 0.0}, {"flows": 0}, {"flows": 11}, {"writes": 0}, {"begin_s": -1.0}, {"order": "backwards"}],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Load(**{"packets_per_s": 1.0, "flows": 1, "cells": 10, **wrong})  # type: ignore[arg-type]


def test_too_many_packets_are_not_followed() -> None:
    with pytest.raises(ValueError, match="one by one"):
        simulate(STATE4, REAL, Load(packets_per_s=6e9, flows=1, cells=1))
