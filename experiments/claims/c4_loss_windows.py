"""Claim C4 (Figure 6): where updates are lost. Published windows, threshold, rule, findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.claims.base import (
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
from experiments.claims.bounds import Quantity, below
from experiments.claims.stats import spread

PUBLISHED = PublishedClaim(
    "C4",
    "Fig. 6",
    "Where updates are lost",
    "The controller approach loses what is written between the reading of a component and the swap; State4 only "
    "what is written between its last write and the swap, less than 1 %.",
    "The paper draws this as a sketch. Here it is measured: each packet writes a cell of its own, so the state itself "
    "says which updates are missing, and each clone says which update it carries, so that what State4 had in its hands "
    "before its last write is known, whatever the machine was doing.",
)

PUBLISHED_WINDOWS = {
    "controller": "updates are lost from the reading of their component to the swap",
    "state4": "updates are lost only from the last write to the swap, below 1 %",
}
STATE4_LIMIT = 0.01
"""As a share of all updates of a run."""


@dataclass(frozen=True)
class Lost:
    """Updates of one run, by when their packets went through the switch and when their clones were taken.

    total, updates: lost and made in the whole run; window_updates: made during the reconfiguration.
    between_read_and_swap: after their component was read and before the swap; survived_between: of those, not lost.
    outside_read_and_swap: lost, but not between the begin of that reading and the end of the swap. taken_and_lost:
    lost, although the strategy had taken their clones for its writes. late: lost, and their clones had not arrived when
    the strategy took what there was. unread: lost, although made before the switch cloned. after_swap: lost, but made
    later than the swap. uncloned: made while the switch cloned, before the swap, and no clone of them arrived at all.
    """

    total: int
    updates: int
    between_read_and_swap: int
    survived_between: int
    outside_read_and_swap: int
    taken_and_lost: int
    late: int
    unread: int
    after_swap: int
    uncloned: int
    window_updates: int


def judge_loss_windows(measured: Mapping[str, Mapping[str, Any]], unusable: Mapping[str, str] | None = None) -> Claim:
    """C4, from `Lost` of each repeat as dict under `windows`.

    It holds if, in every repeat, the controller approach lost every update between the reading of its component and the
    swap and none outside; State4 lost none whose clone it had taken, none from before it cloned and none after the
    swap, and less than 1 % of all over the whole interval. Clones that never arrived mean that the CPU port was
    overrun: then State4 is not judged.
    """
    findings = window_findings(measured)
    missing = [name for name in PUBLISHED_WINDOWS if not measured.get(name, {}).get("windows")]
    if missing:
        return not_judged(PUBLISHED, reasons_of(unusable or {}, *missing), findings=findings)
    if (claim := undisturbed_control(PUBLISHED, measured, unusable or {}, findings)) is not None:
        return claim
    checks = [check for window in measured["controller"]["windows"] for check in _controller(window)]
    checks += [check for window in measured["state4"]["windows"] for check in _state4(window)]
    shares = _shares(measured["state4"])
    checks.append(below(Quantity("State4's share of lost updates", spread(shares), "%", 100), STATE4_LIMIT))
    lost = {
        name: {"lost": numbers["lost_updates"], "updates": numbers["updates"]} for name, numbers in measured.items()
    }
    controller, state4 = measured["controller"]["lost_updates"], measured["state4"]["lost_updates"]
    reason = (
        f"the controller approach lost just what was written between reading and swap ({_list(controller)} updates), "
        f"State4 only updates whose clones came after it had taken the last ones ({_list(state4)})"
    )
    unit = "updates, by strategy and repeat"
    return decide(PUBLISHED, checks, reason, paper=PUBLISHED_WINDOWS, measured=lost, unit=unit, findings=findings)


def _controller(window: Mapping[str, int]) -> list[Check]:
    wrong = []
    if window["between_read_and_swap"] == 0:
        return [Check(Verdict.NOT_JUDGED, "controller: no update was made between the reading and the swap")]
    if window["survived_between"]:
        wrong.append(
            f"{window['survived_between']} of {window['between_read_and_swap']} updates between the reading and the "
            "swap were not lost"
        )
    if window["outside_read_and_swap"]:
        wrong.append(f"{window['outside_read_and_swap']} updates were lost outside that window")
    return [Check(Verdict.FAILS, f"controller: {text}") for text in wrong]


def _state4(window: Mapping[str, int]) -> list[Check]:
    found = []
    if window["taken_and_lost"]:
        text = f"State4: {window['taken_and_lost']} updates were lost although it had taken their clones"
        found.append(Check(Verdict.FAILS, text))
    if window["unread"]:
        text = f"State4: {window['unread']} updates were lost that were made before the switch cloned"
        found.append(Check(Verdict.FAILS, text))
    if window["after_swap"]:
        found.append(Check(Verdict.FAILS, f"State4: {window['after_swap']} updates were lost after the swap"))
    if window["uncloned"]:
        text = f"State4: of {window['uncloned']} updates no clone arrived: the CPU port was overrun"
        found.append(Check(Verdict.NOT_JUDGED, text))
    return found


def _shares(numbers: Mapping[str, Any]) -> list[float]:
    return [lost / made for lost, made in zip(numbers["lost_updates"], numbers["updates"], strict=True)]


def window_findings(measured: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """The share of updates that each strategy lost."""
    published = {"state4": "< 1 %", "controller": "all from reading to swap"}
    return tuple(
        Finding(
            f"{strategy}: updates lost",
            published.get(strategy, ""),
            spread([100 * share for share in _shares(numbers)]),
            "%",
        )
        for strategy, numbers in measured.items()
        if numbers["updates"] and all(numbers["updates"])
    )


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)
