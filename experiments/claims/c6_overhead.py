"""Claim C6 (conclusion): State4 adds next to no memory, and loses no packet. Published, thresholds, rules, findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.claims.base import Check, Claim, Finding, PublishedClaim, Verdict, decide, not_asked, not_judged
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
    "Looked at with more state than the paper's, up to 64 MB, with both control-plane profiles, and against the rate "
    "of the traffic. At a rate near the highest that the switch can do, cloning takes capacity from forwarding, and "
    "packets are lost to it: that is `C5 cost` (Figure 7), in the paper as here.",
)

PUBLISHED_MEMORY = "negligible memory overhead, independent of the amount of state"
NEGLIGIBLE = 0.001
"""Limit as a share of the state of the paper's program."""
HEADER_GROWTH_BITS = 32
"""Indices and component numbers take more bits for more state: logarithmically, in whole bytes."""


def judge_memory(measured: Mapping[str, Mapping[str, Any]]) -> Claim:
    """C6 as far as memory goes, from what instrumentation added to each program.

    It holds when as many register bits are added to every program, whatever its state, and below 0.1 % of the
    state of the paper's program (chained.p4); and the clone's header grows by no more than 32 bits from the smallest to
    the largest state.
    """
    sizes = [numbers for numbers in measured.values() if numbers["series"] == "cells"]
    paper = next((numbers for name, numbers in measured.items() if name.endswith("-chained")), None)
    if len(sizes) < 2 or paper is None:
        return not_judged(MEMORY, "programs of several sizes and the paper's own were not all instrumented")
    bits = sorted({numbers["added_register_bits"] for numbers in measured.values()})
    headers = [numbers["header_bits"] for numbers in sizes]
    growth = max(headers) - min(headers)
    share = paper["added_register_bits"] / paper["state_bits"]
    wrong = []
    if len(bits) != 1:
        wrong.append(f"between {bits[0]} and {bits[-1]} register bits are added")
    if growth > HEADER_GROWTH_BITS:
        wrong.append(f"the clone's header grows by {growth} bits with the state")
    if share >= NEGLIGIBLE:
        wrong.append(f"{share:.2%} of the paper's program's state is added")
    factor = max(n["state_bits"] for n in sizes) / min(n["state_bits"] for n in sizes)
    reason = (
        f"{bits[0]} register bits are added to every program ({share:.4%} of chained.p4's state); "
        f"for {factor:,.0f} times the state the clone's header has {growth} bits more"
    )
    values = {"added_register_bits": bits, "share_of_chained": share, "header_bits": headers}
    costs = [
        Finding.of(f"time per packet of chained.p4, {variant}", "", cost, "% more")
        for variant, cost in paper.get("cost_percent", {}).items()
    ]
    findings = (
        Finding("register bits added to chained.p4", "negligible", spread([paper["added_register_bits"]]), "bits"),
        Finding("the same as a share of its state", "negligible", spread([100 * share]), "%"),
        Finding(f"growth of a clone's header with {factor:,.0f} times the state", "none", spread([growth]), "bits"),
        *costs,
    )
    checks = [Check(Verdict.FAILS, text) for text in wrong]
    return decide(MEMORY, checks, reason, paper=PUBLISHED_MEMORY, measured=values, unit="bits", findings=findings)


PUBLISHED_PACKETS = "State4 itself loses no packet"
PUBLISHED_RATE_MBIT = 120.0
"""The highest rate of the paper's experiments with a flow below the switch's capacity: up to it, no loss is allowed."""

PUBLISHED_PROFILE = "paper"
PUBLISHED_STATE_BYTES = 236_000


def judge_packets(
    points: Iterable[Mapping[str, Any]], load: Sequence[Mapping[str, Any]], asked: Iterable[str] = ("state4",)
) -> Claim:
    """C6 as far as packets go, from State4's trials of every amount of state (`points`) and of every rate (`load`).

    It holds when in none of them up to 120 Mbit/s a packet was lost between the sender's wire and the receiver's, and
    that is known of each. Where the same flow alone loses packets, or it is unknown whether it does, the machine may
    have lost them: not judged. Rates above are shown: from where on packets are lost is a matter of capacity (`C5
    cost`). Each of both has `lost_packets` (the most of its repeats) and `packets_unknown` (why other repeats say
    nothing of it), each of `load` also `rate` and `lost_alone` (None: not measured). A run that was not asked for the
    published pace, or for as much state as the paper's, was not meant to judge it.
    """
    if "state4" not in asked:
        return not_asked(PACKETS, "state4 was left out")
    ours = [point for point in points if point["strategy"] == "state4"]
    if not ours:
        return not_judged(PACKETS, "no amount of state was measured")
    if PUBLISHED_PROFILE not in (point["profile"] for point in ours):
        return not_asked(PACKETS, f"the published pace (profile {PUBLISHED_PROFILE}) was left out")
    if max(point["state_bytes"] for point in ours) < PUBLISHED_STATE_BYTES:
        return not_asked(PACKETS, f"less state than the paper's {PUBLISHED_STATE_BYTES / 1000:g} KB was asked for")
    alone = {one["rate"]: one["lost_alone"] for one in load}
    checks = [check for point in ours for check in _point(point, alone.get(point["rate"]))]
    checks += [check for one in load if one["rate"] <= PUBLISHED_RATE_MBIT for check in _rate(one)]
    if not any(_covers(one) for one in load):
        checks.append(Check(Verdict.NOT_JUDGED, f"no flow of {PUBLISHED_RATE_MBIT:g} Mbit/s was measured"))
    counts = [point["lost_packets"] for point in ours if point.get("lost_packets") is not None]
    largest = max(point["state_bytes"] for point in ours)
    whole = [one["rate"] for one in load if one.get("lost_packets") == 0]
    findings = [Finding("state4: packets lost, by amount of state", "0", spread(counts), "packets")] if counts else []
    findings += [
        Finding(
            f"state4: packets lost at {one['rate']:g} Mbit/s",
            "0" if one["rate"] <= PUBLISHED_RATE_MBIT else "",
            spread([one["lost_packets"]]),
            "packets",
        )
        for one in load
        if one.get("lost_packets") is not None
    ]
    reason = f"no packet was lost in {len(counts)} points up to {largest / 2**20:g} MB of state"
    reason += f", and none at rates up to {max(whole):g} Mbit/s" if whole else ""
    return decide(
        PACKETS, checks, reason, paper=PUBLISHED_PACKETS, measured=sum(counts), unit="packets lost", findings=findings
    )


def _point(point: Mapping[str, Any], alone: int | None) -> Iterable[Check]:
    if point.get("lost_packets"):
        yield _lost(f"{point['lost_packets']} packets were lost with {_place(point)}", alone)
    for why in point["packets_unknown"][:1]:
        yield Check(Verdict.NOT_JUDGED, f"what was lost with {_place(point)} is unknown: {why}")


def _covers(one: Mapping[str, Any]) -> bool:
    """Whether a flow says what becomes of packets at the highest published rate: it has that rate, or a higher one at
    which none was lost."""
    if one["rate"] == PUBLISHED_RATE_MBIT:
        return one["lost_packets"] is not None
    return bool(one["rate"] > PUBLISHED_RATE_MBIT and one["lost_packets"] == 0)


def _rate(one: Mapping[str, Any]) -> Iterable[Check]:
    if one.get("lost_packets"):
        yield _lost(f"{one['lost_packets']} packets were lost at {one['rate']:g} Mbit/s", one["lost_alone"])
    for why in one["packets_unknown"][:1]:
        yield Check(Verdict.NOT_JUDGED, f"what was lost at {one['rate']:g} Mbit/s is unknown: {why}")


def _lost(why: str, alone: int | None) -> Check:
    if alone is None:
        return Check(Verdict.NOT_JUDGED, f"{why}, and nobody knows how many of the same flow alone")
    return (
        Check(Verdict.NOT_JUDGED, f"{why}, but {alone} of the same flow alone") if alone else Check(Verdict.FAILS, why)
    )


def _place(point: Mapping[str, Any]) -> str:
    return f"{point['state_bytes'] / 1024:g} KB in {point['components']} registers (profile {point['profile']})"
