"""Claim C4: where updates are lost."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.claims.base import Claim, Verdict
from experiments.claims.c4_loss_windows import Lost, judge_loss_windows

CONTROLLER = Lost(900, 9000, 880, 0, 0, 0, 0, 0, 0, 0, 1000)
STATE4 = Lost(9, 9000, 8, 5, 0, 0, 9, 0, 0, 0, 1000)


def measured(**changes: Any) -> dict[str, Any]:
    """`state4_taken_and_lost=1` changes a number of the second repeat."""
    found: dict[str, Any] = {}
    for name, lost in (("controller", CONTROLLER), ("state4", STATE4)):
        own = {key.removeprefix(f"{name}_"): v for key, v in changes.items() if key.startswith(f"{name}_")}
        windows = [vars(lost), {**vars(lost), **own}]
        found[name] = {
            "updates": [window["updates"] for window in windows],
            "lost_updates": [window["total"] for window in windows],
            "windows": windows,
        }
    return found


def judged(unusable: dict[str, str] | None = None, **changes: Any) -> Claim:
    return judge_loss_windows(measured(**changes), unusable)


def test_the_published_windows_hold() -> None:
    claim = judged()
    assert claim.verdict is Verdict.HOLDS, claim.why
    assert "(900, 900 updates)" in claim.why and "(9, 9)" in claim.why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"controller_survived_between": 1}, "1 of 880 updates between the reading and the swap were not lost"),
        ({"controller_outside_read_and_swap": 1}, "1 updates were lost outside that window"),
        ({"state4_taken_and_lost": 1}, "1 updates were lost although it had taken their clones"),
        ({"state4_unread": 1}, "1 updates were lost that were made before the switch cloned"),
        ({"state4_after_swap": 1}, "1 updates were lost after the swap"),
    ],
)
def test_one_update_in_the_wrong_place_breaks_it(change: dict[str, int], why: str) -> None:
    claim = judged(**change)
    assert claim.verdict is Verdict.FAILS and why in claim.why


@pytest.mark.parametrize("late", [1, 60, 80])
def test_updates_whose_clones_came_late_are_the_published_loss(late: int) -> None:
    assert judged(state4_total=late, state4_late=late).holds


@pytest.mark.parametrize(
    ("total", "verdict"), [(89, Verdict.HOLDS), (90, Verdict.NOT_JUDGED), (9000, Verdict.NOT_JUDGED)]
)
def test_below_one_percent_in_all_that_is_known(total: int, verdict: Verdict) -> None:
    assert judged(state4_total=total, state4_late=total).verdict is verdict


def test_above_one_percent_in_every_repeat_fails() -> None:
    found = measured()
    found["state4"]["lost_updates"] = [90, 91]
    assert judge_loss_windows(found).verdict is Verdict.FAILS


def test_an_overrun_cpu_port_says_nothing_of_state4() -> None:
    claim = judged(state4_uncloned=2)
    assert claim.verdict is Verdict.NOT_JUDGED and "overrun" in claim.why


def test_no_update_in_the_window_shows_nothing() -> None:
    assert judged(controller_between_read_and_swap=0).verdict is Verdict.NOT_JUDGED


@pytest.mark.parametrize("name", ["controller", "state4"])
def test_a_strategy_without_usable_trials_leaves_it_open(name: str) -> None:
    found = measured()
    del found[name]
    claim = judge_loss_windows(found, {f"{name}-1": "no core"})
    assert (claim.verdict, claim.why) == (Verdict.NOT_JUDGED, f"{name}-1: no core")


def test_a_disturbed_control_run_leaves_it_open() -> None:
    assert judged({"no-reconfiguration-1": "updates were lost"}).verdict is Verdict.NOT_JUDGED


def test_findings_are_shares() -> None:
    shown = {finding.what: finding for finding in judged().findings}
    assert shown["state4: updates lost"].spread.median == pytest.approx(0.1)
    assert shown["controller: updates lost"].published == "all from reading to swap"
