"""The pure parts of the experiments: counting a flow, comparing state, options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import delta_loss, fig3, fig4
from experiments.claims.base import Verdict
from experiments.claims.c1_flows_survive import FlowCount
from experiments.delta_loss import parse_rates
from experiments.fig3 import count_flow
from experiments.fig4 import compare_state
from experiments.harness.options import CommonOptions, common_options, common_parser
from experiments.harness.phases import Interval, Phases
from experiments.harness.results import ResultFolder
from experiments.harness.sweep import Sweep, Trial

SECONDS = np.arange(10.0)  # one packet per second, sent at 0, 1, ... 9 s


def test_an_open_flow_counts_all_but_what_was_sent_at_the_swap() -> None:
    count = count_flow(sent=SECONDS, arrived=np.arange(10), knock=None, swap=(4.99, 5.01))
    assert count == FlowCount(5, 5, 4, 4, 0)
    assert count.complete and not count.silent_after


def test_a_flow_that_is_cut_off_by_the_swap() -> None:
    count = count_flow(sent=SECONDS, arrived=np.arange(6), knock=None, swap=(5.5, 5.6))
    assert count == FlowCount(6, 6, 4, 0, 0)
    assert count.silent_after and not count.complete


def test_packets_before_the_knock_are_not_permitted() -> None:
    count = count_flow(sent=SECONDS, arrived=np.arange(3, 10), knock=(2.4, 2.5), swap=(5.5, 5.6))
    assert count == FlowCount(3, 3, 4, 4, 0)


def test_a_packet_through_the_closed_firewall_is_seen() -> None:
    count = count_flow(sent=SECONDS, arrived=np.arange(1, 10), knock=(2.4, 2.5), swap=(5.5, 5.6))
    assert count.wrongly_arrived == 2


def test_state_is_kept_or_not() -> None:
    before = {
        "Ingress.knocking.pk_reg": np.array([0, 3, 1], np.uint8),
        "Ingress.hula.flowlet_time": np.array([0, 700], np.uint64),
        "Ingress.hula.best_hop": np.array([0, 6], np.uint16),
        "Ingress.hula.gone": np.array([1], np.uint8),
    }
    after = {
        "Ingress.knocking.pk_reg": np.array([0, 3, 0], np.uint8),
        "Ingress.hula.flowlet_time": np.array([5, 701], np.uint64),
        "Ingress.hula.best_hop": np.array([0, 6], np.uint16),
    }
    kept = compare_state(before, after)
    assert kept == {"pk_reg": False, "flowlet_time": True, "best_hop": True, "gone": False}
    assert not compare_state({"x.flowlet_time": np.array([9])}, {"x.flowlet_time": np.array([8])})["flowlet_time"]


@pytest.mark.parametrize(
    ("text", "rates"),
    [("10:30:10", (10.0, 20.0, 30.0)), ("0.1:0.3:0.1", (0.1, 0.2, 0.3)), ("120", (120.0,)), ("5,7", (5, 7))],
)
def test_rates(text: str, rates: tuple[float, ...]) -> None:
    assert parse_rates(text) == pytest.approx(rates)


@pytest.mark.parametrize("text", ["", "10:5:1", "1:2", "a", "0", "-3", "1:2:0"])
def test_wrong_rates(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_rates(text)


TRIAL: dict[str, Any] = {
    "strategy": "state4",
    "profile": "paper",
    "rate": 10.0,
    "delta_loss": 0.001,
    "formula": 0.2,
    "sent_packets": 9,
    "received_packets": 9,
}


def test_losses_by_profile_strategy_and_rate_apart_from_those_by_size() -> None:
    trials = {
        "a": TRIAL,
        "b": {**TRIAL, "delta_loss": 0.003, "received_packets": 7},
        "c": {**TRIAL, "profile": "native", "rate": 120},
        "d": {**TRIAL, "strategy": "controller", "state": 1 << 20, "rate": 60.0},
        "e": {key: value for key, value in TRIAL.items() if key != "formula"} | {"strategy": "no-reconfiguration"},
    }
    found = delta_loss.summarise(trials, "paper")
    numbers = found["rates"]["paper"]["state4"]["10"]
    assert (numbers["delta_loss"]["median"], numbers["delta_loss"]["maximum"]) == (0.002, 0.003)
    assert numbers["lost_packets"] == 2 and numbers["formula"]["median"] == 0.2
    assert found["rates"]["native"].keys() == {"state4"} and "120" in found["rates"]["native"]["state4"]
    assert found["sizes"] == {"paper": {"controller": {"1048576": found["sizes"]["paper"]["controller"]["1048576"]}}}
    assert "formula" not in found["rates"]["paper"]["no-reconfiguration"]["10"]


@pytest.mark.parametrize(
    ("arguments", "covered", "why"),
    [
        (["--rate", "120"], False, "10 to 120"),
        (["--strategy", "state4"], False, "controller left out"),
        (["--control-plane", "native"], False, "published pace"),
    ],
)
def test_c3_is_judged_on_what_it_is_about(arguments: list[str], covered: bool, why: str) -> None:
    seen: list[tuple[CommonOptions, Any]] = []

    def run(options: CommonOptions, schedule: Any) -> int:
        seen.append((options, schedule))
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delta_loss, "run", run)
        assert delta_loss.main([*arguments, "--json"]) == 0
    [(options, schedule)] = seen
    names = ("state4", "controller")
    trials = {
        f"{name}-{rate}": {**TRIAL, "strategy": name, "rate": rate, "profile": options.profile}
        for name in names
        for rate in schedule.rates
    }
    losses = delta_loss.summarise(trials, options.profile)
    claim = delta_loss.judge(Sweep(ResultFolder(Path("x"), "x"), trials), options, schedule, losses)
    assert (claim.verdict, claim.covered) == (Verdict.NOT_JUDGED, covered) and why in claim.why


def test_the_whole_sweep_has_both_profiles_and_sizes_and_one_rate_has_nothing_else() -> None:
    options = options_of([])
    schedule = delta_loss.Schedule(5.0, 2.0, (10.0, 120.0), own_pace_rates=(120.0,), sizes=(65536, 1 << 20))
    names = [trial.name for trial in delta_loss.trials_of(options, schedule)]
    assert len(names) == len(set(names))
    assert {"state4-rate120-1", "state4-rate120-native-1", "controller-rate60-native-state1048576-1"} <= set(names)
    only = [trial.name for trial in delta_loss.trials_of(options, delta_loss.Schedule(5.0, 2.0, (120.0,)))]
    assert all("native" not in name and "state6" not in name for name in only)


SWAP = Interval(1.0, 1.002)


def test_the_gap_at_a_swap_is_the_longest_within_a_tenth_of_a_second() -> None:
    times = np.array([0.5, 0.85, 0.92, 0.95, 1.0, 1.03, 1.07, 1.09, 1.5])
    assert fig4.gap_around(times, SWAP, 30.0) == pytest.approx(0.05)
    assert fig4.gap_around(np.array([0.95, 0.96]), SWAP, 30.0) == pytest.approx(0.142)  # never comes back
    assert fig4.gap_around(np.array([0.95]), SWAP, 1.0) == pytest.approx(0.05)  # the flow ends before


def test_the_gap_of_an_undisturbed_flow_is_exceeded_once_in_twenty_times() -> None:
    steady = np.arange(0, 4.0, 0.001)
    paused = steady[(steady < 1.05) | (steady > 1.10)]
    assert fig4.quiet_gap(steady, 4.0) == pytest.approx(0.001, abs=1e-6)
    assert fig4.quiet_gap(paused, 4.0) == pytest.approx(0.001, abs=0.003)  # one of twenty stretches
    often = steady[(steady % 0.4) > 0.05]
    assert fig4.quiet_gap(often, 4.0) == pytest.approx(0.05, abs=0.002)


FIG4 = {
    "strategy": "state4",
    "sent_packets": 100,
    "received_packets": 100,
    "longest_gap_ms": 2.0,
    "reconfiguration_s": 1.8,
    "gap_at_swap_ms": 1.0,
    "swap_ms": 0.1,
    "state_kept": {"pk_reg": True, "best_hop": True},
    "outcome": {"control": {"cpu_s": 0.5, "rss_bytes": 90_000_000}},
    "look_ahead": {"updates": 1000, "written_by_next": 900, "written_by_last": 200},
}


def test_figure_4_in_numbers() -> None:
    trials = {
        "a": FIG4,
        "b": {**FIG4, "received_packets": 97, "state_kept": {"pk_reg": True, "best_hop": False}},
        "c": {**FIG4, "profile": "native", "reconfiguration_s": 0.1},
        "d": {**FIG4, "strategy": "none", "outcome": {}, "look_ahead": {"updates": 0}},
    }
    found = fig4.summarise(trials, "paper")
    assert list(found) == ["state4", "native", "none"]
    assert found["state4"]["lost_packets"] == 3  # the worst repeat
    assert found["state4"]["state_kept"] is False  # one register in one repeat
    assert found["native"]["state_kept"] is True and found["native"]["lost_packets"] == 0
    assert found["state4"]["time_is_configured"] and not found["native"]["time_is_configured"]
    assert found["state4"]["saved_by_next"]["median"] == pytest.approx(10)
    assert found["state4"]["saved_by_last"]["median"] == pytest.approx(80)
    assert found["state4"]["control_rss_mb"]["median"] == 90
    assert "saved_by_next" not in found["none"] and "control_cpu_s" not in found["none"]
    assert fig4.summarise({"a": FIG4}, "native")["state4"]["time_is_configured"] is False


def test_a_late_knock_has_to_be_over_before_the_swap() -> None:
    phases = Phases({"commit": (Interval(5.0, 5.1),)})
    assert fig3.knock_too_late("state4", 4.99, phases) == []
    assert fig3.knock_too_late("state4", 5.0, phases)
    assert fig3.knock_too_late("reconcile", 5.05, phases) == []  # it does everything within the swap
    assert fig3.knock_too_late("reconcile", 5.1, phases)


def test_which_knocks_of_a_series_survived() -> None:
    phases = Phases({"commit": (Interval(5.0, 5.1),), "reconfigure": (Interval(3.0, 5.2),)})
    series = fig3.knock_series(np.array([2.5, 3.5, 4.9, 5.05]), np.array([3, 2, 3, 3]), phases)
    assert series.before_swap_s == pytest.approx((2.5, 1.5, 0.1))  # what came after the swap shows nothing
    assert series.survived == (True, False, True)
    assert series.window_s == 2.0


def options_of(arguments: list[str]) -> CommonOptions:
    parser = common_parser("x")
    known = ("none", "controller", "swing_state", "state4")
    return common_options(parser.parse_args([*arguments, "--repeats", "1"]), parser, default=known, available=known)


def test_options_name_strategies_and_refuse_others(capsys: pytest.CaptureFixture[str]) -> None:
    parser = common_parser("x")
    known = ("none", "state4")
    options = common_options(
        parser.parse_args(["--strategy", "state4,none", "--quick"]), parser, default=known, available=known
    )
    assert options.strategies == ("state4", "none") and options.quick and options.profile == "paper"
    with pytest.raises(SystemExit) as stop:
        common_options(parser.parse_args(["--strategy", "nope"]), parser, default=known, available=known)
    assert stop.value.code == 2
    assert "no strategy named 'nope'; there are none, state4" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--repeats", "0"], ["--duration", "-1"], ["--control-plane", "slow"], ["--x"]])
def test_wrong_options_end_with_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        common_parser("x").parse_args(arguments)
    assert stop.value.code == 2


@pytest.mark.parametrize(("arguments", "repeats"), [([], 5), (["--quick"], 2), (["--quick", "--repeats", "3"], 3)])
def test_quick_repeats_less_by_default(arguments: list[str], repeats: int) -> None:
    parser = common_parser("x", repeats=5, quick_repeats=2)
    options = common_options(parser.parse_args(arguments), parser, default=("a",), available=("a",))
    assert options.repeats == repeats


def test_trial_names() -> None:
    assert Trial("state4", 2).name == "state4-2"
    assert Trial("none", 1, {"rate": 10.0}).name == "none-rate10-1"
