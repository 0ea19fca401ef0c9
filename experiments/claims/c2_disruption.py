"""Claim C2 (Figure 4): time and disruption of a reconfiguration. Published values, thresholds, rule, findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.claims.base import Claim, Finding, PublishedClaim

PUBLISHED = PublishedClaim(
    "C2",
    "Fig. 4",
    "Time and disruption of a reconfiguration",
    "236 KB and seven tables take about 1.82 s in all; the swap stops traffic for about 20 ms; all state is kept.",
    "The published time is that of bmv2's control plane. Profile `paper` paces register access to it, profile "
    "`native` measures ours. softswitch swaps between two batches of packets, so its gap is shorter than bmv2's. "
    "bmv2 frees the old program's registers while no packet may pass, all 463,742 cells one by one.",
)

PUBLISHED_FIG4 = {"reconfiguration_s": 1.82, "gap_at_swap_ms": 20.0, "state_kept": True}
_TIME_TOLERANCE = 0.15  # of the published time, with the profile that is paced to it


def judge_fig4(measured: Mapping[str, Mapping[str, Any]], profile: str) -> Claim:
    """C2, from State4's spread of times and gaps.

    It holds when all state was kept, no packet was lost, the swap stopped traffic for no longer than published, and the
    reconfiguration took the published time within 15 % (profile `paper`) or less (`native`).
    """
    ours = measured["state4"]
    seconds, gap = ours["reconfiguration_s"]["median"], ours["gap_at_swap_ms"]["median"]
    published_s, published_ms = float(PUBLISHED_FIG4["reconfiguration_s"]), float(PUBLISHED_FIG4["gap_at_swap_ms"])
    wrong = []
    if not ours["state_kept"]:
        wrong.append("state was lost")
    if ours["lost_packets"]:
        wrong.append(f"{ours['lost_packets']} packets were lost")
    if gap > published_ms:
        bare = measured.get("none", {}).get("swap_ms")
        why = f" (the switch's own call to swap, with nothing preserved, takes {bare['median']:.1f} ms)" if bare else ""
        wrong.append(f"the longest gap at the swap is {gap:.1f} ms{why}")
    if profile == "paper" and abs(seconds - published_s) > _TIME_TOLERANCE * published_s:
        wrong.append(f"the reconfiguration took {seconds:.2f} s, not about {published_s:.2f} s")
    if profile != "paper" and seconds > published_s:
        wrong.append(f"the reconfiguration took {seconds:.2f} s")
    why = (
        "; ".join(wrong)
        or f"{seconds:.2f} s in all, {gap:.1f} ms without a packet at the swap, no state and no packet lost"
    )
    values = {"reconfiguration_s": seconds, "gap_at_swap_ms": gap, "state_kept": ours["state_kept"]}
    return Claim("C2", PUBLISHED_FIG4, values, "s and ms", not wrong, why, fig4_findings(measured))


def fig4_findings(measured: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Time and longest gap of State4, and to compare with: a bare swap, and a run without a reconfiguration."""
    numbers = (
        ("state4", "reconfiguration_s", "state4: time of the reconfiguration", "about 1.82 s", "s"),
        ("state4", "gap_at_swap_ms", "state4: longest gap at the swap", "about 20 ms", "ms"),
        ("none", "swap_ms", "no preservation: the switch's call to swap", "", "ms"),
        ("no-reconfiguration", "longest_gap_ms", "no reconfiguration: longest gap of the run", "", "ms"),
    )
    return tuple(
        Finding.of(what, published, measured[strategy][name], unit)
        for strategy, name, what, published, unit in numbers
        if name in measured.get(strategy, {})
    )
