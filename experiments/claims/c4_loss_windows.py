"""The paper's claims C4 and C6: what was published and the rule by which our numbers are judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.claims.base import Claim, Finding
from experiments.harness.stats import spread

# -- C4: where updates are lost ----------------------------------------------------------------------------------------

PUBLISHED_FIG6 = {
    "controller": "updates are lost from the reading of their component to the swap",
    "state4": "updates are lost only from the last write to the swap, below 1 %",
}
_STATE4_LIMIT = 0.01  # of the updates


@dataclass(frozen=True)
class Lost:
    """Updates of one run, by when their packets went through the switch.

    total, updates: lost and made in the whole run; window_updates: made during the reconfiguration.
    between_read_and_swap: after their component was read and before the swap; survived_between: of those, not lost.
    outside_read_and_swap: lost, but not between the begin of that reading and the end of the swap.
    before_last_write: lost, but earlier than the last write of updates. after_swap: lost, but later than the swap.
    """

    total: int
    updates: int
    between_read_and_swap: int
    survived_between: int
    outside_read_and_swap: int
    before_last_write: int
    after_swap: int
    window_updates: int


def judge_fig6(measured: Mapping[str, Mapping[str, Any]]) -> Claim:
    """C4, from `Lost` of each repeat as dict under `windows`.

    It holds when, in every repeat, the controller approach lost every update between the reading of its component and
    the swap and none outside; State4 lost none before its last write and none after the swap, and below 1 % of all; and
    a run without a reconfiguration lost none (or the harness is wrong).
    """
    wrong = []
    if any(measured.get("no-reconfiguration", {}).get("lost_updates", ())):
        wrong.append("updates are missing without any reconfiguration")
    for window in measured["controller"]["windows"]:
        if window["total"] == 0:
            wrong.append("the controller approach lost nothing")
        if window["survived_between"]:
            wrong.append(
                f"controller: {window['survived_between']} of {window['between_read_and_swap']} updates between the "
                "reading and the swap were not lost"
            )
        if window["outside_read_and_swap"]:
            wrong.append(f"controller: {window['outside_read_and_swap']} updates were lost outside that window")
    for window in measured["state4"]["windows"]:
        if window["before_last_write"]:
            wrong.append(f"State4: {window['before_last_write']} updates were lost before the last write")
        if window["after_swap"]:
            wrong.append(f"State4: {window['after_swap']} updates were lost after the swap")
        if window["total"] >= _STATE4_LIMIT * window["updates"]:
            wrong.append(f"State4 lost {window['total']} of {window['updates']} updates")
    lost = {
        name: {"lost": numbers["lost_updates"], "updates": numbers["updates"]} for name, numbers in measured.items()
    }
    controller, state4 = measured["controller"]["lost_updates"], measured["state4"]["lost_updates"]
    why = "; ".join(wrong) or (
        f"the controller approach lost just what was written between reading and swap ({_list(controller)} updates), "
        f"State4 at most what was written after its last write ({_list(state4)})"
    )
    return Claim("C4", PUBLISHED_FIG6, lost, "updates, by strategy and repeat", not wrong, why, fig6_findings(measured))


def fig6_findings(measured: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """The share of the updates that each strategy lost."""
    published = {"state4": "< 1 %", "controller": "all from reading to swap"}
    return tuple(
        Finding(
            f"{strategy}: updates lost",
            published.get(strategy, ""),
            spread([100 * lost / made for lost, made in zip(numbers["lost_updates"], numbers["updates"], strict=True)]),
            "%",
        )
        for strategy, numbers in measured.items()
        if all(numbers["updates"])
    )


# -- C6: overhead ------------------------------------------------------------------------------------------------------

PUBLISHED_MEMORY = "negligible memory overhead, independent of the amount of state"
_NEGLIGIBLE = 0.001  # of the paper's program's own state
_HEADER_GROWTH_BITS = 32  # an index and a component number take more bits for more state: by the logarithm, in bytes


def judge_memory(measured: Mapping[str, Mapping[str, Any]]) -> Claim:
    """C6 as far as memory goes, from what instrumentation added to each program.

    It holds when as many register bits are added to every program, whatever its state, and below 0.1 % of the
    state of the paper's program (chained.p4); and the clone's header grows by no more than 32 bits from the smallest to
    the largest state.
    """
    wrong = []
    sizes = [numbers for numbers in measured.values() if numbers["series"] == "cells"]
    bits = sorted({numbers["added_register_bits"] for numbers in measured.values()})
    if len(bits) != 1:
        wrong.append(f"between {bits[0]} and {bits[-1]} register bits are added")
    headers = [numbers["header_bits"] for numbers in sizes]
    growth = max(headers) - min(headers)
    if growth > _HEADER_GROWTH_BITS:
        wrong.append(f"the clone's header grows by {growth} bits with the state")
    paper = next(numbers for name, numbers in measured.items() if name.endswith("-chained"))
    share = paper["added_register_bits"] / paper["state_bits"]
    if share >= _NEGLIGIBLE:
        wrong.append(f"{share:.2%} of the paper's program's state is added")
    factor = max(n["state_bits"] for n in sizes) / min(n["state_bits"] for n in sizes)
    why = "; ".join(wrong) or (
        f"{bits[0]} register bits are added to every program ({share:.4%} of chained.p4's state); "
        f"for {factor:,.0f} times the state the clone's header has {growth} bits more"
    )
    values = {"added_register_bits": bits, "share_of_chained": share, "header_bits": headers}
    costs = tuple(
        Finding.of(f"time per packet of chained.p4, {variant}", "", cost, "% more")
        for variant, cost in paper.get("cost_percent", {}).items()
    )
    findings = (
        Finding("register bits added to chained.p4", "negligible", spread([paper["added_register_bits"]]), "bits"),
        Finding("the same as a share of its state", "negligible", spread([100 * share]), "%"),
        Finding(f"growth of a clone's header with {factor:,.0f} times the state", "none", spread([growth]), "bits"),
        *costs,
    )
    return Claim("C6 memory", PUBLISHED_MEMORY, values, "bits", not wrong, why, findings)


PUBLISHED_PACKETS = "State4 itself loses no packet"


def judge_packets(points: Iterable[Mapping[str, Any]]) -> Claim:
    """C6 as far as packets go, from State4's trials of every amount of state with both profiles.

    It holds when in none of them a packet was lost between the sender's wire and the receiver's, and none failed.
    """
    ours = [point for point in points if point["strategy"] == "state4"]
    lost = {_place(point): point["lost_packets"] for point in ours if point.get("lost_packets")}
    failed = {_place(point): point["failed"][0] for point in ours if point["failed"]}
    wrong = [f"{number} packets were lost with {place}" for place, number in lost.items()]
    wrong += [f"the reconfiguration failed with {place}: {message}" for place, message in failed.items()]
    largest = max((point["state_bytes"] for point in ours), default=0)
    why = "; ".join(wrong) or f"no packet was lost in {len(ours)} points up to {largest / 2**20:g} MB of state"
    counts = [point["lost_packets"] for point in ours if "lost_packets" in point]
    findings = (Finding("state4: packets lost, by amount of state", "0", spread(counts), "packets"),) if counts else ()
    return Claim("C6 packets", PUBLISHED_PACKETS, sum(lost.values()), "packets lost", not wrong, why, findings)


def _place(point: Mapping[str, Any]) -> str:
    return f"{point['state_bytes'] / 1024:g} KB in {point['components']} registers (profile {point['profile']})"


def _list(numbers: Any) -> str:
    return ", ".join(str(number) for number in numbers)
