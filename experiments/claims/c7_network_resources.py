"""Claim C7 (abstract, introduction): State4 uses no resource of the network. Published, rule, findings."""

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

PUBLISHED = PublishedClaim(
    "C7",
    "abstract",
    "What a reconfiguration takes of the network",
    "State4 uses no link of the network and no neighbouring switch, and no traffic is re-routed: its controller is on "
    "the switch's own CPU port. Swing State carries every cloned update over the network to another switch.",
    "The paper does not measure this. Here the kernel's counters of every host's interface say what was on the links "
    "beside the flow itself. There is one switch, so Swing State's clones go to the CPU port as well; their number and "
    "bytes are what it would put on a link.",
)
PUBLISHED_VALUES = {"state4": "nothing", "swing_state": "every cloned update"}


def judge_network_resources(
    measured: Mapping[str, Mapping[str, Any]], unusable: Mapping[str, str] | None = None
) -> Claim:
    """C7, from the frames on all links other than the flow's, for each repeat of State4 and of a run without a change.

    It holds when State4 puts no frame on a link in any repeat. Frames that the run without a reconfiguration shows as
    well are the machine's: not judged.
    """
    findings = network_findings(measured)
    strays = measured.get("state4", {}).get("stray_frames", [])
    if not strays:
        return not_judged(PUBLISHED, reasons_of(unusable or {}, "state4"), findings=findings)
    if (claim := undisturbed_control(PUBLISHED, measured, unusable or {}, findings)) is not None:
        return claim
    alone = sum(measured.get(CONTROL_TRIAL, {}).get("stray_frames", []))
    checks = []
    if any(strays):
        why = f"{sum(strays)} frames beside the flow were on the links"
        checks.append(
            Check(Verdict.NOT_JUDGED, f"{why}, and {alone} without any reconfiguration")
            if alone
            else Check(Verdict.FAILS, why)
        )
    reason = "no frame but those of the flow was on any link of the network"
    values = {name: numbers["stray_frames"] for name, numbers in measured.items() if "stray_frames" in numbers}
    return decide(PUBLISHED, checks, reason, paper=PUBLISHED_VALUES, measured=values, unit="frames", findings=findings)


def network_findings(measured: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Frames on the links other than the flow's, and the clones that Swing State would send over one."""
    published = {"state4": "0"}
    found = [
        Finding(
            f"{strategy}: frames on links beside the flow",
            published.get(strategy, ""),
            spread(numbers["stray_frames"]),
            "frames",
        )
        for strategy, numbers in measured.items()
        if numbers.get("stray_frames") and strategy in ("state4", "swing_state")
    ]
    swing = measured.get("swing_state", {}).get("clones")
    if swing:
        found.append(Finding("swing_state: clones that it would send over a link", "all", spread(swing), "clones"))
    return tuple(found)
