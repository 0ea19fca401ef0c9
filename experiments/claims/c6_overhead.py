"""Claim C6 (conclusion): State4 adds next to no memory, and loses no packet. Published, thresholds, rules, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from experiments.claims.base import Claim, Finding, PublishedClaim
from experiments.claims.stats import spread

MEMORY = PublishedClaim(
    "C6 memory",
    "conclusion",
    "Memory that instrumentation adds",
    "Negligible, and independent of the amount of state.",
    "One clone of ours carries every register write of a packet, where the paper's carries the last one: the "
    "header grows with the writes of a packet, not with the state. Two counters of 32 bits number the clones, so "
    "that a lost one is noticed; four more are for packets that wait in a new program, on a switch that can't "
    "hold them.",
)

PACKETS = PublishedClaim(
    "C6 packets",
    "conclusion",
    "Packets that State4 loses",
    "State4 itself loses no packet.",
    "Looked at with more state than the paper's: up to 64 MB, with both control-plane profiles.",
)

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
