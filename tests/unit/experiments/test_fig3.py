"""Figure 3's verdict: from all repeats, of trials in which every knock was sent in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments import fig3
from experiments.claims.base import Verdict
from experiments.claims.c1_flows_survive import ALL, PUBLISHED_FATES
from experiments.harness.options import common_options, common_parser
from experiments.harness.phases import Interval, Phases
from experiments.harness.results import ResultFolder
from experiments.harness.sweep import Sweep

STRATEGIES = tuple(PUBLISHED_FATES)


def trial(strategy: str, repeat: int, **arrived: int) -> dict[str, Any]:
    """As published; `arrived`: how many of a flow's ten packets after the swap arrived instead."""
    flows = {}
    for flow, fate in PUBLISHED_FATES[strategy].items():
        after = arrived.get(flow, 10 if fate == ALL else 0)
        flows[flow] = {
            "sent": 20,
            "arrived": 10 + after,
            "permitted_before": 10,
            "arrived_before": 10,
            "permitted_after": 10,
            "arrived_after": after,
            "wrongly_arrived": 0,
        }
    series = {"before_swap_s": [1.0, 0.5], "survived": [True, strategy == "state4"], "window_s": 0.7}
    return {"strategy": strategy, "repeat": repeat, "flows": flows, "knock_series": series}


def sweep(*changed: dict[str, Any], repeats: int = 3) -> Sweep:
    trials = {f"{name}-{n}": trial(name, n) for n in range(1, repeats + 1) for name in STRATEGIES}
    trials |= {f"{one['strategy']}-{one['repeat']}": one for one in changed}
    return Sweep(ResultFolder(Path("x"), "x"), trials)


def test_as_published_in_all_repeats() -> None:
    claim = fig3.judge(sweep(), STRATEGIES)
    assert claim.verdict is Verdict.HOLDS, claim.why
    lost = next(finding for finding in claim.findings if finding.what.startswith("state4: knocks while"))
    assert (lost.spread.median, lost.spread.count) == (100, 3)


@pytest.mark.parametrize("repeat", [1, 2, 3])
def test_one_lost_packet_in_any_repeat_fails(repeat: int) -> None:
    claim = fig3.judge(sweep(trial("state4", repeat, late=9)), STRATEGIES)
    assert claim.verdict is Verdict.FAILS and "state4, flow late: 9 of 10 arrived after the swap" in claim.why


def test_a_repeat_that_lacks_a_strategy_is_judged_by_its_others() -> None:
    found = sweep(trial("none", 2, open=1))
    del found.trials["state4-2"]
    assert fig3.judge(found, STRATEGIES).verdict is Verdict.FAILS


def test_without_a_published_strategy_it_was_not_asked_for() -> None:
    claim = fig3.judge(sweep(), ("state4", "none"))
    assert (claim.verdict, claim.covered) == (Verdict.NOT_JUDGED, False)
    assert "controller and swing_state left out" in claim.why


def test_an_early_knock_has_to_be_over_before_the_reconfiguration_begins() -> None:
    """In a trial that is too short it is a late one, and a strategy that reads the state later loses its flow."""
    phases = Phases({"reconfigure": (Interval(1.0, 2.0),), "commit": (Interval(1.9, 2.0),)})
    assert fig3.knock_not_early([0.5, 0.99], phases) == []
    assert fig3.knock_not_early([0.5, 1.0], phases) == ["an early knock came after the reconfiguration had begun"]
    assert fig3.knock_not_early([1.5, 0.5], phases)


def schedule(arguments: list[str], strategies: int = 6) -> fig3.Schedule:
    names = [f"s{number}" for number in range(strategies)]
    parser = common_parser("x")
    return fig3.Schedule.of(common_options(parser.parse_args(arguments), parser, default=names, available=names))


@pytest.mark.parametrize("profile", ["paper", "native"])
@pytest.mark.parametrize("strategies", [1, 6, 9, 20])
def test_the_early_knocks_are_over_whatever_is_compared(profile: str, strategies: int) -> None:
    """However many strategies share the minute of a quick run."""
    for arguments in ([], ["--quick"]):
        found = schedule([*arguments, "--control-plane", profile], strategies)
        assert not found.is_too_short and found.second_knock < found.reconfigure < found.duration


def test_a_trial_that_is_too_short_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert schedule(["--duration", "3"]).is_too_short and not schedule(["--duration", "3.2"]).is_too_short
    with pytest.raises(SystemExit) as ended:
        fig3.main(["--duration", "3"])
    assert ended.value.code == 2
    assert "--duration 3: too short for knocks" in capsys.readouterr().err
