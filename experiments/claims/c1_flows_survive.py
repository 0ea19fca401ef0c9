"""Claim C1 (Figure 3): which flows survive a swap. Published fates, the rule, the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.claims.base import Check, Claim, Finding, PublishedClaim, Verdict, decide, not_judged, reasons_of
from experiments.claims.stats import spread

# What the paper shows in Figure 3: the fate of each flow's packets that were sent after the swap.
ALL, NOTHING = "all arrive", "none arrives"
PUBLISHED_FATES: dict[str, dict[str, str]] = {
    "none": {"open": NOTHING, "early1": NOTHING, "early2": NOTHING, "late": NOTHING},
    "controller": {"open": ALL, "early1": ALL, "early2": ALL, "late": NOTHING},
    "swing_state": {"open": ALL, "early1": NOTHING, "early2": NOTHING, "late": ALL},
    "state4": {"open": ALL, "early1": ALL, "early2": ALL, "late": ALL},
}

PUBLISHED = PublishedClaim(
    "C1",
    "Fig. 3",
    "Which flows survive a swap",
    "With State4 every flow goes on. The controller approach loses the flow that knocked late, Swing State those "
    "that knocked before it cloned; without preservation nothing arrives after the swap.",
    "The late knock falls into the reconfiguration by rule (after the control plane has read the knocking stages, "
    "or before the swap where nothing is read), not at a time on the clock, so that it means the same for each "
    "strategy.",
    drawn={name: {flow: fate == ALL for flow, fate in fates.items()} for name, fates in PUBLISHED_FATES.items()},
)


@dataclass(frozen=True)
class FlowCount:
    """Packets of one flow, split by when they were sent: before and after the swap.

    `permitted` are those sent when the firewall had been opened for the flow; packets sent too close to the knock or to
    the swap for their fate to be decided are in neither count.
    """

    permitted_before: int
    arrived_before: int
    permitted_after: int
    arrived_after: int
    wrongly_arrived: int

    @property
    def complete(self) -> bool:
        return self.arrived_before == self.permitted_before and self.arrived_after == self.permitted_after

    @property
    def silent_after(self) -> bool:
        return self.permitted_after > 0 and self.arrived_after == 0


Counts = Mapping[str, Mapping[str, FlowCount]]
"""One repeat: by strategy and flow."""


def judge_flows_survive(
    repeats: Sequence[Counts],
    unusable: Mapping[str, str] | None = None,
    knocks: Mapping[str, Sequence[KnockSeries]] | None = None,
) -> Claim:
    """C1, from the counts of each repeat. Strategies without a published outcome do not count.

    It holds if in every repeat every flow of every published strategy met its published fate, nothing was lost before
    the swap, and no packet got past the closed firewall. A repeat that shows nothing (a strategy has no usable trial in
    any repeat, or no packet was sent after the swap) leaves the claim open. `unusable`: the reasons of trials that do
    not count, by name. `knocks` by strategy: survival against the time of the knock, which is only shown.
    """
    missing = [name for name in PUBLISHED_FATES if not any(name in counts for counts in repeats)]
    findings = (*flow_findings(repeats), *knock_findings(knocks or {}))
    if missing:
        return not_judged(PUBLISHED, reasons_of(unusable or {}, *missing), findings=findings)
    checks = [check for counts in repeats for check in _checks(counts)]
    measured = [
        {name: {flow: fate_of(count) for flow, count in flows.items()} for name, flows in counts.items()}
        for counts in repeats
    ]
    wrong = next((m for m, counts in zip(measured, repeats, strict=True) if _checks(counts)), measured[0])
    return decide(
        PUBLISHED,
        checks,
        "every flow of every strategy met its published fate",
        paper=PUBLISHED_FATES,
        measured=wrong,
        unit="fate of the packets sent after the swap",
        findings=findings,
    )


def fate_of(count: FlowCount) -> str:
    return ALL if count.complete else NOTHING if count.silent_after else "some arrive"


def _checks(counts: Counts) -> list[Check]:
    """What is wrong or undecided in one repeat; empty if everything is as published."""
    found = []
    for strategy, flows in counts.items():
        for flow, count in flows.items():
            published = PUBLISHED_FATES.get(strategy, {}).get(flow)
            if published is None:
                continue
            place = f"{strategy}, flow {flow}"
            wrong = []
            if count.arrived_before != count.permitted_before:
                wrong.append(f"{count.arrived_before} of {count.permitted_before} arrived before the swap")
            if count.wrongly_arrived:
                wrong.append(f"{count.wrongly_arrived} packets passed the closed firewall")
            if count.permitted_after and fate_of(count) != published:
                after = f"{count.arrived_after} of {count.permitted_after} arrived after the swap"
                wrong.append(f"{after}, published: {published}")
            found += [Check(Verdict.FAILS, f"{place}: {text}") for text in wrong]
            if count.permitted_after == 0:
                found.append(
                    Check(Verdict.NOT_JUDGED, f"{place}: no packet was sent after the swap, so nothing is shown")
                )
    return found


def flow_findings(repeats: Sequence[Counts]) -> tuple[Finding, ...]:
    """How many flows lose nothing after the swap, by strategy, from the counts of each repeat."""
    found = []
    for strategy in dict.fromkeys(name for counts in repeats for name in counts):
        fates = PUBLISHED_FATES.get(strategy)
        published = "" if fates is None else f"{sum(fate == ALL for fate in fates.values())} of {len(fates)}"
        whole = [
            sum(count.complete and count.permitted_after > 0 for count in counts[strategy].values())
            for counts in repeats
            if strategy in counts
        ]
        found.append(Finding(f"{strategy}: flows that lose nothing", published, spread(whole), "flows"))
    return tuple(found)


@dataclass(frozen=True)
class KnockSeries:
    """Knocks of many sources throughout one reconfiguration, each sent once.

    before_swap_s: how long before the swap's begin a knock was complete, in s; survived: whether its source is let in
    after the swap. Of those that were complete before the reconfiguration began, and within it.
    """

    before_swap_s: tuple[float, ...]
    survived: tuple[bool, ...]
    window_s: float

    def share(self, begin: float, end: float) -> float | None:
        """Share of the knocks that survive, among those from `begin` to `end` seconds before the swap; None: no
        knocks."""
        inside = [kept for moment, kept in zip(self.before_swap_s, self.survived, strict=True) if end <= moment < begin]
        return sum(inside) / len(inside) if inside else None

    @property
    def last_survivor_s(self) -> float | None:
        """How long before the swap the last surviving knock was made."""
        kept = [moment for moment, kept in zip(self.before_swap_s, self.survived, strict=True) if kept]
        return min(kept) if kept else None


def knock_findings(series: Mapping[str, Sequence[KnockSeries]]) -> tuple[Finding, ...]:
    """By strategy: how many knocks during the reconfiguration survive, and when the last surviving one was made."""
    found = []
    for strategy, repeats in series.items():
        shares = [100 * share for one in repeats if (share := one.share(one.window_s, 0.0)) is not None]
        if shares:
            found.append(
                Finding(
                    f"{strategy}: knocks while reconfiguring that survive",
                    _SURVIVE.get(strategy, ""),
                    spread(shares),
                    "%",
                )
            )
        last = [1e3 * moment for one in repeats if (moment := one.last_survivor_s) is not None]
        if last:
            found.append(Finding(f"{strategy}: last knock that survives, before the swap", "", spread(last), "ms"))
    return tuple(found)


_SURVIVE = {"state4": "> 99 %", "none": "none"}
