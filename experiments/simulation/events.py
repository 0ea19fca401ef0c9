"""Event by event: every packet, clone and update of a trial, for rates that make them few enough.

The listener is one server that takes clones in order, each in the same time; a clone that finds `queue_clones` others
is lost. Departures follow from arrivals by a recursion (Lindley, 1952, with a bounded queue), so no event list is
needed; steps of the control plane follow each other. Everything else is counting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.simulation.load import IN_TURN, Floats, Load
from experiments.simulation.outcome import Fates, Outcome
from experiments.simulation.parameters import Parameters
from experiments.simulation.schedule import CONTROLLER, PRECOPY, Bulk, Ending
from state4.dirty.theory import FEW_CELLS, ends

MAX_PACKETS = 5_000_000
"""Limit of a trial that is followed event by event."""
_NEVER = -math.inf


@dataclass(frozen=True)
class Traffic:
    """Packets in order. `times`: in s from the beginning of the reconfiguration; `flows`: the flow of each packet."""

    times: Floats
    flows: npt.NDArray[np.int64]

    @classmethod
    def of(cls, load: Load, seed: int) -> Traffic:
        """Raises ValueError for more than MAX_PACKETS."""
        count = round(load.packets_per_s * load.trial_s)
        if not 1 <= count <= MAX_PACKETS:
            raise ValueError(f"{count} packets cannot be simulated one by one (1 to {MAX_PACKETS})")
        times: Floats = (np.arange(count, dtype=np.float64) + 0.5) / load.packets_per_s - load.begin_s
        if load.order == IN_TURN:
            return cls(times, np.arange(count) * _step(load.flows) % load.flows)
        return cls(times, np.random.default_rng(seed).integers(0, load.flows, count))


def _step(flows: int) -> int:
    """The step between flows that send in turn: it separates successive flows in the registers, and visits each
    once."""
    step = max(1, round(0.618 * flows))
    while math.gcd(step, flows) > 1:
        step += 1
    return step


@dataclass(frozen=True)
class Port:
    """Clones in transit. `packets`: the packets that were cloned, in order; `left`: when the listener had taken each
    clone, infinite if it was lost."""

    packets: npt.NDArray[np.int64]
    left: Floats


def clones_of(traffic: Traffic, load: Load, parameters: Parameters, begin: float) -> Port:
    """The clones from `begin` on, and what becomes of them in the queue."""
    service = parameters.service_s(load.writes)
    full_s = (parameters.queue_clones - 1) * service
    last_sent: dict[int, float] = {}
    packets, left = [], []
    free = _NEVER
    first = int(np.searchsorted(traffic.times, begin))
    for number, (time, flow) in enumerate(
        zip(traffic.times[first:].tolist(), traffic.flows[first:].tolist(), strict=True), start=first
    ):
        if load.send_every_s:
            if time - last_sent.get(flow, _NEVER) < load.send_every_s:
                continue
            last_sent[flow] = time
        packets.append(number)
        if free - time > full_s + 1e-15:
            left.append(math.inf)
        else:
            free = max(free, time) + service
            left.append(free)
    return Port(np.array(packets, np.int64), np.array(left, np.float64))


def simulate(strategy: str, parameters: Parameters, load: Load, seed: int = 1) -> Outcome:
    """Simulates one trial. The outcome's `fates` are whole numbers. Raises ValueError for too many packets."""
    traffic = Traffic.of(load, seed)
    bulk = Bulk.of(strategy, parameters, load)
    read_at = bulk.read + load.read_offsets(parameters, np.arange(load.flows))
    if strategy == CONTROLLER:
        ending = Ending.of_controller(parameters, bulk)
        fates = _fates(traffic, read_at, None, ending.swap)
        return _outcome(fates, ending, load)
    if strategy == PRECOPY:
        return _precopy(traffic, parameters, load, bulk, read_at)
    return _state4(traffic, parameters, load, bulk, read_at)


def _state4(traffic: Traffic, parameters: Parameters, load: Load, bulk: Bulk, read_at: Floats) -> Outcome:
    assert bulk.clone_on is not None
    port = clones_of(traffic, load, parameters, bulk.clone_on)
    times = traffic.times[port.packets]
    observed = bulk.written + parameters.check_s
    there = np.isfinite(port.left)
    sent = port.left[there & (times <= observed)]
    newest = float(sent[-1]) if len(sent) else observed
    taken = min(max(observed, newest), observed + parameters.arrival_s)
    mine = there & (port.left <= taken)
    flows = traffic.flows[port.packets[mine]]
    last = np.full(load.flows, _NEVER)
    np.maximum.at(last, flows, times[mine])
    written = load.writes * int(np.isfinite(last).sum())
    ending = Ending.of_state4(parameters, taken, load.writes * len(flows), written)
    fates = _fates(traffic, read_at, last, ending.swap)
    before = times <= taken
    window = taken - bulk.clone_on
    return _outcome(
        fates,
        ending,
        load,
        clones=int(before.sum()),
        overrun=int((before & ~there).sum()),
        port_bits_per_s=8 * parameters.frame_bytes(load.writes) * int(before.sum()) / window,
        longest_queue=_longest_queue(times[there & (times <= observed)], port.left[there & (times <= observed)]),
        written=written,
    )


def _longest_queue(arrived: Floats, left: Floats) -> int:
    """The largest number of clones waiting or being served, counted just after an arrival."""
    if not len(arrived):
        return 0
    return int((np.arange(1, len(arrived) + 1) - np.searchsorted(left, arrived, side="right")).max())


def _precopy(traffic: Traffic, parameters: Parameters, load: Load, bulk: Bulk, read_at: Floats) -> Outcome:
    within = np.floor(traffic.flows * (load.register_cells / load.flows))
    blocks = (within // parameters.block_cells).astype(np.int64)

    def dirty(since: float, until: float) -> int:
        """Cells of the blocks that were written in an interval."""
        first, last = np.searchsorted(traffic.times, (since, until))
        return len(np.unique(blocks[first:last])) * min(parameters.block_cells, load.cells) * load.writes

    looked, now = bulk.read, bulk.written
    rounds: list[float] = []
    while not ends(rounds):
        rounds.append(dirty(looked, now))
        looked, now = now, now + parameters.map_s + rounds[-1] * parameters.dirty_each_s
    remainder = dirty(looked, now)
    held = parameters.held_s + remainder * parameters.dirty_cell_s
    ending = Ending(now, now + held, now + held + parameters.end_s)
    last = np.full(load.flows, _NEVER)
    seen = traffic.times < now
    np.maximum.at(last, traffic.flows[seen], traffic.times[seen])
    fates = _fates(traffic, read_at, last, now)
    return _outcome(
        fates,
        ending,
        load,
        held_s=held,
        written=sum(rounds) + remainder,
        rounds=tuple(rounds),
        converges=rounds[-1] <= FEW_CELLS,
    )


def _fates(traffic: Traffic, read_at: Floats, applied: Floats | None, swap: float) -> Fates:
    """What became of each update. `read_at`: [flows, writes], when each cell was read; `applied`: [flows], the time of
    the update that was applied after the bulk, if any, which replaces the value read."""
    flows, writes = read_at.shape
    counts = dict.fromkeys(("read", "applied", "superseded", "lost"), 0)
    before = traffic.times < swap
    for register in range(writes):
        kept = np.full(flows, _NEVER)
        in_bulk = traffic.times < read_at[traffic.flows, register]
        np.maximum.at(kept, traffic.flows[in_bulk], traffic.times[in_bulk])
        by_clone = np.zeros(flows, np.bool_)
        if applied is not None:
            by_clone = np.isfinite(applied)
            kept = np.where(by_clone, applied, kept)
        mine = kept[traffic.flows[before]]
        times = traffic.times[before]
        carried = times == mine
        counts["applied"] += int((carried & by_clone[traffic.flows[before]]).sum())
        counts["read"] += int((carried & ~by_clone[traffic.flows[before]]).sum())
        counts["superseded"] += int((times < mine).sum())
        counts["lost"] += int((times > mine).sum())
    return Fates(**counts, afterwards=writes * int((~before).sum()))


def _outcome(fates: Fates, ending: Ending, load: Load, **more: float | tuple[float, ...]) -> Outcome:
    return Outcome(
        lost_updates=fates.lost,
        delta_loss=fates.lost / fates.total,
        total_s=ending.end,
        swap_s=ending.swap,
        fates=fates,
        **more,  # type: ignore[arg-type]
    )
