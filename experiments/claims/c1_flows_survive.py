"""Claim C1 (Figure 3): which flows survive a swap. Published fates, the rule, the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.claims.base import Claim, Finding, PublishedClaim
from experiments.claims.stats import spread

PUBLISHED = PublishedClaim(
    "C1",
    "Fig. 3",
    "Which flows survive a swap",
    "With State4 every flow goes on. The controller approach loses the flow that knocked late, Swing State those "
    "that knocked before it cloned; without preservation nothing arrives after the swap.",
    "The late knock falls into the reconfiguration by rule (after the control plane has read the knocking stages, "
    "or before the swap where nothing is read), not at a time on the clock, so that it means the same for each "
    "strategy.",
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


# What the paper shows in Figure 3: the fate of each flow's packets that were sent after the swap.
ALL, NOTHING = "all arrive", "none arrives"
PUBLISHED_FIG3: dict[str, dict[str, str]] = {
    "none": {"open": NOTHING, "early1": NOTHING, "early2": NOTHING, "late": NOTHING},
    "controller": {"open": ALL, "early1": ALL, "early2": ALL, "late": NOTHING},
    "swing_state": {"open": ALL, "early1": NOTHING, "early2": NOTHING, "late": ALL},
    "state4": {"open": ALL, "early1": ALL, "early2": ALL, "late": ALL},
}


def judge_fig3(counts: Mapping[str, Mapping[str, FlowCount]]) -> Claim:
    """C1, from the counts by strategy and flow. Strategies without a published outcome do not count.

    It holds when every flow of every strategy met its published fate, nothing was lost before the swap, and no packet
    got past the closed firewall. A claim about four strategies can't hold on fewer.
    """
    wrong: list[str] = [f"{name} was not run" for name in PUBLISHED_FIG3 if name not in counts]
    measured: dict[str, dict[str, str]] = {}
    for strategy, flows in counts.items():
        measured[strategy] = {}
        for flow, count in flows.items():
            fate = ALL if count.complete else NOTHING if count.silent_after else "some arrive"
            measured[strategy][flow] = fate
            published = PUBLISHED_FIG3.get(strategy, {}).get(flow)
            if published is None:
                continue
            place = f"{strategy}, flow {flow}"
            if count.permitted_after == 0:
                wrong.append(f"{place}: no packet was sent after the swap, so nothing is shown")
            if count.arrived_before != count.permitted_before:
                wrong.append(f"{place}: {count.arrived_before} of {count.permitted_before} arrived before the swap")
            if count.wrongly_arrived:
                wrong.append(f"{place}: {count.wrongly_arrived} packets passed the closed firewall")
            if fate != published:
                got = f"{count.arrived_after} of {count.permitted_after} arrived after the swap"
                wrong.append(f"{place}: {got}, published: {published}")
    why = "; ".join(wrong) if wrong else "every flow of every strategy met its published fate"
    return Claim("C1", PUBLISHED_FIG3, measured, "fate of the packets sent after the swap", not wrong, why)


def fig3_findings(repeats: Sequence[Mapping[str, Mapping[str, FlowCount]]]) -> tuple[Finding, ...]:
    """How many flows lose nothing after the swap, by strategy, from the counts of each repeat."""
    found = []
    for strategy in dict.fromkeys(name for counts in repeats for name in counts):
        fates = PUBLISHED_FIG3.get(strategy)
        published = "" if fates is None else f"{sum(fate == ALL for fate in fates.values())} of {len(fates)}"
        whole = [
            sum(count.complete and count.permitted_after > 0 for count in counts[strategy].values())
            for counts in repeats
            if strategy in counts
        ]
        found.append(Finding(f"{strategy}: flows that lose nothing", published, spread(whole), "flows"))
    return tuple(found)
