"""Figure 7's pure parts: sections of a trial, bins, the verdict."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pytest

from experiments.cloning_cost import BIN_S, bin_counts, cloning_strategies, lead, parse_loads, parts
from experiments.measure.full_load import summarise_searches

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


def test_how_far_searches_agree() -> None:
    searches = {str(n): search(rate, [100_000], [60_000]) for n, rate in enumerate((50_000, 60_000, 20_000))}
    assert summarise_searches(searches)["agreement"] == pytest.approx(50 / 60)
    assert summarise_searches({"0": searches["0"]})["agreement"] is None


def test_what_a_switch_does_not_tell_is_no_number() -> None:
    known = {**search(50_000, [1.0], [1.0]), "flood_waited": 0.1}
    unknown = {**search(50_000, [1.0], [1.0]), "flood_waited": None}
    assert summarise_searches({"1": unknown, "2": unknown})["waited"] is None
    assert summarise_searches({"1": known, "2": unknown})["waited"] == 0.1
    worse = {**known, "flood_waited": 0.3}
    assert summarise_searches({"1": known, "2": worse})["waited"] == 0.3
