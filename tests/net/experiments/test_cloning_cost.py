"""A short Figure 7, on a real switch and far below its limit: nothing is lost, whether it clones or not."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from experiments.cloning_cost import BIN_S, Bench, Schedule, run_trial, search_trial
from experiments.harness.options import CommonOptions
from experiments.harness.progress import display
from experiments.harness.sweep import Trial, TrialResult
from experiments.harness.validity import MIN_OFFERED
from experiments.measure.full_load import SearchPlan
from experiments.measure.steady_rate import rate_trial
from tests.net.experiments.trials import that_counts
from topologies.bridge import LinuxBridge
from topologies.network import running_network
from topologies.paper import PaperTopo

OPTIONS = CommonOptions(
    target="softswitch",
    strategies=(),
    profile="native",
    duration_s=None,
    repeats=1,
    seed=1,
    quick=True,
    out=Path("results"),
    json=True,
    resume=False,
)


SCHEDULE = Schedule(
    duration=1.5,
    reconfigure=0.5,
    loads=(50,),
    searches=1,
    search=SearchPlan(pairs=1, flood_s=0.1, step_s=0.1, confirm_s=0.1),
)


def test_slow_flows_are_not_disturbed() -> None:
    """Both run in one network: the second is not affected by the first."""
    with ExitStack() as stack, display(1.0, quiet=True) as show:
        bench = Bench(stack)
        for strategy in ("swing_state", "state4"):
            trial = Trial(strategy, 1, {"load": 50})
            check_undisturbed(
                strategy, that_counts(lambda trial=trial: run_trial(trial, OPTIONS, SCHEDULE, 4000.0, bench, show))
            )
        search = that_counts(lambda: search_trial(Trial("search", 1), OPTIONS, SCHEDULE, bench, show))
    assert search.measured["frames_per_s"] > 4000
    assert len(search.measured["flood_per_s"]) == len(search.measured["flood_cloning_per_s"]) == 1
    assert set(search.samples) == {"search", "floods"}


LATE = 100
"""Packets: 50 ms of the flow."""


def check_undisturbed(strategy: str, result: TrialResult) -> None:
    measured = result.measured
    assert measured["clones_always"] == (strategy == "swing_state")
    assert measured["sent_packets"] == measured["received_packets"]
    assert MIN_OFFERED * 3000 <= measured["sent_packets"] <= 3005
    assert all(part["lost"] == 0 for part in measured["parts"].values())
    assert measured["parts"].keys() == {"whole", "before", "during", "after"}
    bins = result.samples["bins"]  # what arrives after the last one, on a busy machine, is in none
    assert bins["received"].sum() <= bins["sent"].sum() <= bins["received"].sum() + LATE
    [on] = [event["t"] for event in result.events if event["phase"] == "clone_on"]
    bins = result.samples["bins"]
    sure = bins.loc[bins["t"].between(on + 2 * BIN_S, measured["swap"]["begin"] - 2 * BIN_S), "received"].sum()
    assert measured["outcome"]["clones"] >= max(1, sure)  # every packet between the two was cloned


def test_a_trial_of_the_search_counts_what_the_kernel_counts() -> None:
    with running_network(PaperTopo(), switch=LinuxBridge) as network:
        trial = rate_trial(network, 2000.0, seconds=0.5, port=5000, payload=1472)
    assert trial.kept_up
    assert trial.loss == 0
    assert trial.offered_per_s == pytest.approx(2000, rel=0.02)
