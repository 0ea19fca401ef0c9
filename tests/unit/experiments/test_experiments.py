"""The pure parts of the experiments: counting a flow, comparing state, options."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from experiments.claims.c1_flows_survive import FlowCount
from experiments.claims.c2_disruption import judge_fig4
from experiments.claims.c3_delta_loss import judge_delta_loss
from experiments.claims.stats import spread
from experiments.delta_loss import parse_rates, summarise
from experiments.fig3 import count_flow
from experiments.fig4 import compare_state
from experiments.harness.options import common_options, common_parser
from experiments.harness.sweep import Trial

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


def losses(state4: float, controller: float, without: float = 0.0) -> dict[str, dict[str, object]]:
    values = {"state4": state4, "controller": controller, "no-reconfiguration": without}
    trials = {
        f"{name}-{repeat}": {
            "strategy": name,
            "rate": 10.0,
            "delta_loss": value,
            "sent_packets": 9,
            "received_packets": 9,
        }
        for name, value in values.items()
        for repeat in (1, 2)
    }
    return summarise(trials)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (losses(0.001, 0.05), None),
        (losses(0.0, 0.05), None),
        (losses(0.02, 0.05), "State4 loses 2.00%"),
        (losses(0.001, 0.0015), "controller approach loses 0.15% only"),
        (losses(0.0, 0.0), "controller approach loses 0.00% only"),
        (losses(0.001, 0.05, without=1e-6), "differs from the wire"),
    ],
)
def test_claim_c3(given: dict[str, dict[str, object]], why: str | None) -> None:
    claim = judge_delta_loss(given)  # type: ignore[arg-type]
    assert claim.holds == (why is None)
    if why:
        assert why in claim.why


@pytest.mark.parametrize(
    ("changes", "profile", "holds"),
    [
        ({}, "paper", True),
        ({"reconfiguration_s": spread([0.2]).as_dict()}, "paper", False),
        ({"reconfiguration_s": spread([0.2]).as_dict()}, "native", True),
        ({"gap_at_swap_ms": spread([21.0]).as_dict()}, "paper", False),
        ({"lost_packets": 1}, "paper", False),
        ({"state_kept": False}, "paper", False),
    ],
)
def test_claim_c2(changes: dict[str, object], profile: str, holds: bool) -> None:
    good = {
        "reconfiguration_s": spread([1.8]).as_dict(),
        "gap_at_swap_ms": spread([1.0]).as_dict(),
        "lost_packets": 0,
        "state_kept": True,
    }
    assert judge_fig4({"state4": {**good, **changes}}, profile).holds is holds


def test_claim_c2_tells_what_a_swap_alone_takes() -> None:
    state4 = {
        "reconfiguration_s": spread([1.8]).as_dict(),
        "gap_at_swap_ms": spread([64.0]).as_dict(),
        "lost_packets": 0,
        "state_kept": True,
    }
    claim = judge_fig4({"state4": state4, "none": {"swap_ms": spread([30.3]).as_dict()}}, "paper")
    assert not claim.holds
    assert "64.0 ms (the switch's own call to swap, with nothing preserved, takes 30.3 ms)" in claim.why


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
def test_quick_repeats_less_unless_told(arguments: list[str], repeats: int) -> None:
    parser = common_parser("x", repeats=5, quick_repeats=2)
    options = common_options(parser.parse_args(arguments), parser, default=("a",), available=("a",))
    assert options.repeats == repeats


def test_trial_names() -> None:
    assert Trial("state4", 2).name == "state4-2"
    assert Trial("none", 1, {"rate": 10.0}).name == "none-rate10-1"
