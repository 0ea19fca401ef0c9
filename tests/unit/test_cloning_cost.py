"""Figure 7's pure parts: parts of a trial, bins, the verdict."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pytest

from experiments.claims_more import judge_cloning
from experiments.cloning_cost import BIN_S, bin_counts, cloning_strategies, parse_loads, parts
from experiments.stats import spread

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


def measured(**changes: float) -> dict[str, Any]:
    """`state4_100_during=0.9` and the like change the shares that are kept."""
    kept = {
        "state4_100_before": 1.0,
        "state4_100_during": 0.6,
        "state4_100_whole": 0.9,
        "state4_50_during": 1.0,
        "state4_50_whole": 1.0,
        "swing_state_100_before": 0.6,
        "swing_state_100_whole": 0.6,
        "swing_state_50_before": 1.0,
        "swing_state_50_whole": 1.0,
        **changes,
    }
    strategies: dict[str, Any] = {}
    for name, share in kept.items():
        strategy, load, part = name.rsplit("_", 2)
        numbers = strategies.setdefault(strategy, {}).setdefault(load, {"offered_mbit": {"median": 600.0}, "parts": {}})
        numbers["parts"][part] = {"mbit": spread([600.0 * share]).as_dict()}
    return {"steady": {"megabits_per_s": 600.0}, "strategies": strategies}


def test_the_published_outcome_holds() -> None:
    claim = judge_cloning(measured())
    assert claim.holds
    assert "60%" in claim.why
    findings = {finding.what: finding for finding in claim.findings}
    assert findings["swing_state: throughput kept at 100 %, whole trial"].spread.median == pytest.approx(60)
    assert findings["highest steady rate"].published == "600 Mbit/s"


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("state4_50_during", 0.9),
        ("state4_100_whole", 0.6),
        ("state4_100_before", 0.9),
        ("state4_100_during", 0.95),
        ("swing_state_100_before", 0.95),
    ],
)
def test_what_breaks_the_claim(name: str, share: float) -> None:
    assert not judge_cloning(measured(**{name: share})).holds
