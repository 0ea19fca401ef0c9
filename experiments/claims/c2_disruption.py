"""Claim C2 (Figure 4): disruption by a reconfiguration. Published values, thresholds, rule, findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.claims.base import (
    CONTROL_TRIAL,
    Check,
    Claim,
    Finding,
    PublishedClaim,
    Verdict,
    decide,
    not_judged,
    reasons_of,
    undisturbed_control,
)
from experiments.claims.bounds import Quantity, at_most

PUBLISHED_TIME_S = 1.82
PUBLISHED_GAP_MS = 20.0
BETTER_GAP_MS = 10.0
"""A gap of half the published one, or less, is better than published."""
PUBLISHED_VALUES = {"reconfiguration_s": PUBLISHED_TIME_S, "gap_at_swap_ms": PUBLISHED_GAP_MS, "state_kept": True}

PUBLISHED = PublishedClaim(
    "C2",
    "Fig. 4",
    "Time and disruption of a reconfiguration",
    "236 KB and seven tables take about 1.82 s in all; the swap stops traffic for about 20 ms; all state is kept.",
    "Judged by the gap, the state and the packets. The time is not judged: profile `paper` paces register access so "
    "that it takes the published time of bmv2's control plane, so it is configured; the time that ours takes by itself "
    "stands beside it. softswitch swaps between two batches of packets, so its gap is shorter than bmv2's. bmv2 frees "
    "the old program's registers while no packet may pass, all 463,742 cells one by one.",
    drawn={name: PUBLISHED_VALUES[name] for name in ("reconfiguration_s", "gap_at_swap_ms")},
)


def judge_disruption(measured: Mapping[str, Mapping[str, Any]], unusable: Mapping[str, str] | None = None) -> Claim:
    """C2, from State4's gaps, state and packets over its repeats, and those of a run without a reconfiguration.

    It holds if all state was kept, no packet was lost, and the swap stopped traffic for no longer than published (10 to
    20 ms is as published, less is better). If the run without a reconfiguration has such a gap as well (`quiet_gap_ms`:
    of 200 ms, exceeded one time in twenty), or loses packets as well, the machine is to blame: not judged. `measured`
    is by strategy; `native` has State4 with an unpaced control plane.
    """
    ours = measured.get("state4")
    findings = disruption_findings(measured)
    if ours is None:
        return not_judged(PUBLISHED, reasons_of(unusable or {}, "state4"), findings=findings)
    if (claim := undisturbed_control(PUBLISHED, measured, unusable or {}, findings)) is not None:
        return claim
    control = measured.get(CONTROL_TRIAL, {})
    gap = Quantity.of("the longest gap at the swap", ours["gap_at_swap_ms"], "ms")
    checks = [
        _blamed(_with_bare_swap(at_most(gap, PUBLISHED_GAP_MS, better_below=BETTER_GAP_MS), measured), _noisy(control)),
        Check(Verdict.HOLDS, "all state was kept") if ours["state_kept"] else Check(Verdict.FAILS, "state was lost"),
        _blamed(_packets(ours["lost_packets"]), _losing(control)),
    ]
    reason = f"{gap.text(gap.spread.median)} without a packet at the swap, no state and no packet lost"
    values = {
        "gap_at_swap_ms": gap.spread.median,
        "state_kept": ours["state_kept"],
        "lost_packets": ours["lost_packets"],
    }
    paper = {name: PUBLISHED_VALUES[name] for name in ("gap_at_swap_ms", "state_kept")}
    return decide(PUBLISHED, checks, reason, paper=paper, measured=values, unit="ms", findings=findings)


def _packets(lost: int) -> Check:
    return Check(Verdict.FAILS, f"{lost} packets were lost") if lost else Check(Verdict.HOLDS, "no packet was lost")


def _blamed(check: Check, machine: str) -> Check:
    """A check that fails, although the machine does the same without State4, says nothing about State4."""
    if check.verdict is Verdict.HOLDS or not machine:
        return check
    return Check(Verdict.NOT_JUDGED, f"{check.why}, but {machine}")


def _noisy(control: Mapping[str, Any]) -> str:
    quiet = control.get("quiet_gap_ms")
    if quiet is None or quiet["median"] <= PUBLISHED_GAP_MS:
        return ""
    return f"there are gaps of {quiet['median']:.1f} ms without any reconfiguration"


def _losing(control: Mapping[str, Any]) -> str:
    lost = control.get("lost_packets", 0)
    return f"{lost} packets were lost without any reconfiguration" if lost else ""


def _with_bare_swap(check: Check, measured: Mapping[str, Mapping[str, Any]]) -> Check:
    bare = measured.get("none", {}).get("swap_ms")
    if check.verdict is Verdict.HOLDS or bare is None:
        return check
    why = f"{check.why} (the switch's own call to swap, with nothing preserved, takes {bare['median']:.1f} ms)"
    return Check(check.verdict, why)


def disruption_findings(measured: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Gap of State4, its time as configured and by itself, a bare swap, a run without a reconfiguration, look-ahead."""
    configured = measured.get("state4", {}).get("time_is_configured", True)
    time = f"state4: time of the reconfiguration{' (configured)' if configured else ''}"
    numbers = (
        ("state4", "gap_at_swap_ms", "state4: longest gap at the swap", "about 20 ms", "ms"),
        ("state4", "reconfiguration_s", time, "about 1.82 s", "s"),
        ("native", "reconfiguration_s", "state4: time of the reconfiguration, native control plane", "not given", "s"),
        ("none", "swap_ms", "no preservation: the switch's call to swap", "", "ms"),
        (CONTROL_TRIAL, "longest_gap_ms", "no reconfiguration: longest gap of the run", "", "ms"),
        ("state4", "saved_by_next", "state4: writes saved by look-ahead at the next message (paper)", "", "%"),
        ("state4", "saved_by_last", "state4: writes saved by look-ahead at all messages (ours)", "", "%"),
        ("state4", "control_cpu_s", "state4: CPU time of the control plane", "", "s"),
        ("state4", "control_rss_mb", "state4: memory of the control plane", "", "MB"),
    )
    return tuple(
        Finding.of(what, published, measured[strategy][name], unit)
        for strategy, name, what, published, unit in numbers
        if measured.get(strategy, {}).get(name) is not None
    )
