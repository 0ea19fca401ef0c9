"""Claim C6: memory and packets."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.claims.base import Verdict
from experiments.claims.c6_overhead import judge_memory, judge_packets
from experiments.claims.stats import spread

HOLDS, FAILS, OPEN = Verdict.HOLDS, Verdict.FAILS, Verdict.NOT_JUDGED


def numbers(series: str, state_bits: int, register_bits: int = 194, header_bits: int = 200) -> dict[str, Any]:
    return {
        "series": series,
        "state_bits": state_bits,
        "added_register_bits": register_bits,
        "header_bits": header_bits,
    }


GOOD = {
    "cells-small": numbers("cells", 1 << 16),
    "cells-large": numbers("cells", 1 << 26, header_bits=232),
    "network-functions-chained": numbers("network functions", 1_900_000, header_bits=592),
}


def test_constant_and_small_additions_hold() -> None:
    claim = judge_memory(GOOD)
    assert claim.verdict is HOLDS
    shown = {finding.what: finding.spread.median for finding in claim.findings}
    assert shown["register bits added to chained.p4"] == 194
    assert shown["growth of a clone's header with 1,024 times the state"] == 32
    assert shown["the same as a share of its state"] == pytest.approx(0.0102, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"cells-large": numbers("cells", 1 << 26, register_bits=195)}, "between 194 and 195 register bits"),
        ({"cells-large": numbers("cells", 1 << 26, header_bits=240)}, "grows by 40 bits"),
        ({"network-functions-chained": numbers("network functions", 194_000)}, "0.10% of the paper's program's state"),
    ],
)
def test_what_breaks_the_claim(change: dict[str, Any], why: str) -> None:
    claim = judge_memory({**GOOD, **change})
    assert claim.verdict is FAILS and why in claim.why


def test_just_below_a_thousandth_is_negligible() -> None:
    assert judge_memory({**GOOD, "network-functions-chained": numbers("network functions", 194_001)}).holds


@pytest.mark.parametrize("missing", ["network-functions-chained", "cells-large"])
def test_too_few_programs_say_nothing(missing: str) -> None:
    few = {name: one for name, one in GOOD.items() if name != missing}
    assert judge_memory(few).verdict is OPEN


def test_what_it_costs_in_time_is_shown() -> None:
    chained = {**GOOD["network-functions-chained"], "cost_percent": {"flag on": spread([80.0, 82.0]).as_dict()}}
    shown = judge_memory({**GOOD, "network-functions-chained": chained}).findings
    assert shown[-1].what == "time per packet of chained.p4, flag on" and shown[-1].spread.median == 81


def point(profile: str = "paper", strategy: str = "state4", **changes: Any) -> dict[str, Any]:
    common = {
        "profile": profile,
        "strategy": strategy,
        "components": 1,
        "state_bytes": 1024,
        "rate": 20.0,
        "packets_unknown": [],
    }
    return {**common, "lost_packets": 0, **changes}


def load(rate: float, lost: int | None = 0, alone: int | None = 0, unknown: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"rate": rate, "lost_packets": lost, "lost_alone": alone, "packets_unknown": list(unknown)}


POINTS = [point("paper"), point("native", state_bytes=64 << 20), point(strategy="none", lost_packets=50)]
LOADS = [load(20), load(120), load(600, lost=40)]


def test_no_lost_packet_holds_whatever_others_lose() -> None:
    claim = judge_packets(POINTS, LOADS)
    assert claim.verdict is HOLDS, claim.why
    assert claim.why == "no packet was lost in 2 points up to 64 MB of state, and none at rates up to 120 Mbit/s"
    assert claim.measured == 0


@pytest.mark.parametrize("profile", ["paper", "native"])
def test_one_lost_packet_breaks_it_in_either_profile(profile: str) -> None:
    claim = judge_packets([*POINTS, point(profile, lost_packets=1)], LOADS)
    assert claim.verdict is FAILS and f"1 packets were lost with 1 KB in 1 registers (profile {profile})" in claim.why


def test_a_packet_lost_at_a_published_rate_breaks_it_and_above_it_is_shown() -> None:
    claim = judge_packets(POINTS, [load(20), load(120, lost=1)])
    assert claim.verdict is FAILS and "1 packets were lost at 120 Mbit/s" in claim.why
    claim = judge_packets(POINTS, [load(120), load(120.5, lost=1)])
    assert claim.holds
    shown = {finding.what: finding for finding in claim.findings}
    assert shown["state4: packets lost at 120.5 Mbit/s"].spread.median == 1
    assert shown["state4: packets lost at 120 Mbit/s"].published == "0"
    assert shown["state4: packets lost at 120.5 Mbit/s"].published == ""


def test_what_the_flow_loses_alone_is_the_machines() -> None:
    claim = judge_packets(POINTS, [load(120, lost=5, alone=2)])
    assert claim.verdict is OPEN and "but 2 of the same flow alone" in claim.why
    assert judge_packets(POINTS, [load(120, lost=5, alone=0)]).verdict is FAILS
    claim = judge_packets([*POINTS, point(lost_packets=3)], [load(20, alone=1), load(120)])
    assert claim.verdict is OPEN and "3 packets were lost" in claim.why and "but 1 of the same flow" in claim.why


def test_where_nobody_knows_what_the_flow_loses_alone_it_is_open() -> None:
    """The trial without a reconfiguration was itself disturbed, or failed."""
    claim = judge_packets(POINTS, [load(20), load(120, lost=5, alone=None)])
    assert claim.verdict is OPEN and "nobody knows how many of the same flow alone" in claim.why
    assert judge_packets(POINTS, [load(20), load(120, lost=0, alone=None)]).holds  # nothing to blame it for
    assert judge_packets([*POINTS, point(lost_packets=3)], [load(20, alone=None), load(120)]).verdict is OPEN


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([point("native", state_bytes=1 << 20)], "published pace (profile paper) was left out"),
        ([point("paper", "none", state_bytes=1 << 20), point("native", state_bytes=1 << 20)], "was left out"),
        ([point("paper", state_bytes=235_999), point("native")], "less state than the paper's 236 KB"),
    ],
)
def test_a_sweep_without_the_published_pace_or_state_was_not_meant_to_judge_it(
    points: list[dict[str, Any]], why: str
) -> None:
    claim = judge_packets(points, LOADS)
    assert (claim.verdict, claim.covered) == (OPEN, False) and why in claim.why
    assert judge_packets([point("paper", state_bytes=236_000)], LOADS).holds


def test_a_failed_reconfiguration_leaves_it_open() -> None:
    claim = judge_packets([*POINTS, point(packets_unknown=["it broke"], lost_packets=None)], LOADS)
    assert claim.verdict is OPEN and "1 KB in 1 registers (profile paper) is unknown: it broke" in claim.why
    assert judge_packets(POINTS, [load(20, lost=None, unknown=("no core",)), load(120)]).verdict is OPEN


def test_slow_flows_alone_do_not_cover_the_published_rates() -> None:
    assert judge_packets(POINTS, [load(20), load(119)]).verdict is OPEN
    assert judge_packets([], LOADS).verdict is OPEN


def test_a_faster_flow_covers_the_published_rate_if_it_loses_nothing() -> None:
    assert judge_packets(POINTS, [load(121)]).holds
    claim = judge_packets(POINTS, [load(20), load(600, lost=40)])
    assert claim.verdict is OPEN and claim.why == "no flow of 120 Mbit/s was measured"
    assert judge_packets(POINTS, [load(120, lost=None)]).verdict is OPEN


def test_without_state4_it_was_not_asked_for() -> None:
    claim = judge_packets([], [], asked=("none",))
    assert (claim.verdict, claim.covered) == (OPEN, False)
