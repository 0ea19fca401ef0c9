"""Figure 7's pure parts: parts of a trial, bins, the verdict."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pytest

from experiments import cloning_cost
from experiments.claims.base import Claim
from experiments.claims.c5_cloning_cost import ABOVE, COST, HALF, judge_cloning
from experiments.claims.stats import spread
from experiments.cloning_cost import BIN_S, bin_counts, cloning_strategies, lead, parse_loads, parts
from experiments.harness.progress import display
from experiments.harness.sweep import Trial, TrialResult
from experiments.measure.full_load import summarise_searches
from experiments.traffic.armed import OwnLossError

SENT = np.arange(0, 10, 0.001)
FRAME_BITS = 1514 * 8


def test_parts_of_a_trial() -> None:
    arrived = np.flatnonzero((SENT < 3) | (SENT >= 5) | (np.arange(len(SENT)) % 2 == 0))
    found = parts(SENT, arrived, SENT[arrived] + 0.0001, (3.0, 5.0), 10.0)
    assert found["before"]["lost"] == found["after"]["lost"] == 0
    assert found["during"]["loss"] == pytest.approx(0.5)
    assert found["during"]["mbit"] == pytest.approx(500 * FRAME_BITS / 1e6, rel=0.01)
    assert found["whole"]["lost"] == 1000
    assert found["before"]["mbit"] == pytest.approx(1000 * FRAME_BITS / 1e6, rel=0.01)


def test_parts_without_a_window_or_after_it() -> None:
    everything = np.arange(len(SENT))
    assert parts(SENT, everything, SENT, (3.0, 3.0), 10.0).keys() == {"whole", "before", "after"}
    assert parts(SENT, everything, SENT, (3.0, 12.0), 10.0).keys() == {"whole", "before", "during"}


def test_bins_hold_every_packet() -> None:
    bins = bin_counts(SENT, SENT[SENT < 4], 10.0)
    assert len(bins) == round(10 / BIN_S)
    assert bins["sent"].sum() == len(SENT)
    assert bins["received"].sum() == 4000


def test_only_strategies_that_clone_take_part() -> None:
    names = cloning_strategies()
    assert {"state4", "swing_state"} <= set(names)
    assert not {"none", "controller", "reconcile"} & set(names)


def test_loads() -> None:
    assert parse_loads("100,75,75,50") == (100, 75, 50)
    for wrong in ("", "a", "0", "50,-1", "300"):
        with pytest.raises(argparse.ArgumentTypeError):
            parse_loads(wrong)


class FakeBench:
    dropped = 0

    def drop(self) -> None:
        self.dropped += 1


@pytest.mark.parametrize("failures", [0, 2, 3])
def test_a_receiver_that_was_too_slow_makes_the_trial_again(failures: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = failures
    result = TrialResult({"waited": 0.0}, {}, ())

    def trial(*_: object) -> TrialResult:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OwnLossError("lost packets of its own")
        return result

    monkeypatch.setattr(cloning_cost, "run_trial", trial)
    bench: Any = FakeBench()
    anything: Any = None
    with display(1.0, quiet=True) as show:
        arguments = (Trial("state4", 1, {"load": 100}), anything, anything, 1000.0, bench, show)
        if failures < 3:
            assert cloning_cost.run_valid_trial(*arguments) is result
        else:
            with pytest.raises(OwnLossError):
                cloning_cost.run_valid_trial(*arguments)
    assert bench.dropped == failures


def test_the_calmest_of_disturbed_trials_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(
        TrialResult({"waited": share, "number": number}, {}, ()) for number, share in enumerate((0.3, 0.1, 0.2))
    )
    monkeypatch.setattr(cloning_cost, "run_trial", lambda *_: next(made))
    anything: Any = None
    with display(1.0, quiet=True) as show:
        trial = Trial("state4", 1, {"load": 100})
        found = cloning_cost.run_valid_trial(trial, anything, anything, 1000.0, anything, show)
    assert found.measured["number"] == 1


def search(steady: float, plain: list[float], cloning: list[float], limited_by: str = "the switch") -> dict[str, Any]:
    return {
        "frames_per_s": steady,
        "limited_by": limited_by,
        "flood_per_s": plain,
        "flood_cloning_per_s": cloning,
    }


def test_full_load_is_the_highest_of_the_searches() -> None:
    searches = {
        "search-1": search(50_000, [100_000, 80_000], [60_000, 48_000]),
        "search-2": search(60_000, [40_000, 100_000], [28_000, 55_000], "the sender"),
        "search-3": search(20_000, [90_000], [54_000]),
    }
    found = summarise_searches(searches)
    assert found["frames_per_s"] == 60_000
    assert found["megabits_per_s"] == pytest.approx(60_000 * FRAME_BITS / 1e6)
    assert found["steady_mbit"]["median"] == pytest.approx(50_000 * FRAME_BITS / 1e6)
    assert (found["steady_mbit"]["minimum"], found["steady_mbit"]["count"]) == (pytest.approx(242.24), 3)
    assert found["cloning_keeps"]["median"] == pytest.approx(0.6)  # by pair: a slow moment is in both halves
    assert found["cloning_keeps"]["count"] == 5
    assert found["limited_by"] == "the sender and the switch"


def test_a_busy_machine_is_said() -> None:
    busy = measured()
    assert "the machine was busy" not in judge_cloning(busy)[2].why
    busy["steady"]["waited"] = 0.4
    assert "the data plane was without a core for 40% of a flood" in judge_cloning(busy)[2].why


def test_the_lead_is_taken_within_a_repeat() -> None:
    def trial(strategy: str, repeat: int, loss: float) -> dict[str, Any]:
        return {"strategy": strategy, "repeat": repeat, "load": 100, "parts": {"whole": {"loss": loss}}}

    members = [
        trial("state4", 1, 0.1),
        trial("swing_state", 1, 0.4),
        trial("state4", 2, 0.3),
        trial("swing_state", 2, 0.5),
    ]
    found = lead({str(number): member for number, member in enumerate([*members, trial("other", 1, 0.9)])})
    assert found.keys() == {"100"}
    assert (found["100"]["minimum"], found["100"]["maximum"]) == (pytest.approx(0.2), pytest.approx(0.3))


def measured(**changes: float) -> dict[str, Any]:
    """`state4_100_during=0.9` and the like change the shares that are kept; `flooded` what a flood keeps."""
    kept = {
        "state4_100_before": 1.0,
        "state4_100_during": 0.6,
        "state4_100_whole": 0.9,
        "state4_75_during": 0.9,
        "state4_75_whole": 0.98,
        "state4_50_during": 1.0,
        "state4_50_whole": 1.0,
        "swing_state_100_before": 0.6,
        "swing_state_100_whole": 0.6,
        "swing_state_75_before": 0.9,
        "swing_state_75_whole": 0.9,
        "swing_state_50_before": 1.0,
        "swing_state_50_whole": 1.0,
        "flooded": 0.55,
        **changes,
    }
    flooded = kept.pop("flooded")
    strategies: dict[str, Any] = {}
    for name, share in kept.items():
        strategy, load, part = name.rsplit("_", 2)
        parts_of = strategies.setdefault(strategy, {}).setdefault(load, {"parts": {}})["parts"]
        parts_of[part] = {"loss": spread([1 - share]).as_dict()}
    leads = {
        load: spread([kept[f"state4_{load}_whole"] - kept[f"swing_state_{load}_whole"]]).as_dict()
        for load in ("100", "75", "50")
    }
    steady = summarise_searches({"search-1": search(50_000, [80_000], [80_000 * flooded])})
    return {"steady": steady, "strategies": strategies, "lead": leads}


def verdicts(claims: list[Claim]) -> dict[str, bool]:
    return {claim.id: claim.holds for claim in claims}


def test_the_published_outcome_holds_in_all_its_parts() -> None:
    claims = judge_cloning(measured())
    assert verdicts(claims) == {HALF: True, ABOVE: True, COST: True}
    findings = {finding.what: finding for claim in claims for finding in claim.findings}
    assert findings["swing_state: packets kept at 100 %, whole trial"].spread.median == pytest.approx(60)
    assert findings["flooded: throughput kept when all is cloned"].spread.median == pytest.approx(55)
    assert findings["highest steady rate"].published == "600 Mbit/s"
    assert "keeps 55% of its throughput" in claims[2].why


@pytest.mark.parametrize(
    ("name", "share", "part"),
    [
        ("state4_50_during", 0.9, HALF),
        ("state4_100_whole", 0.6, ABOVE),
        ("state4_75_whole", 0.85, ABOVE),
        ("state4_100_before", 0.9, COST),
        ("state4_100_during", 0.99, COST),
        ("swing_state_100_before", 0.99, COST),
        ("flooded", 0.8, COST),
    ],
)
def test_what_breaks_one_part_of_the_claim_leaves_the_others(name: str, share: float, part: str) -> None:
    found = verdicts(judge_cloning(measured(**{name: share})))
    assert [wrong for wrong, holds in found.items() if not holds] == [part]
