"""State under traffic: what a reconfiguration loses (Figure 5), and whether it interrupts traffic (Figure 4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from experiments import delta_loss, fig4
from experiments.harness.lab import SWITCHES
from experiments.harness.progress import display
from experiments.harness.shared_lab import SharedLab
from experiments.harness.sweep import Trial
from tests.net.experiments.test_strategies import OPTIONS
from tests.net.experiments.trials import that_counts
from topologies.switch import SoftSwitch


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedLab]:
    """One network for all trials of Figure 5, as in the experiment."""
    with ExitStack() as stack:
        yield SharedLab(stack)


def loss_trial(
    strategy: str, *, rate: float = 60.0, profile: str = "native", shared: SharedLab | None = None
) -> dict[str, Any]:
    schedule = delta_loss.Schedule(duration=2.0 if profile == "paper" else 1.5, reconfigure=0.4, rates=(rate,))
    options = replace(OPTIONS, profile=profile)
    with ExitStack() as stack, display(1.0, quiet=True) as show:
        lab = shared or SharedLab(stack)
        trial = Trial(strategy, 1, {"rate": rate})
        result = that_counts(lambda: delta_loss.run_trial(trial, options, schedule, lab, show))
    measured = dict(result.measured)
    assert measured["sent_packets"] == measured["received_packets"]  # the switch itself lost nothing
    assert measured["wire_bytes"] == measured["wire_bytes_sender"] == measured["wire_bytes_receiver"]
    return measured


def test_the_harness_has_no_error_of_its_own(shared: SharedLab) -> None:
    measured = loss_trial(delta_loss.CONTROL_TRIAL, shared=shared)
    assert measured["register_bytes"] == measured["wire_bytes"]


@pytest.mark.parametrize("strategy", ["state4_exact", "precopy", "reconcile"])
def test_strategies_that_lose_nothing(shared: SharedLab, strategy: str) -> None:
    assert loss_trial(strategy, shared=shared)["delta_loss"] == 0


def test_the_controller_approach_loses_what_comes_after_the_read(shared: SharedLab) -> None:
    measured = loss_trial("controller", profile="paper", shared=shared)
    assert 0.1 < measured["delta_loss"] < 1  # about the second that it takes, of two


def test_without_preservation_the_counter_is_lost(shared: SharedLab) -> None:
    schedule = delta_loss.Schedule(duration=1.0, reconfigure=0.5, rates=(10.0,))
    with display(1.0, quiet=True) as show:
        result = delta_loss.run_trial(Trial("none", 1, {"rate": 10.0}), OPTIONS, schedule, shared, show)
    assert result.measured["register_bytes"] == 0


def test_a_reconfiguration_under_five_flows() -> None:
    with display(1.0, quiet=True) as show:
        schedule = fig4.Schedule(duration=2.0, reconfigure=0.8)
        result = that_counts(lambda: fig4.run_trial(Trial("state4", 1), OPTIONS, schedule, show))
    measured = result.measured
    assert measured["received_packets"] == measured["sent_packets"]
    assert all(measured["state_kept"].values()), measured["state_kept"]
    assert set(measured["state_kept"]) >= {"pk_reg", "flowlet_time", "best_hop"}
    assert measured["switch"]["ring_drops"] == 0
    arrivals = result.samples["arrivals"]
    assert set(arrivals["flow"]) == {"h1", "h2", "h3", "h4", "h5"}
    assert set(arrivals["bytes"]) == {fig4.FRAME_BYTES}


@pytest.fixture(scope="module")
def several_threads() -> Iterator[SharedLab]:
    """The same with a switch that receives and sends with three threads. What is opened from here on has it, too."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setitem(SWITCHES, SoftSwitch.target, partial(SoftSwitch, options=("--io-threads", "3")))
        yield SharedLab(stack)


@pytest.mark.parametrize("strategy", ["state4_exact", "precopy", "reconcile"])
def test_several_threads_lose_nothing_either(several_threads: SharedLab, strategy: str) -> None:
    assert loss_trial(strategy, shared=several_threads)["delta_loss"] == 0
