"""Scaling's pure parts: the points, what is left out, the spread over repeats."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from experiments import scaling
from experiments.harness.options import CommonOptions
from experiments.scaling import (
    COUNTS,
    NUMBERS,
    SIZES,
    Point,
    left_out,
    paced_s,
    parse_counts,
    parse_sizes,
    points,
    summarise,
    summarise_load,
)
from experiments.tables.base import bytes_text


def test_points_go_from_1_kb_to_64_mb_and_to_64_registers() -> None:
    found = points(SIZES, COUNTS)
    assert len(found) == len(set(found)) == len(SIZES) + len(COUNTS) - 1  # 1 MB in one register is in both
    assert min(point.state_bytes for point in found) == 1024
    assert max(point.state_bytes for point in found) == 64 << 20
    assert {point.components for point in found} == set(COUNTS)
    assert all(point.program.state_bytes == point.state_bytes for point in found)


def test_what_takes_too_long_at_the_published_pace_is_named() -> None:
    small, large = Point(1, 128), Point(1, (64 << 20) // 8)
    assert paced_s(large, "native") == 0
    assert paced_s(large, "paper") == pytest.approx(2 * large.cells / 522_000)
    assert left_out(("paper", "native"), [small, large], 60) == []
    huge = Point(2, 1 << 20)
    assert [item["reason"][:26] for item in left_out(("native",), [small, huge], 60, "bmv2")] == [
        "bmv2 keeps each cell in an"
    ]
    assert left_out(("native",), [huge], 60) == []
    [gone] = left_out(("paper", "native"), [small, large], 10)
    assert (gone["profile"], gone["state_bytes"]) == ("paper", 64 << 20)
    assert "32 s" in gone["reason"]


def test_sizes_and_counts_on_the_command_line() -> None:
    assert parse_sizes("1K,64M,512") == (1024, 64 << 20, 512)
    assert parse_counts("1,16") == (1, 16)
    for wrong in ("", "3K", "K", "1G", "2048M", "4"):
        with pytest.raises(argparse.ArgumentTypeError):
            parse_sizes(wrong)
    for wrong in ("", "0", "3", "128", "a"):
        with pytest.raises(argparse.ArgumentTypeError):
            parse_counts(wrong)


def test_sizes_in_words() -> None:
    assert [bytes_text(number) for number in (512, 1024, 1 << 20, 64 << 20)] == ["512 B", "1 KB", "1 MB", "64 MB"]


def trial(strategy: str, repeat: int, **numbers: Any) -> dict[str, Any]:
    common = {"profile": "native", "components": 1, "cells": 128, "state_bytes": 1024, "series": ["size"]}
    return {"strategy": strategy, "repeat": repeat, **common, **numbers}


def good(value: float, lost: int = 0) -> dict[str, Any]:
    return {**dict.fromkeys(NUMBERS, value), "lost_packets": lost}


def test_repeats_become_a_spread_and_failures_stay_words() -> None:
    [state4, other] = summarise(
        {
            "a": trial("state4", 1, **good(1.0)),
            "b": trial("state4", 2, **good(3.0, lost=2)),
            "c": trial("other", 1, failed="it broke"),
        }
    )
    assert state4["delta_loss"]["median"] == 2.0
    assert state4["lost_packets"] == 2
    assert other["failed"] == ["it broke"]
    assert "delta_loss" not in other


def test_a_number_that_the_switch_does_not_tell_is_left_out() -> None:
    [entry] = summarise({"a": trial("state4", 1, **{**good(1.0), "held_ms": None})})
    assert "held_ms" not in entry and entry["longest_gap_ms"]["median"] == 1.0


def test_a_disturbed_repeat_does_not_count() -> None:
    disturbed = {**good(9.0, lost=7), "invalid": ["no core"]}
    [entry] = summarise({"a": trial("state4", 1, **good(1.0)), "b": trial("state4", 2, **disturbed)})
    assert entry["delta_loss"]["count"] == 1 and entry["lost_packets"] == 0 and entry["failed"] == ["no core"]


def test_faster_flows_are_a_series_of_their_own() -> None:
    fast = {"series": ["load"], "rate": 120.0}
    trials = {
        "a": trial("state4", 1, **good(1.0)),
        "b": trial("state4", 1, **{**good(1.0, lost=2), **fast}),
        "c": trial("state4", 2, **{**good(1.0, lost=3), **fast}),
        "d": trial("no-reconfiguration", 1, **{**good(0.0, lost=1), **fast}),
        "e": {"strategy": "state4", "repeat": 1, "rate": 300.0, "failed": "failed: it broke"},
    }
    assert len(summarise({name: one for name, one in trials.items() if name != "e"})) == 1
    load = summarise_load(trials, (20.0, 120.0, 300.0))
    assert [one["lost_packets"] for one in load] == [None, 3, None]
    assert [one["lost_alone"] for one in load] == [None, 1, None]
    assert load[2]["packets_unknown"] == ["it broke"]


def test_a_busy_machine_saves_no_packet() -> None:
    """A disturbed repeat in which none was lost shows that none is; one that lost some shows nothing."""
    whole = {**good(9.0), "invalid": ["no core"], "covered": True}
    [entry] = summarise({"a": trial("state4", 1, **whole)})
    assert (entry["lost_packets"], entry["packets_unknown"], entry["failed"]) == (0, [], ["no core"])
    for changes in ({"lost_packets": 1}, {"covered": False}):
        [entry] = summarise({"a": trial("state4", 1, **{**whole, **changes})})
        assert (entry["lost_packets"], entry["packets_unknown"]) == (None, ["no core"])


def options_and_profiles(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[CommonOptions, scaling.Schedule, tuple[str, ...], list[Point]]:
    found: list[Any] = []
    monkeypatch.setattr(scaling, "run", lambda *parsed: found.append(parsed) or 0)
    assert scaling.main(arguments) == 0
    parsed: tuple[CommonOptions, scaling.Schedule, tuple[str, ...], list[Point]] = found[0]
    return parsed


@pytest.mark.parametrize("arguments", [[], ["--quick"]])
def test_both_profiles_and_the_published_state_are_measured(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim C6 covers the published pace and our own."""
    options, schedule, profiles, wanted = options_and_profiles(arguments, monkeypatch)
    names = {trial.name for trial in scaling.trials_of(options, schedule, profiles, wanted)}
    for profile in ("paper", "native"):
        assert f"state4-{profile}-components1-cells131072-1" in names
    assert {f"{name}-native-components1-cells131072-rate120-1" for name in ("state4", "no-reconfiguration")} <= names
    assert not any(name.startswith("no-reconfiguration-paper") for name in names)


def test_one_profile_is_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    options, schedule, profiles, wanted = options_and_profiles(["--control-plane", "native"], monkeypatch)
    trials = scaling.trials_of(options, schedule, profiles, wanted)
    assert profiles == ("native",) and {trial.parameters["profile"] for trial in trials} == {"native"}


def test_what_takes_long_at_its_pace_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    options, schedule, profiles, wanted = options_and_profiles(["--max-seconds", "60"], monkeypatch)
    trials = scaling.trials_of(options, schedule, profiles, wanted)
    largest = [trial for trial in trials if trial.parameters["cells"] == (64 << 20) // 8 and trial.strategy == "state4"]
    assert sorted((trial.parameters["profile"], trial.repeat) for trial in largest) == [
        ("native", 1),
        ("native", 2),
        ("paper", 1),
    ]


def test_without_state4_there_are_no_faster_flows(monkeypatch: pytest.MonkeyPatch) -> None:
    options, schedule, profiles, wanted = options_and_profiles(["--strategy", "controller"], monkeypatch)
    trials = scaling.trials_of(options, schedule, profiles, wanted)
    assert {trial.strategy for trial in trials} == {"controller"} and all("rate" not in t.parameters for t in trials)
