"""Averages compared with the simulation of every event, where both are possible."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.simulation.events import simulate
from experiments.simulation.fluid import predict
from experiments.simulation.load import IN_TURN, Load
from experiments.simulation.parameters import Parameters
from experiments.simulation.schedule import CONTROLLER, PRECOPY, STATE4, STRATEGIES
from state4.dirty import theory
from tests.unit.experiments.simulation.machines import REAL, machine

SLOW = machine(listener_clone_s=4e-4, queue_clones=200)
TINY = machine(listener_clone_s=1e-3, queue_clones=20, arrival_s=0.002)
PACED = machine(pace_cells_per_s=20_000.0)


def both(strategy: str, parameters: Parameters, load: Load) -> None:
    """Equal except for chance: a relative tolerance, and an absolute one of one packet or cell."""
    if load.order == IN_TURN:  # the average is over which flow comes first as well
        cycle_s = min(load.flows / load.packets_per_s, 0.8)
        loads = [replace(load, begin_s=load.begin_s + cycle_s * step / 8) for step in range(8)]
    else:
        loads = [load] * 3
    found = [simulate(strategy, parameters, one, seed) for seed, one in enumerate(loads)]
    expected = predict(strategy, parameters, load)

    def mean(name: str) -> float:
        return sum(float(getattr(one, name)) for one in found) / len(found)

    spread = 6 * math.sqrt(mean("lost_updates") * load.writes / len(found))
    assert expected.lost_updates == pytest.approx(mean("lost_updates"), rel=0.03, abs=spread + 3 * load.writes)
    assert expected.clones == pytest.approx(mean("clones"), rel=0.03, abs=5)
    assert expected.overrun == pytest.approx(mean("overrun"), rel=0.03, abs=5)
    assert expected.port_bits_per_s == pytest.approx(mean("port_bits_per_s"), rel=0.04)
    assert expected.longest_queue == pytest.approx(mean("longest_queue"), rel=0.05, abs=2)
    if any(len(one.rounds) != len(expected.rounds) for one in found):
        return  # about as many cells are left as end the rounds: chance decides whether there is one more
    assert expected.total_s == pytest.approx(mean("total_s"), rel=0.02)
    assert expected.written == pytest.approx(mean("written"), rel=0.06, abs=40 * load.writes)


@given(
    strategy=st.sampled_from(STRATEGIES),
    parameters=st.sampled_from([REAL, SLOW, TINY, PACED]),
    rate=st.sampled_from([500.0, 3_000.0, 12_000.0]),
    flows=st.sampled_from([50, 400, 2_000]),
    writes=st.sampled_from([1, 3]),
)
@settings(max_examples=12, deadline=None)
def test_random_flows(strategy: str, parameters: Parameters, rate: float, flows: int, writes: int) -> None:
    both(strategy, parameters, Load(rate, flows, 8_000, writes, trial_s=3.0, begin_s=0.3))


@given(
    strategy=st.sampled_from(STRATEGIES),
    parameters=st.sampled_from([REAL, PACED]),
    rate=st.sampled_from([500.0, 12_000.0]),
    flows=st.sampled_from([1, 50, 8_000]),
)
@settings(max_examples=10, deadline=None)
def test_flows_in_turn(strategy: str, parameters: Parameters, rate: float, flows: int) -> None:
    both(strategy, parameters, Load(rate, flows, 8_000, trial_s=3.5, begin_s=0.4, order=IN_TURN))


@given(
    parameters=st.sampled_from([REAL, SLOW, TINY]),
    rate=st.sampled_from([3_000.0, 12_000.0]),
    flows=st.sampled_from([100, 1_000]),
    every=st.sampled_from([0.002, 0.02, 0.1, 10.0]),
)
@settings(max_examples=10, deadline=None)
def test_approximation(parameters: Parameters, rate: float, flows: int, every: float) -> None:
    load = Load(rate, flows, 8_000, trial_s=1.5, begin_s=0.4, send_every_s=every)
    found = [simulate(STATE4, parameters, load, seed) for seed in range(4)]
    expected = predict(STATE4, parameters, load)
    lost = sum(one.lost_updates for one in found) / 4
    assert expected.lost_updates == pytest.approx(lost, rel=0.10, abs=6 * math.sqrt(lost) + 10)


def test_rounds_are_those_of_the_theory() -> None:
    """Flows in turn, one block per cell: the prediction of `theory.predict`."""
    parameters = machine(block_cells=1)
    load = Load(8_000.0, 20_000, 20_000, trial_s=5.0, order=IN_TURN)
    read_s = parameters.read_s + 20_000 * parameters.read_cell_s
    first_s = read_s + parameters.save_s + parameters.write_s
    first_s += 20_000 * (parameters.save_cell_s + parameters.write_cell_s)
    prediction = theory.predict(20_000, first_s, 8_000.0, 1 / parameters.dirty_cell_s, parameters.map_s)
    found = predict(PRECOPY, parameters, load)
    assert found.rounds == pytest.approx(prediction.rounds) and found.converges is prediction.converges
    assert found.written == pytest.approx(sum(prediction.rounds) + prediction.remainder)


def test_at_the_rate_of_hardware_the_controllers_loss_is_its_formula() -> None:
    load = Load(6e9, 1 << 17, 1 << 17, trial_s=30.0, begin_s=10.0)
    found = predict(CONTROLLER, PACED, load)
    window = PACED.read_s + (1 << 17) * (PACED.read_each_s / 2 + PACED.write_each_s)
    window += PACED.save_s + (1 << 17) * PACED.save_cell_s + PACED.write_s + PACED.settle_s
    assert found.delta_loss == pytest.approx(window / 30.0, rel=0.01)


def test_more_clones_than_a_listener_takes_cost_updates_and_approximation_saves_them() -> None:
    load = Load(1e9, 10_000, 10_000, trial_s=30.0, begin_s=10.0)
    roomy = machine(queue_clones=20_000)  # at first every flow sends
    all_of_them = predict(STATE4, roomy, load)
    assert not all_of_them.keeps_up
    spared = predict(STATE4, roomy, replace(load, send_every_s=0.05))
    assert spared.keeps_up and spared.port_bits_per_s < all_of_them.port_bits_per_s / 1000


def test_flows_in_turn_that_lose_clones_have_no_average() -> None:
    load = Load(12_000.0, 50, 8_000, trial_s=3.0, order=IN_TURN)
    with pytest.raises(ValueError, match="in turn"):
        predict(STATE4, SLOW, load)
