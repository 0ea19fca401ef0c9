"""The fabric's numbers from made-up frames, its traffic's schedule, its table and its figure from files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import fabric
from experiments.measure.fabric_numbers import balance, path_bins, probe_gap_s, summarise, udp_numbers
from experiments.measure.fabric_wire import delivered, receiving_interfaces, strays, with_pairs
from experiments.measure.wire import HULA, IPV4, address_number
from experiments.tables.fabric import row
from experiments.traffic.bursts import moments
from plots import fabric as plot
from topologies.leaf_spine import Fabric

SPINES = ("spine1", "spine2")
NAMES = {"a": "10.0.1.1", "b": "10.0.2.1"}


def down(shares: dict[float, float], until: float = 10.0) -> pd.DataFrame:
    """1000 bytes every 10 ms; from each of these times on, spine1 has that share of them."""
    times = np.arange(0, until, 0.01) + 0.005
    share = np.select(
        [times >= moment for moment in sorted(shares, reverse=True)], [shares[m] for m in sorted(shares, reverse=True)]
    )
    number = np.arange(len(times))
    spine = np.where((number * 7) % 10 < share * 10, "spine1", "spine2")
    return pd.DataFrame({"received_s": times, "bytes": 1000, "spine": spine})


def balanced(shares: dict[float, float], begun: float = 3.0, ended: float = 5.0) -> dict[str, float | None]:
    return balance(path_bins(down(shares), SPINES, 10.0), "spine1", begun, ended)


def test_paths_have_their_rates() -> None:
    bins = path_bins(down({0.0: 0.7}), SPINES, 10.0)
    rates = bins.groupby("spine")["mbit"].mean()
    assert len(bins) == 200 and rates["spine1"] == pytest.approx(0.56) and rates["spine2"] == pytest.approx(0.24)


def test_a_path_that_keeps_its_share_was_never_out_of_balance() -> None:
    numbers = balanced({0.0: 0.7})
    assert numbers["balanced_again_s"] == 0.0
    assert [numbers[f"share_{when}"] for when in ("before", "meanwhile", "after")] == pytest.approx([0.7] * 3)


def test_balance_returns_when_half_of_the_share_is_back_for_good() -> None:
    numbers = balanced({0.0: 0.7, 3.0: 0.0, 6.0: 0.7})
    assert numbers["share_meanwhile"] == 0.0 and numbers["share_after"] == pytest.approx(0.7)
    assert numbers["balanced_again_s"] == pytest.approx(3.0, abs=0.2)


def test_a_path_that_never_returns_is_none_and_not_zero() -> None:
    assert balanced({0.0: 0.7, 3.0: 0.0})["balanced_again_s"] is None
    assert balanced({0.0: 0.0})["balanced_again_s"] is None


def test_the_longest_time_without_a_probe_is_that_of_the_worst_leaf() -> None:
    rows = [("leaf1", 0.1 * n) for n in range(100)] + [("leaf2", 0.1 * n) for n in range(100) if not 30 < n < 42]
    frames = pd.DataFrame({"received_s": [t for _, t in rows], "at": [leaf for leaf, _ in rows]})
    frames = frames.assign(spine="spine1", probe=True)
    assert probe_gap_s(frames, "spine1", 2.0, 9.0) == pytest.approx(1.2)
    assert probe_gap_s(frames, "spine2", 2.0, 9.0) == 7.0


def test_strays_are_what_is_neither_of_a_flow_nor_a_probe() -> None:
    def frame(type_: int, source: str, target: str, at: str) -> dict[str, Any]:
        addresses = {"source": address_number(source), "destination": address_number(target)}
        return {"type": type_, **addresses, "at": at, "spine": "spine1", "bytes": 100, "received_s": 0.0}

    frames = with_pairs(
        pd.DataFrame(
            [
                frame(IPV4, "10.0.1.1", "10.0.2.1", "leaf2"),
                frame(IPV4, "10.0.2.1", "10.0.1.1", "spine1"),  # no flow goes this way
                frame(HULA, "10.0.1.1", "10.0.2.1", "leaf1"),  # what stands there in a probe is no address
                frame(0x88B7, "10.0.1.1", "10.0.2.1", "leaf1"),
                frame(IPV4, "10.0.9.9", "10.0.2.1", "leaf2"),
            ]
        ),
        NAMES,
    )
    assert vars(strays(frames, ["a>b"], "spine1")) == {
        "frames": 3,
        "bytes": 300,
        "neighbour_frames": 2,
        "neighbour_bytes": 200,
    }
    assert list(delivered(frames)["at"]) == ["leaf2"]


def test_every_direction_of_every_link_is_captured_once() -> None:
    found = list(receiving_interfaces(Fabric(leaves=3, spines=2)))
    assert len(found) == len({interface for _, _, interface in found}) == 12


def packets(flow: int, times: list[float], lost: set[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    sent = pd.DataFrame({"flow": flow, "sequence": range(len(times)), "sent_s": times})
    return sent, sent[~sent["sequence"].isin(lost)]


def test_a_flow_is_dead_when_less_than_half_comes_at_the_end() -> None:
    times = [0.1 * n for n in range(100)]
    for lost, dead in (({*range(90, 99)}, 1), ({*range(92, 97)}, 0), ({*range(10, 60)}, 0)):
        numbers = udp_numbers(*packets(100, times, lost), {}, 10.0)["background"]
        assert numbers == {"due": 100, "lost": len(lost), "flows": 1, "dead": dead}


def test_a_packet_from_before_its_knock_is_not_due() -> None:
    sent, received = packets(400, [0.1 * n for n in range(100)], {*range(0, 41)})
    assert udp_numbers(sent, received, {"late": 4.01}, 10.0)["late"] == {"due": 59, "lost": 0, "flows": 1, "dead": 0}
    assert udp_numbers(sent, received, {}, 10.0)["late"]["flows"] == 0


@settings(max_examples=50, deadline=None)
@given(st.floats(1, 500), st.floats(0.05, 0.5), st.floats(0.15, 1.0), st.floats(0, 1, exclude_max=True))
def test_bursts_have_pauses_between_them(rate: float, burst: float, pause: float, phase: float) -> None:
    times = list(moments(5.0, 9.0, rate=rate, burst=burst, pause=pause, phase=phase))
    assert times == sorted(times) and all(5.0 <= moment < 9.0 for moment in times)
    within = max(1, round(burst * rate))
    gaps = np.diff(times)
    long = gaps > 1 / rate * 1.001
    assert np.flatnonzero(long).size <= 4.0 / (burst + pause) + 1
    if within > 1:
        assert np.diff(np.flatnonzero(long)).max(initial=1) <= within


# -- the whole, from files ---------------------------------------------------------------------------------------------


def trial(strategy: str, **more: Any) -> dict[str, Any]:
    udp = {"background": {"due": 10, "lost": 0, "flows": 8, "dead": 0}}
    return {
        "strategy": strategy,
        "repeat": 1,
        "duration": 10.0,
        "udp": udp,
        "lost_packets": 0,
        "tcp_goes_on": True,
        "strays": {"frames": 0, "bytes": 0, "neighbour_frames": 0, "neighbour_bytes": 0},
        "probe_gap_s": 0.1,
        "missing_bytes": 0,
        "delta_loss": 0.0,
        "knocks_made": 3,
        "knocks_kept": 3,
        "share_before": 0.7,
        "share_meanwhile": 0.7,
        "share_after": 0.7,
        "balanced_again_s": 0.0,
        **more,
    }


CHANGE = {"change": {"begin": 3.0, "end": 5.0}, "swap": {"begin": 4.9, "end": 4.95}, "change_s": 2.0}
TRIALS = {
    "no-reconfiguration-1": trial("no-reconfiguration"),
    "none-1": trial("none", **CHANGE, tcp_goes_on=False, balanced_again_s=None, lost_packets=500, knocks_kept=0),
    "none-2": trial("none", **CHANGE, balanced_again_s=4.0, lost_packets=300),
    "state4-1": trial("state4", **CHANGE),
}


def test_the_summary_keeps_the_worst_repeat_and_no_number_that_nobody_measured() -> None:
    numbers = summarise(TRIALS, ["no-reconfiguration", "none", "state4", "precopy"])
    none = numbers["none"]
    assert none["dead"] == 1 and none["flows"] == 9 and none["never_balanced"] == 1 and none["knocks_kept"] == 0
    assert none["lost_packets"]["median"] == 400 and none["balanced_again_s"]["median"] == 4.0
    assert numbers["precopy"]["lost_packets"] is None and numbers["precopy"]["dead"] is None
    assert row(numbers["none"])[1:3] == ["1/9", "never"]
    assert row(numbers["precopy"])[0] == "not judged"


def test_the_figure_needs_files_only(tmp_path: Path) -> None:
    (tmp_path / "trials").mkdir()
    (tmp_path / "samples" / "paths").mkdir(parents=True)
    for name, numbers in TRIALS.items():
        (tmp_path / "trials" / f"{name}.json").write_text(json.dumps(numbers))
        path_bins(down({0.0: 0.7}), SPINES, 10.0).to_parquet(tmp_path / "samples" / "paths" / f"{name}.parquet")
    options = {"strategies": ["none", "state4"], "target": "softswitch", "profile": "paper"}
    (tmp_path / "run.json").write_text(json.dumps({"options": options}))
    figure = plot.draw(plot.Run(tmp_path))
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert "left alone" in texts and any("never balanced again" in text for text in texts)
    written = plot.main(tmp_path)
    assert all(path.stat().st_size > 1000 for path in written)


def test_the_options_of_the_command() -> None:
    options, schedule = fabric.parse(["--quick", "--strategy", "drain,state4", "--rate", "3"])
    assert options.strategies == ("drain", "state4") and schedule.mbit == 3 and schedule.duration == fabric.QUICK_S
    for wrong in (["--duration", "5"], ["--rate", "0"], ["--strategy", "swing_state"]):
        with pytest.raises(SystemExit) as error:
            fabric.parse(wrong)
        assert error.value.code == 2


def test_every_pair_has_a_cell_on_both_spines() -> None:
    entries = fabric.own_entries(Fabric(mbit=fabric.SPINE_MBIT))
    assert entries["spine1"].count('table = "counted"') == len(fabric.PAIRS) == entries["spine2"].count('"counted"')
    assert "shift = 11" in entries["spine1"] and "shift = 10" in entries["spine2"]
    assert "shift = 11" in entries["leaf1"] and "shift = 10" in entries["leaf1"]
