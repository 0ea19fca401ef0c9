"""The pure parts of the scenario: schedule, numbers, summary, table."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from experiments import scenario
from experiments.harness.phases import Interval, Phases
from experiments.harness.results import ResultFolder
from experiments.harness.sweep import Sweep
from experiments.measure.scenario_numbers import cpu_numbers, flow_numbers, gap_at, slow_packet_ms, summarise
from experiments.scenario import Schedule, counted_frames, parse, unreadable
from experiments.tables.scenario import make_table, percent, remarks, row
from experiments.traffic.iperf3 import TcpSummary, length_arguments
from experiments.traffic.mix import LASTING, MixResult, lost_packets
from experiments.traffic.sender import SenderTotals
from tests.unit.experiments.scenario_runs import frames, samples, trial


def test_the_swap_lies_inside_the_flows_at_every_length() -> None:
    for duration in (4.2, 4.4, 6.0, 12.0, 30.0):
        schedule = Schedule.of(duration, "paper", 20.0)
        assert schedule.ended + 0.3 <= schedule.reconfigure + 1e-9
        assert schedule.reconfigure + 1.9 == pytest.approx(0.6 * duration)
    assert Schedule.of(2.0, "native", 20.0).reconfigure == pytest.approx(1.1)


@pytest.mark.parametrize(("duration", "profile"), [(3.9, "paper"), (0.9, "native")])
def test_a_trial_that_is_too_short_is_refused(duration: float, profile: str) -> None:
    with pytest.raises(ValueError, match="takes at least"):
        Schedule.of(duration, profile, 20.0)


@pytest.mark.parametrize(
    "arguments", [["--rate", "0"], ["--rate", "fast"], ["--duration", "1"], ["--watch", "--json"], ["--strategy", "no"]]
)
def test_wrong_use_ends_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(arguments)
    assert stop.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_options() -> None:
    options, schedule, watch = parse(["--quick", "--rate", "5", "--watch", "--strategy", "state4"])
    assert (options.repeats, options.strategies, schedule.rate, watch) == (1, ("state4",), 5.0, True)
    assert schedule.duration == scenario.QUICK_S
    assert parse([])[0].repeats == 3


def test_only_what_the_hosts_send_to_the_server_counts() -> None:
    h1, h5, server, hula = 0x0A000001, 0x0A000005, 0x0A000006, 0x88B5
    table = pd.DataFrame(
        {
            "type": [0x0800, 0x0800, 0x0800, hula, 0x0800],
            "source": [h1, h5, server, h1, 0x0A000063],
            "destination": [server, server, h1, server, server],
            "bytes": [10, 20, 40, 80, 160],
        }
    )
    counted = counted_frames(table)
    assert counted["flow"].tolist() == ["open", "tcp"]
    assert counted["bytes"].sum() == 30


def phases(*names: tuple[str, float, float]) -> Phases:
    return Phases({name: (Interval(begin, end),) for name, begin, end in names})


def test_bmv2_shows_the_new_programs_registers_from_saving_to_the_swap() -> None:
    found = phases(("save", 3.0, 3.1), ("commit", 4.0, 4.1))
    assert unreadable("bmv2", found) == Interval(3.0, 4.1)
    assert unreadable("softswitch", found) is None
    assert unreadable("bmv2", None) is None


# -- numbers of a trial ------------------------------------------------------------------------------------------------

SWAP = Interval(3.99, 4.0)


def test_a_flow_goes_on_or_does_not() -> None:
    table = frames()
    table = table[(table["flow"] != "early") | (table["received_s"] < 4.0)]
    numbers = flow_numbers(table, {}, SWAP, 8.0, rate=8.0)
    assert numbers["goes_on"] == {"open": True, "early": False, "late": True, "tcp": True}
    assert numbers["throughput_after_mbit"] == pytest.approx(24.0, rel=0.01)
    assert numbers["gap_at_swap_ms"] < 2.0


def test_without_anything_after_the_swap_the_gap_has_no_end() -> None:
    table = frames()
    times = table.loc[table["received_s"] < 4.0, "received_s"]
    assert gap_at(times, SWAP) is None
    assert gap_at(pd.Series([3.95, 3.96, 4.02]), SWAP) == pytest.approx(60.0)
    assert gap_at(pd.Series([1.0, 4.02]), SWAP) is None  # one frame has no gap


def test_cpu_of_the_reconfiguration_alone() -> None:
    found = cpu_numbers(samples(frames()), Interval(2.5, 4.0))
    assert found["data_plane_cores_meanwhile"] == pytest.approx(0.25)
    assert found["listener_cpu_ms"] == pytest.approx(600.0, abs=25)
    assert found["control_plane_cpu_ms"] == pytest.approx(300.0, abs=12)
    assert found["control_plane_memory_bytes"] == 1e8


def test_no_listener_is_not_one_that_cost_nothing() -> None:
    assert cpu_numbers(samples(frames(), listener=False), Interval(2.5, 4.0))["listener_cpu_ms"] is None


def test_slow_packets_are_those_outside_of_the_reconfiguration() -> None:
    sent = np.arange(0.0, 8.0, 0.01)
    took = np.where((sent > 2.4) & (sent < 4.1), 0.5, 0.001)
    received = pd.DataFrame({"sent_s": sent + 100, "received_s": sent + took + 100})
    assert slow_packet_ms(received, Interval(2.5, 4.0), 100.0) == pytest.approx(500.0)  # the last ten before 2.5 s
    assert slow_packet_ms(received, Interval(2.3, 4.7), 100.0) == pytest.approx(1.0)
    assert slow_packet_ms(received.iloc[:0], None, 100.0) is None


def test_tcp_has_the_values_of_iperf3() -> None:
    report = {"end": {"sum_sent": {"bits_per_second": 2e7, "retransmits": 3}}}
    assert TcpSummary.of(report) == TcpSummary(20.0, 3, None)
    assert TcpSummary.of({"end": {}, "error": "interrupt"}) == TcpSummary(None, None, "interrupt")


def test_a_paced_connection_lasts_for_parts_of_a_second_too() -> None:
    arguments = dict(zip(*[iter(length_arguments(4.4, 20.0)[:-1])] * 2, strict=True))
    payload_mbit = 20 * 1448 / 1514
    assert float(arguments["-b"]) == pytest.approx(payload_mbit * 1e6)
    assert float(arguments["-n"]) * 8 / float(arguments["-b"]) == pytest.approx(4.4)
    assert "-t" not in arguments
    assert length_arguments(0.5, None) == ["-t", "1"]  # which iperf3 would take for 0: without an end


def mix(sent: list[float], arrived: list[int], knocks: dict[str, tuple[float, float]]) -> MixResult:
    received = pd.DataFrame({"flow": "late", "sequence": np.array(arrived, dtype=np.int64)})
    totals = SenderTotals(len(sent), 0, 0, 0, 0)
    return MixResult({"late": totals}, {"late": np.array(sent)}, received, knocks, {}, 0)


def test_packets_before_the_knock_are_not_lost() -> None:
    sent = [0.0, 1.0, 2.0, 3.0, 4.0]
    assert lost_packets(mix(sent, [2, 4], {"late": (1.4, 1.5)}), "late") == 1
    assert lost_packets(mix(sent, [2, 3, 4], {"late": (1.4, 1.5)}), "late") == 0
    assert lost_packets(mix(sent, [], {"late": (1.4, 1.99)}), "late") == 2  # too close to the knock
    assert lost_packets(mix(sent, [], {}), "late") == 0


# -- all trials --------------------------------------------------------------------------------------------------------


def sweep_with(
    *trials: dict[str, Any], unusable: dict[str, str] | None = None, repeated: dict[str, list[str]] | None = None
) -> dict[str, dict[str, Any]]:
    """The summary of these trials, and of those in `unusable`, which do not count."""
    counted = {f"{content['strategy']}-{content['repeat']}": content for content in trials}
    names = {name: name.rsplit("-", 1)[0] for name in (*counted, *(unusable or {}))}
    return summarise(names, Sweep(cast(ResultFolder, None), counted, unusable or {}, repeated or {}))


def test_only_trials_that_count_are_in_the_summary() -> None:
    summary = sweep_with(
        trial("state4", 1, delta_loss=0.001, lost_packets={"open": 1, "early": 2}),
        trial("state4", 2, delta_loss=0.003),
        unusable={"state4-3": "late sender"},
        repeated={"state4-2": ["not valid: no core"], "state4-3": ["not valid: late sender"] * 2},
    )["state4"]
    assert summary["runs"] == 2
    assert summary["delta_loss"]["median"] == pytest.approx(0.002) and summary["delta_loss"]["count"] == 2
    assert summary["lost_packets"] == 3
    assert summary["reconfiguration_s"]["median"] == pytest.approx(1.6)
    assert summary["not_judged"] == ["late sender"] and summary["repeated"] == 3


def test_a_flow_that_never_knocked_did_not_die() -> None:
    fates = dict.fromkeys(LASTING, True) | {"late": False}
    knocks = {"early": -0.2, "tcp": -0.2}
    summary = sweep_with(
        trial("no-reconfiguration", 1, goes_on=fates, knocks=knocks),
        trial("controller", 1, goes_on=fates, knocks=knocks | {"late": 1.5}),
    )
    assert row(summary["no-reconfiguration"])[1] == "3/3"
    assert row(summary["controller"])[1] == "3/4"


def test_what_was_not_measured_is_null() -> None:
    summary = sweep_with(unusable={"none-1": "it broke"})["none"]
    assert summary["runs"] == 0
    assert summary["delta_loss"] is summary["lost_packets"] is summary["flows_that_go_on"] is None
    assert summary["not_judged"] == ["it broke"]


def test_a_listener_in_some_trials_only_is_measured_in_those() -> None:
    members = trial("a", 1, listener_cpu_ms=None), trial("a", 2, listener_cpu_ms=7.0)
    assert sweep_with(*members)["a"]["listener_cpu_ms"]["count"] == 1


def test_the_table_shows_medians_and_what_is_missing() -> None:
    fates = dict.fromkeys(LASTING, False)
    dead = trial("none", delta_loss=1.0, goes_on=fates, gap_at_swap_ms=None, listener_cpu_ms=None)
    alive = trial("state4", delta_loss=0.00137)
    summary = sweep_with(alive, dead, unusable={"x-1": "it broke"}, repeated={"x-1": ["failed: it broke"] * 3})
    assert row(summary["state4"]) == ["0.14 %", "4/4", "0", "0.5", "1.60", "30", "400", "150"]
    assert row(summary["none"]) == ["100 %", "0/4", "0", ">100", "1.60", "30", "-", "150"]
    assert row(summary["x"]) == ["not judged", *["-"] * 7]
    assert remarks(summary) == [
        "Trials were repeated for: x 3 (reasons in trials/*.json).",
        "x: a trial is not judged: it broke",
    ]
    table = make_table(summary, paced=True)
    assert table.row_count == 3 and "configured pace" in str(table.title)


@pytest.mark.parametrize(
    ("loss", "text"),
    [(None, "-"), (0.0, "0 %"), (1e-6, "0.0001 %"), (0.0963, "9.63 %"), (1.0, "100 %"), (-0.01, "-1 %")],
)
def test_nothing_but_zero_is_written_as_zero(loss: float | None, text: str) -> None:
    assert percent(None if loss is None else {"median": loss}) == text
