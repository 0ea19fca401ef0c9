"""What `experiments.exact` reports about trials that lost something, and about those that did not."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pytest

from experiments.claims.base import Verdict
from experiments.exact import Schedule, lost_within, main, parse_rates, summarise, verdict_of_rows
from experiments.tables.exact import verdict


def trial(strategy: str = "state4_exact", rate: str = "10", **numbers: Any) -> dict[str, Any]:
    found = {
        "strategy": strategy,
        "rate": rate,
        "profile": "native",
        "mbit": 10.0,
        "sent_packets": 100,
        "lost_packets": 0,
        "lost_bytes": 0,
        "total_ms": 60.0,
        "held_ms": 0.002,
        "lost_meanwhile": 0,
    }
    return {**found, **numbers}


def rows(*trials: dict[str, Any]) -> list[dict[str, Any]]:
    return summarise({str(number): one for number, one in enumerate(trials)})


def test_repeats_are_added_up() -> None:
    (row,) = rows(trial(), trial(lost_packets=3, held_ms=0.001), trial(lost_bytes=-5, lost_packets=0))
    assert (row["runs"], row["packets"], row["lost_packets"], row["lost_bytes"]) == (3, 300, 3, 5)
    assert row["runs_with_loss"] == 2
    assert row["held_ms"] == [0.001, 0.002, 0.002]


@pytest.mark.parametrize("loss", [{"lost_packets": 1}, {"lost_bytes": 1514}, {"lost_bytes": -1514}])
def test_any_loss_fails(loss: dict[str, int]) -> None:
    """Bytes that were counted twice are as wrong as bytes that were not counted."""
    found = rows(trial(), trial(rate="60", **loss), trial("no-reconfiguration", "60"))
    assert verdict_of_rows(found, {}) is Verdict.FAILS
    assert verdict(found, {}) == "Lost: state4_exact at 60 (native)."


def test_what_a_flow_loses_that_was_left_alone() -> None:
    found = rows(trial(), trial("no-reconfiguration", lost_packets=2))
    assert verdict_of_rows(found, {}) is Verdict.NOT_JUDGED
    assert verdict(found, {}).endswith("so the machine did.")
    also = rows(trial(rate="60", lost_packets=1), trial("no-reconfiguration", lost_packets=2))
    assert verdict_of_rows(also, {}) is Verdict.NOT_JUDGED  # of that rate nobody knows
    known = rows(trial(rate="60", lost_packets=1), trial("no-reconfiguration", "60"), trial("no-reconfiguration"))
    assert verdict_of_rows(known, {}) is Verdict.FAILS


def test_verdict_of_rows() -> None:
    found = rows(trial(), trial("reconcile"), trial("no-reconfiguration"))
    assert verdict_of_rows(found, {}) is Verdict.HOLDS
    assert verdict(found, {}) == "Nothing was lost."


def test_trials_that_do_not_count_leave_it_open() -> None:
    found = rows(trial())
    assert verdict_of_rows(found, {"state4_exact-10-2": "no core"}) is Verdict.NOT_JUDGED
    assert "1 trials do not count: no core." in verdict(found, {"state4_exact-10-2": "no core"})
    assert verdict_of_rows([], {}) is Verdict.NOT_JUDGED


def test_what_the_switch_does_not_tell_has_no_times() -> None:
    (row,) = rows(trial(), trial(held_ms=None))
    assert "held_ms" not in row and row["total_ms"] == [60.0, 60.0]


def test_what_is_lost_during_the_reconfiguration() -> None:
    """Packet k is due after k ms; 100 to 109, 500 and 990 are lost."""
    arrived = np.array([k for k in range(1000) if k not in (*range(100, 110), 500, 990)])
    assert lost_within(1000, arrived, 1_000_000, 0.13, 0.9) == 1
    assert lost_within(1000, arrived, 1_000_000, 0.125, 0.9) == 6  # the margin is 20 ms
    assert lost_within(1000, arrived, 1_000_000, 0.0, 1.0) == 12


def test_rates() -> None:
    assert parse_rates("10, 60.5,highest") == ("10", "60.5", "highest")
    for wrong in ("", "fast", "10,-1", "0"):
        with pytest.raises(argparse.ArgumentTypeError):
            parse_rates(wrong)


def test_a_trial_is_long_enough_for_its_profile() -> None:
    schedule = Schedule(("native", "paper"), ("10",), None, 1.0, 1.0, 1000.0, 0.9)
    assert schedule.seconds("native", "10") < schedule.seconds("paper", "10") < schedule.seconds("paper", "highest")


@pytest.mark.parametrize(
    "arguments", [["--rates", "fast"], ["--duration", "0.1"], ["--share", "120"], ["--strategy", "x"]]
)
def test_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err
