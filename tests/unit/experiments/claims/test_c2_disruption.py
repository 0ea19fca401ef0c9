"""Claim C2: gap, state and packets; the time is only shown."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.claims.base import Claim, Verdict
from experiments.claims.c2_disruption import judge_disruption
from experiments.claims.stats import spread


def state4(**changes: Any) -> dict[str, Any]:
    return {
        "reconfiguration_s": spread([1.82, 1.83]).as_dict(),
        "gap_at_swap_ms": spread([14.0, 15.0, 16.0]).as_dict(),
        "lost_packets": 0,
        "state_kept": True,
        "time_is_configured": True,
        **changes,
    }


def judged(control: dict[str, Any] | None = None, **changes: Any) -> Claim:
    measured = {"state4": state4(**changes)}
    return judge_disruption({**measured, **({"no-reconfiguration": control} if control else {})})


@pytest.mark.parametrize(
    ("gaps", "verdict", "better"),
    [
        ([14.0, 15.0, 16.0], Verdict.HOLDS, False),
        ([19.0, 19.9, 20.0], Verdict.HOLDS, False),  # the published gap itself
        ([20.1, 20.2, 20.3], Verdict.FAILS, False),
        ([20.9, 20.9, 20.9], Verdict.FAILS, False),  # there is no slack above it
        ([18.0, 19.0, 21.0], Verdict.NOT_JUDGED, False),  # the median is below, the interval is not
        ([1.0, 1.2, 3.0], Verdict.HOLDS, True),
        ([9.0, 9.5, 10.0], Verdict.HOLDS, False),
        ([12.0], Verdict.HOLDS, False),  # one run: known to a quarter
        ([17.0], Verdict.NOT_JUDGED, False),
        ([30.0], Verdict.FAILS, False),
    ],
)
def test_the_gap(gaps: list[float], verdict: Verdict, better: bool) -> None:
    claim = judged(gap_at_swap_ms=spread(gaps).as_dict())
    assert claim.verdict is verdict, claim.why
    assert bool(claim.better) == better


@pytest.mark.parametrize("seconds", [0.05, 1.82, 60.0])
def test_the_time_is_configured_and_decides_nothing(seconds: float) -> None:
    claim = judged(reconfiguration_s=spread([seconds]).as_dict())
    assert claim.holds
    assert "state4: time of the reconfiguration (configured)" in {finding.what for finding in claim.findings}


def test_an_unpaced_time_is_no_configured_one() -> None:
    claim = judge_disruption({"state4": state4(time_is_configured=False), "native": state4()})
    named = {finding.what for finding in claim.findings}
    assert "state4: time of the reconfiguration" in named
    assert "state4: time of the reconfiguration, native control plane" in named


@pytest.mark.parametrize(
    ("change", "why"), [({"lost_packets": 1}, "1 packets were lost"), ({"state_kept": False}, "state was lost")]
)
def test_what_is_lost_breaks_it(change: dict[str, Any], why: str) -> None:
    claim = judged(**change)
    assert claim.verdict is Verdict.FAILS and why in claim.why


def test_what_the_machine_does_by_itself_is_not_state4s() -> None:
    long = spread([40.0, 41.0, 42.0]).as_dict()
    noisy = {"quiet_gap_ms": spread([25.0]).as_dict(), "lost_packets": 0}
    calm = {"quiet_gap_ms": spread([20.0]).as_dict(), "lost_packets": 0}
    assert judged(noisy, gap_at_swap_ms=long).verdict is Verdict.NOT_JUDGED
    assert judged(calm, gap_at_swap_ms=long).verdict is Verdict.FAILS
    assert judged(noisy).holds  # a short gap is a short gap
    assert judged({**calm, "lost_packets": 3}, lost_packets=2).verdict is Verdict.NOT_JUDGED
    assert judged({**noisy}, lost_packets=2).verdict is Verdict.FAILS  # a gap is no excuse for a loss


def test_what_a_swap_alone_takes_is_reported() -> None:
    gap = spread([64.0, 64.0]).as_dict()
    claim = judge_disruption({"state4": state4(gap_at_swap_ms=gap), "none": {"swap_ms": spread([30.3]).as_dict()}})
    assert claim.verdict is Verdict.FAILS
    assert (
        "is 64 ms, more than 20 ms (the switch's own call to swap, with nothing preserved, takes 30.3 ms)" in claim.why
    )


def test_without_a_usable_trial_there_is_no_statement() -> None:
    claim = judge_disruption({"none": state4()}, {"state4-1": "the senders paused"})
    assert claim.verdict is Verdict.NOT_JUDGED and claim.covered and "the senders paused" in claim.why
    claim = judge_disruption({"state4": state4()}, {"no-reconfiguration-1": "2 packets were lost"})
    assert claim.verdict is Verdict.NOT_JUDGED and "itself disturbed" in claim.why


def test_what_was_not_measured_has_no_row() -> None:
    assert len(judged().findings) == 2
    more = judged(saved_by_next=spread([10.0]).as_dict(), saved_by_last=spread([60.0]).as_dict(), control_cpu_s=None)
    assert [f.spread.median for f in more.findings if "look-ahead" in f.what] == [10.0, 60.0]
    assert not [f for f in more.findings if "CPU" in f.what]
