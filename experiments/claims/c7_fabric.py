"""Claim C7 in a fabric: what the change of one spine takes of links and neighbours. Published, rule, findings."""

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
from experiments.claims.stats import spread

STATE4 = ("state4", "state4_exact")
PATH_TIMEOUT_S = 1.0
"""HULA's own (nfs/include/hula_stage.p4): a way without a probe for so long is given up, and traffic is re-routed."""
PUBLISHED = PublishedClaim(
    "C7 fabric",
    "abstract",
    "What a change takes of a fabric",
    "State4 uses no link of the network and no neighbouring switch, and no traffic is re-routed; before it, traffic "
    "had to be re-routed, or Swing State sent state over the links.",
    "The paper does not measure this. Here one spine of a fabric is changed under traffic that HULA balances, and "
    "captures of all links between switches say what was on them. No traffic is re-routed as long as HULA never misses "
    "the changed spine's probes for its own time-out of 1 s.",
)
PUBLISHED_VALUES = {"state4": "nothing", "swing_links": "every update of state"}


def judge_fabric(measured: Mapping[str, Mapping[str, Any]], unusable: Mapping[str, str] | None = None) -> Claim:
    """From the frames on all links other than flows and probes, and the longest gap of the changed spine's probes.

    It holds when no repeat of State4 (and of state4_exact where that ran) puts a frame on a link, and no repeat has a
    gap of HULA's time-out. Frames that the run without a change shows as well are the machine's: not judged.
    """
    found = {name: measured[name] for name in STATE4 if measured.get(name, {}).get("runs")}
    findings = fabric_findings(measured)
    if "state4" not in found:
        return not_judged(PUBLISHED, reasons_of(unusable or {}, "state4"), findings=findings)
    usable = [name for name, numbers in measured.items() if numbers.get("runs")]
    if (claim := undisturbed_control(PUBLISHED, usable, unusable or {}, findings)) is not None:
        return claim
    control = measured.get(CONTROL_TRIAL, {})
    alone = sum(control.get("strays", {}).get("frames", ()))
    slow_alone = max(control.get("probe_gaps_s", ()), default=0.0) >= PATH_TIMEOUT_S
    checks = []
    for name, numbers in found.items():
        if frames := sum(numbers["strays"]["frames"]):
            why = f"{name} put {frames} frames on links"
            if alone:
                checks.append(Check(Verdict.NOT_JUDGED, f"{why}, and there were {alone} without any change"))
            else:
                checks.append(Check(Verdict.FAILS, why))
        if (gap := max(numbers["probe_gaps_s"], default=0.0)) >= PATH_TIMEOUT_S:
            why = f"{name} kept probes from the leaves for {gap:.2f} s, so HULA re-routed traffic"
            checks.append(
                Check(Verdict.NOT_JUDGED, f"{why}; it also did without any change")
                if slow_alone
                else Check(Verdict.FAILS, why)
            )
    reason = "no frame of a strategy was on any link between switches, and HULA never lost the changed spine's probes"
    values = {name: numbers["strays"]["frames"] for name, numbers in measured.items() if numbers.get("runs")}
    return decide(PUBLISHED, checks, reason, paper=PUBLISHED_VALUES, measured=values, unit="frames", findings=findings)


def fabric_findings(measured: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Of each strategy: its frames and bytes on links, those that neighbours had to take, and the changed path's share
    of the traffic while it was being changed."""
    found = []
    for name, numbers in measured.items():
        if not numbers.get("runs") or name == CONTROL_TRIAL:
            continue
        published = "0" if name in STATE4 else PUBLISHED_VALUES.get(name, "")
        strays = numbers["strays"]
        found.append(Finding(f"{name}: frames of its own on links", published, spread(strays["frames"]), "frames"))
        if any(strays["frames"]):
            found.append(Finding(f"{name}: bytes of its own on links", published, spread(strays["bytes"]), "bytes"))
            taken = spread(strays["neighbour_frames"])
            found.append(Finding(f"{name}: frames that neighbours had to take", published, taken, "frames"))
        if numbers.get("share_meanwhile") and numbers.get("share_before"):
            what = f"{name}: share of the traffic by the spine while it is changed"
            before = numbers["share_before"]["median"]
            found.append(Finding.of(what, f"{100 * before:.0f} before", numbers["share_meanwhile"], "%", factor=100.0))
    return tuple(found)
