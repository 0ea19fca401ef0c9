"""The highest rate that a switch forwards steadily: a binary search over trials, after RFC 2544, sections 24 and 26.1.

Each trial sends equal frames at a constant rate through an otherwise idle switch and compares what the sending
interface put on the wire with what the receiving one took from it. A rate passes if less than `limit` (0.1 %) of the
frames is missing and the sender sustained it: what the machine cannot send says nothing about the switch. One trial
does not decide: a rate passes when two of at most three trials do, because a core that was briefly unavailable fails a
trial at any rate, while nothing makes a rate pass that is too high. The search halves the interval between the highest
rate that passed and the lowest that failed until it is small; then trials of full length have to confirm the result,
and each time they do not, the rate goes down a step. RFC 2544 allows no loss at all; on a machine whose sender, switch
and receiver share a few cores that would measure the scheduler.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from experiments.measure.counters import interface_counters
from experiments.traffic.armed import TrafficError
from experiments.traffic.flow import Flow
from experiments.traffic.receiver import Receiver
from experiments.traffic.sender import Sender
from topologies.network import RunningNetwork
from topologies.paper import SERVER, ip_of

LOSS_LIMIT = 0.001
RESOLUTION = 0.02  # as a share of the rate
HOST_NICE = -3
"""The hosts' sessions have priority over the control plane, as the data plane has: a host would be another machine.
Only slightly, or at full load nothing would be left for the control plane if it shares one core with the hosts."""
SEGMENTS = 32
"""Packets that the sender passes to the kernel together; otherwise it would be slower than the switch."""
_DECIDING = 2  # out of at most three trials of a rate
_STEP_DOWN = 0.05  # after a rate that could not be confirmed
_KEPT_UP = 0.98  # of the requested rate; below, the sender was too slow
_MIN_SHARE = 0.02  # of the first rate; lower rates are not searched
_CLIMB = 1.25  # factor after a first rate that passed


class NoSteadyRateError(TrafficError):
    """A search found no rate: the machine was too busy, or the switch forwards next to nothing."""


@dataclass(frozen=True)
class RateTrial:
    """One trial. Rates in frames per second; `loss` as a share of the frames on the sender's wire."""

    asked_per_s: float
    offered_per_s: float
    received_per_s: float
    loss: float

    @property
    def kept_up(self) -> bool:
        return self.offered_per_s >= _KEPT_UP * self.asked_per_s


@dataclass(frozen=True)
class SteadyRate:
    """`frames_per_s`: the highest rate that passed and was confirmed; `limited_by`: why higher rates failed."""

    frames_per_s: float
    limited_by: str
    trials: tuple[RateTrial, ...]


def search_rate(
    measure: Callable[[float], RateTrial],
    confirm: Callable[[float], RateTrial],
    *,
    highest: float,
    ceiling: float = 0.0,
    limit: float = LOSS_LIMIT,
    resolution: float = RESOLUTION,
) -> SteadyRate:
    """The highest steady rate up to `highest` (frames per second). `measure` runs a short trial, `confirm` a full one.

    `ceiling`: upper limit if `highest` is only a guess; if it passes, higher rates up to this one are tried. Each rate
    has up to three trials, and passes with two.

    Raises NoSteadyRateError if not even a small share of `highest` passes.
    """
    trials: list[RateTrial] = []
    limited_by = "nothing: the highest rate asked for passed"

    def passes(run: Callable[[float], RateTrial], rate: float) -> bool:
        nonlocal limited_by
        good: list[RateTrial] = []
        bad: list[RateTrial] = []
        while max(len(good), len(bad)) < _DECIDING:
            trial = run(rate)
            trials.append(trial)
            (good if trial.kept_up and trial.loss < limit else bad).append(trial)
        if len(bad) >= _DECIDING:
            limited_by = "the switch" if bad[-1].kept_up else "the sender"
        return len(good) >= _DECIDING

    low, high = 0.0, highest
    while passes(measure, high):
        low = high
        if high >= ceiling:
            break
        high = min(high * _CLIMB, ceiling)
    while high - low > resolution * high:
        middle = (low + high) / 2
        if passes(measure, middle):
            low = middle
        else:
            high = middle
        if high < _MIN_SHARE * highest:
            raise NoSteadyRateError(
                f"more than {limit:.1%} of the frames are lost even at {high:.0f} frames per second"
            )
    while not passes(confirm, low):
        low *= 1 - _STEP_DOWN
        if low < _MIN_SHARE * highest:
            raise NoSteadyRateError(f"no rate down to {low:.0f} frames per second could be confirmed")
    return SteadyRate(low, limited_by, tuple(trials))


def rate_trial(network: RunningNetwork, frames_per_s: float, *, seconds: float, port: int, payload: int) -> RateTrial:
    """One trial from h1 to the server. An infinite rate is as fast as the sender can.

    What waits in the switch at the end counts as received, but not as throughput: a flooded bmv2 has thousands of
    packets waiting.
    """
    interval = 0 if math.isinf(frames_per_s) else round(1e9 / frames_per_s)
    receiver = Receiver(network, SERVER, [port], record=False, nice=HOST_NICE)
    sender = Sender(network, Flow(1, "h1", ip_of(SERVER), port, interval, payload, segments=SEGMENTS), nice=HOST_NICE)
    receiver.wait_ready()
    sender.wait_ready()
    source, target = ("h1", "h1-eth0"), (SERVER, f"{SERVER}-eth0")
    before = interface_counters(network, *source), interface_counters(network, *target)
    start = time.monotonic() + 0.02
    sender.go(start, start + seconds)
    time.sleep(max(0.0, start + seconds - time.monotonic()))
    in_time = interface_counters(network, *target).since(before[1]).rx_packets
    time.sleep(0.05)
    totals = sender.finish()
    time.sleep(0.1)  # lets frames waiting in the switch arrive
    sent = interface_counters(network, *source).since(before[0]).tx_packets
    received = interface_counters(network, *target).since(before[1]).rx_packets
    receiver.stop()
    if sent < 2:
        raise TrafficError(f"only {sent} frames left h1 in {seconds:g} s")
    lasted = max((totals.last_ns - totals.first_ns) / 1e9, 1e-6)
    # A sender that starts late or ends early has sent less than requested, however fast it was in between.
    offered = sent / (lasted if math.isinf(frames_per_s) else max(lasted, seconds))
    asked = offered if math.isinf(frames_per_s) else frames_per_s
    return RateTrial(asked, offered, in_time / seconds, max(0.0, (sent - received) / sent))
