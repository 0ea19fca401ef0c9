"""The averages of `events.py` at any rate: queues fill and empty steadily, cells are counted by probability.

At hardware rates a trial has 10^11 packets. What is lost, queued and written there is an average over so many that it
hardly varies; tests compare it with the simulation of every event at rates where both are possible.
"""

from __future__ import annotations

import numpy as np

from experiments.simulation.load import IN_TURN, Floats, Load
from experiments.simulation.outcome import Outcome
from experiments.simulation.parameters import Parameters
from experiments.simulation.queueing import Course, rates_sent_every
from experiments.simulation.schedule import CONTROLLER, PRECOPY, Bulk, Ending
from experiments.simulation.trailing import Window, trailing, trailing_sent_every
from state4.dirty.theory import FEW_CELLS, ends

READ_SAMPLE = 1024
"""Number of flows for whose cells the time of reading is computed."""


def predict(strategy: str, parameters: Parameters, load: Load, seed: int = 1) -> Outcome:
    """One trial on average. Raises ValueError if there is no average: flows that send in turn and lose clones."""
    bulk = Bulk.of(strategy, parameters, load)
    sample = np.unique(np.linspace(0, load.flows - 1, min(load.flows, READ_SAMPLE)).astype(np.int64))
    offsets = load.read_offsets(parameters, sample).ravel()
    if strategy == CONTROLLER:
        ending = Ending.of_controller(parameters, bulk)
        lost = [_updates(load, bulk.read + offset, ending.swap) for offset in offsets.tolist()]
        return _outcome(load, ending, float(np.mean(lost)))
    if strategy == PRECOPY:
        return _precopy(parameters, load, bulk)
    assert bulk.clone_on is not None
    state4 = _sent_every if load.send_every_s else _all_sent
    return state4(parameters, load, bulk.clone_on, bulk, bulk.read - bulk.clone_on + offsets, seed)


def _all_sent(parameters: Parameters, load: Load, on: float, bulk: Bulk, read_s: Floats, _: int) -> Outcome:
    """Every update is cloned: clones come at a constant rate."""
    service = parameters.service_s(load.writes)
    arriving, served = load.packets_per_s, 1 / service
    observed = bulk.written + parameters.check_s
    window = observed - on
    excess = max(arriving - served, 0.0)
    if not excess:
        queue, full_after, through = min(1.0, arriving * service), window, arriving * window
    else:
        queue, full_after = min(parameters.queue_clones, excess * window), parameters.queue_clones / excess
        through = min(arriving * window, served * window + parameters.queue_clones)
    drain = queue * service if excess else 0.0
    waited = min(drain, parameters.arrival_s)
    taken = observed + waited
    last, clones = observed, through  # the time of the last update that is taken
    if waited < drain:
        clones = served * (taken - on)
        since = clones / arriving if clones < arriving * full_after else (clones - parameters.queue_clones) / served
        last = on + min(window, since)
    length = last - on
    if load.order != IN_TURN:
        state = Window(length, min(full_after, length), min(1.0, served / arriving), read_s)
        missing = trailing(load.packets_per_s / load.flows, state)
    elif excess and length > full_after:
        raise ValueError("flows that send in turn lose clones in step with the queue: which ones has no average")
    else:
        missing = 0.0
    written = load.writes * load.touched(clones)
    ending = Ending.of_state4(parameters, taken, load.writes * clones, written)
    return _outcome(
        load,
        ending,
        load.writes * load.flows * missing + _updates(load, last, ending.swap),
        clones=arriving * (taken - on),
        overrun=max(excess * (taken - on) - parameters.queue_clones, 0.0),
        port_bits_per_s=8 * parameters.frame_bytes(load.writes) * arriving,
        longest_queue=queue,
        written=written,
    )


def _sent_every(parameters: Parameters, load: Load, on: float, bulk: Bulk, read_s: Floats, seed: int) -> Outcome:
    """With approximation: first all flows send a clone, then each as often as it may."""
    service = parameters.service_s(load.writes)
    per_flow = load.packets_per_s / load.flows
    observed = bulk.written + parameters.check_s
    rates = rates_sent_every(load.flows, per_flow, load.send_every_s, observed - on)
    course = Course.of(rates, observed - on, 1 / service, parameters.queue_clones)
    queue = float(course.waiting[-1])
    waited = min(queue * service, parameters.arrival_s)
    taken = observed + waited
    clones = float(course.through.sum()) - queue + waited / service
    length = course.time_of(clones)
    generator = np.random.default_rng(seed)
    missing, never = trailing_sent_every(per_flow, course, length, read_s, load.send_every_s, generator)
    written = load.writes * load.flows * (1 - never)
    ending = Ending.of_state4(parameters, taken, load.writes * clones, written)
    made = float(course.made.sum())
    return _outcome(
        load,
        ending,
        load.writes * load.flows * missing + _updates(load, on + length, ending.swap),
        clones=made + rates[-1] * waited,
        overrun=made - float(course.through.sum()),
        port_bits_per_s=8 * parameters.frame_bytes(load.writes) * made / (observed - on),
        longest_queue=max(float(course.waiting.max()), min(1.0, made / (observed - on) * service)),
        written=written,
    )


def _precopy(parameters: Parameters, load: Load, bulk: Bulk) -> Outcome:
    size = min(parameters.block_cells, load.cells)
    hot = min(load.flows, load.register_cells / size)  # blocks of a register that are written at all

    def dirty(seconds: float) -> float:
        return load.touched(load.packets_per_s * seconds, hot) * size * load.writes

    rounds = [dirty(bulk.written - bulk.read)]
    while not ends(rounds):
        rounds.append(dirty(parameters.map_s + rounds[-1] * parameters.dirty_each_s))
    looks = parameters.map_s * len(rounds) + sum(rounds) * parameters.dirty_each_s
    remainder = dirty(parameters.map_s + rounds[-1] * parameters.dirty_each_s)
    held = parameters.held_s + remainder * parameters.dirty_cell_s
    taken = bulk.written + looks
    ending = Ending(taken, taken + held, taken + held + parameters.end_s)
    return _outcome(
        load,
        ending,
        0.0,
        held_s=held,
        written=sum(rounds) + remainder,
        rounds=tuple(rounds),
        converges=rounds[-1] <= FEW_CELLS,
    )


def _updates(load: Load, since: float, until: float) -> float:
    """Updates between two moments, within the trial."""
    first, last = -load.begin_s, load.trial_s - load.begin_s
    return load.updates_per_s * max(min(until, last) - max(since, first), 0.0)


def _outcome(load: Load, ending: Ending, lost: float, **more: float | tuple[float, ...]) -> Outcome:
    return Outcome(
        lost_updates=lost,
        delta_loss=lost / load.updates,
        total_s=ending.end,
        swap_s=ending.swap,
        **more,  # type: ignore[arg-type]
    )
