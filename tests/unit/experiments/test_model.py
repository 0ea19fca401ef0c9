"""The model's experiment: what is measured, what is compared, what is reported if something is missing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from experiments import model
from experiments.claims.base import Verdict
from experiments.harness.options import CommonOptions
from experiments.harness.sweep import Trial
from experiments.model import CALIBRATION, CHECK, CHECKS, LISTENER, QUICK_CHECKS, calibrated, checked, judge, trials_of
from experiments.simulation.events import simulate
from experiments.simulation.extrapolation import extrapolate
from experiments.simulation.fluid import predict
from experiments.simulation.schedule import PRECOPY, STATE4, STRATEGIES
from experiments.tables.model import in_short, model_table
from plots import model as plot
from tests.unit.experiments.simulation.machines import OURS
from tests.unit.experiments.simulation.test_calibration import KNOWN, events, steps_of

OPTIONS = CommonOptions("softswitch", STRATEGIES, "paper and native", None, 2, 1, False, Path(), True, False)


def test_the_check_is_not_the_calibration() -> None:
    trials = trials_of(OPTIONS, CHECKS)
    assert len({trial.name for trial in trials}) == len(trials)
    places = {
        part: {tuple(sorted(dict(t.parameters, part="").items())) for t in trials if t.parameters["part"] == part}
        for part in (CALIBRATION, CHECK)
    }
    assert not places[CALIBRATION] & places[CHECK]
    assert all(place in CHECKS for place in QUICK_CHECKS)
    assert any(place.get("writes") == "all" for place in CHECKS)
    assert {place["profile"] for place in CHECKS} == {"paper", "native"}


def measured(name: str, strategy: str, part: str, place: dict[str, Any], error: float = 0.0) -> dict[str, Any]:
    """A trial as on a machine with the parameters OURS."""
    cells = place["components"] * place["cells"]
    packets_per_s = place["rate"] * 1e6 / 8 / 1250
    steps = steps_of(events(strategy, OURS, cells, int(place["rate"])))
    trial: dict[str, Any] = {
        **place,
        "strategy": strategy,
        "repeat": 1,
        "part": part,
        "packets_per_s": packets_per_s,
        "flow_s": 5.0,
        "window": {"begin": 0.4, "end": 1.0},
        "steps": steps,
        "lost_updates": (steps.get("to_swap_s", 0.0) + place["rate"] * OURS.look_ahead_update_s) * packets_per_s,
    }
    if part == CHECK:
        writes = place["components"] if place.get("writes") == "all" else 1
        own = dataclasses.replace(OURS, **model.configured(place["cells"], writes, place["profile"]))  # type: ignore[arg-type]
        outcome = simulate(strategy, own, model.load_of(trial))
        trial |= {
            "reconfiguration_s": outcome.total_s * (1 + error),
            "delta_loss": outcome.delta_loss,
            "outcome": {"clones": packets_per_s * (outcome.swap_s - own.open_s), "written": outcome.written},
        }
    return trial


def all_trials(error: float = 0.0) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"listener-1": {**KNOWN, "part": LISTENER, "strategy": LISTENER}}
    for trial in trials_of(dataclasses.replace(OPTIONS, repeats=1), QUICK_CHECKS):
        if trial.strategy != LISTENER:
            place = dict(trial.parameters)
            found[trial.name] = measured(trial.name, trial.strategy, str(place.pop("part")), place, error)
    return found


def test_a_machine_that_is_as_modelled_makes_the_claim_hold() -> None:
    own = dataclasses.replace(OPTIONS, repeats=1)
    parameters, missing = calibrated(all_trials(), own)
    assert missing == [] and set(parameters) == set(STRATEGIES)
    rows = checked(all_trials(), {name: one for name, (one, _) in parameters.items()}, QUICK_CHECKS)
    assert {row["strategy"] for row in rows} == set(STRATEGIES)
    claim = judge(rows, own, QUICK_CHECKS, {}, missing)
    assert claim.verdict is Verdict.HOLDS, claim.why
    ours = next(row for row in rows if row["strategy"] == STATE4)
    assert set(ours["errors"]) == {"total_s", "delta_loss", "clones", "written"}


def test_a_machine_that_takes_longer_makes_it_fail() -> None:
    own = dataclasses.replace(OPTIONS, repeats=1)
    trials = all_trials(error=0.5)
    parameters, missing = calibrated(trials, own)
    rows = checked(trials, {name: one for name, (one, _) in parameters.items()}, QUICK_CHECKS)
    assert judge(rows, own, QUICK_CHECKS, {}, missing).verdict is Verdict.FAILS


def test_what_is_missing_is_named() -> None:
    own = dataclasses.replace(OPTIONS, repeats=1)
    assert calibrated({}, own) == ({}, ["the listener was not measured"])
    trials = all_trials()
    gone = [name for name in trials if name.startswith("state4-calibration")]
    parameters, missing = calibrated({name: t for name, t in trials.items() if name not in gone}, own)
    assert STATE4 not in parameters and missing == ["state4 could not be calibrated: no trial of state4 can be used"]
    lost = Trial(STATE4, 1, {"part": CHECK, **QUICK_CHECKS[0]}).name
    claim = judge([], own, QUICK_CHECKS, {lost: "no core"}, [])
    assert claim.verdict is Verdict.NOT_JUDGED and "no core" in claim.why


def test_figure_and_table_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trials = all_trials()
    parameters = {name: one for name, (one, _) in calibrated(trials, OPTIONS)[0].items()}
    content = extrapolate(parameters, (1e3, 1e6, 1e9))
    (tmp_path / "trials").mkdir()
    for name, trial in trials.items():
        (tmp_path / "trials" / f"{name}.json").write_text(json.dumps(trial))
    (tmp_path / "extrapolation.json").write_text(json.dumps(content))
    (tmp_path / "run.json").write_text(json.dumps({"options": {"target": "softswitch", "profile": "both"}}))
    assert all(path.stat().st_size > 10_000 for path in plot.main(tmp_path))
    rows = checked(trials, parameters, QUICK_CHECKS)
    model_table({"check": rows, "measured_up_to": 30_000.0, **content}, [], tmp_path)
    printed = capsys.readouterr().out
    assert "1 M*" in printed and "1 k " in printed and "clones/s at most" in printed


def test_numbers_in_short() -> None:
    assert [in_short(number) for number in (6e9, 1.25e12, 30_000.0, 5.0)] == ["6 G", "1.25 T", "30 k", "5 "]


def test_predictions_at_the_checked_points_follow_the_events() -> None:
    """The averages compared with measurements agree with the simulation of every event."""
    for name, trial in all_trials().items():
        if trial["part"] == CHECK and trial["strategy"] != PRECOPY:  # whose last round is a matter of chance
            own = dataclasses.replace(OURS, **model.configured(trial["cells"], 1, trial["profile"]))  # type: ignore[arg-type]
            load = model.load_of(trial)
            ours, theirs = predict(trial["strategy"], own, load), simulate(trial["strategy"], own, load)
            assert ours.total_s == pytest.approx(theirs.total_s, rel=0.01), name
            assert ours.delta_loss == pytest.approx(theirs.delta_loss, rel=0.05), name
