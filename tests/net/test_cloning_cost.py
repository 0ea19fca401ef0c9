"""Figure 7 in short, on a real switch and far below its limit: nothing is lost, whoever clones."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.cloning_cost import BIN_S, Schedule, run_trial
from experiments.measure.steady_rate import rate_trial
from experiments.options import CommonOptions
from experiments.progress import display
from experiments.sweep import Trial
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


@pytest.mark.parametrize("strategy", ["state4", "swing_state"])
def test_a_slow_flow_is_not_disturbed(strategy: str) -> None:
    schedule = Schedule(duration=1.5, reconfigure=0.5, search_s=0.1, loads=(50,))
    with display(1.0, quiet=True) as show:
        result = run_trial(Trial(strategy, 1, {"load": 50}), OPTIONS, schedule, 4000.0, show)
    measured = result.measured
    assert measured["clones_always"] == (strategy == "swing_state")
    assert measured["sent_packets"] == measured["received_packets"] == pytest.approx(3000, abs=5)
    assert all(part["lost"] == 0 for part in measured["parts"].values())
    assert measured["parts"].keys() == {"whole", "before", "during", "after"}
    assert result.samples["bins"]["sent"].sum() == result.samples["bins"]["received"].sum()
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
