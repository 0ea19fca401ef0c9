"""Claim C4 (Figure 6): where updates are lost. Published windows, threshold, rule, findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.claims.base import Claim, Finding, PublishedClaim
from experiments.claims.stats import spread

PUBLISHED = PublishedClaim(
    "C4",
    "Fig. 6",
    "Where updates are lost",
    "The controller approach loses what is written between the reading of a component and the swap; State4 only "
    "what is written between its last write and the swap, less than 1 %.",
    "The paper draws this as a sketch. Here it is measured: each packet writes a cell of its own, so the state "
    "itself says which updates are missing.",
)

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


def _list(numbers: Any) -> str:
    return ", ".join(str(number) for number in numbers)
