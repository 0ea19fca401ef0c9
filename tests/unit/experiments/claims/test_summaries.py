"""What a summary says of each claim, word for word: names of findings are what `make compare` and reports go by.

`summaries/` has it as it should be. After a change that is meant, `python -m
tests.unit.experiments.claims.test_summaries` rewrites it; look at the difference before it is committed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.claims.base import Claim
from experiments.claims.c1_flows_survive import FlowCount, judge_flows_survive
from experiments.claims.c2_disruption import judge_disruption
from experiments.claims.c3_delta_loss import judge_delta_loss
from experiments.claims.c4_loss_windows import judge_loss_windows
from experiments.claims.c5_cloning_cost import judge_cloning_cost
from experiments.claims.c6_overhead import judge_memory, judge_packets
from experiments.claims.c7_network_resources import judge_network_resources
from experiments.claims.stats import spread
from tests.unit.experiments.claims import test_c1_flows_survive as c1
from tests.unit.experiments.claims import test_c2_disruption as c2
from tests.unit.experiments.claims import test_c3_delta_loss as c3
from tests.unit.experiments.claims import test_c4_loss_windows as c4
from tests.unit.experiments.claims import test_c5_cloning_cost as c5
from tests.unit.experiments.claims import test_c6_overhead as c6
from tests.unit.experiments.claims import test_c7_network_resources as c7

FOLDER = Path(__file__).with_name("summaries")
ALONE = {"no-reconfiguration-1": "no core", "no-reconfiguration-rate10-1": "no core"}


def flows_survive(broken: bool = False, **more: Any) -> Claim:
    wrong = c1.published_counts()
    if broken:
        wrong["state4"]["late"] = FlowCount(10, 9, 10, 1, 2)
        wrong["none"]["open"] = FlowCount(1, 1, 0, 0, 0)
    mine = {"open": FlowCount(1, 1, 1, 1, 0), "late": FlowCount(1, 1, 3, 1, 0), "never": FlowCount(1, 1, 0, 0, 0)}
    counts = [c1.published_counts(), {**wrong, "mine": mine}]
    knocks = {"state4": [c1.SERIES, c1.SERIES], "none": [c1.SERIES], "mine": [c1.SERIES]}
    return judge_flows_survive(counts, knocks=knocks, **more)


def disruption(**changes: Any) -> dict[str, dict[str, Any]]:
    def of(*values: float) -> dict[str, Any]:
        return spread(values).as_dict()

    state4 = {"saved_by_next": of(10, 11), "saved_by_last": of(80, 81)}
    state4 |= {"control_cpu_s": of(0.5, 0.6), "control_rss_mb": of(90, 91)}
    return {
        "state4": c2.state4(**state4, **changes),
        "native": {"reconfiguration_s": of(0.05, 0.06)},
        "none": {"swap_ms": of(0.4, 0.5)},
        "no-reconfiguration": {"longest_gap_ms": of(3, 4), "quiet_gap_ms": of(1, 1.1), "lost_packets": 0},
    }


def delta_loss(state4: Any = c3.GOOD, controller: Any = c3.FAR, **more: Any) -> Claim:
    ours = c3.losses(state4=state4, controller=controller, none={10: (0.5,), 120: (0.6,)})
    rates = {"paper": ours, "native": c3.losses(state4={120: (0.0001,)}, controller={120: (0.01,)})}
    small = c3.losses(controller={65536: (0.001,), 1048576: (0.01,)}, state4={65536: (0.0,), 1048576: (0.0,)})
    sizes = {**c3.GROWS, "native": small}
    given: dict[str, Any] = {"asked_rates": (10.0, 120.0), "asked_sizes": (65536, 1048576), **more}
    return judge_delta_loss(rates, given.pop("sizes", sizes), **given)


def loss_windows(**changes: Any) -> dict[str, Any]:
    found = c4.measured(**changes)
    found["none"] = {"updates": [100], "lost_updates": [90]}
    found["nothing"] = {"updates": [0, 5], "lost_updates": [0, 1]}
    return found


CASES: dict[str, Callable[[], Claim | list[Claim]]] = {
    "C1 holds": flows_survive,
    "C1 fails": lambda: flows_survive(broken=True),
    "C1 without State4": lambda: judge_flows_survive(
        [{name: flows for name, flows in c1.published_counts().items() if name != "state4"}], {"state4-1": "no core"}
    ),
    "C2 holds": lambda: judge_disruption(disruption()),
    "C2 better": lambda: judge_disruption(disruption(gap_at_swap_ms=spread([1.0, 1.1]).as_dict())),
    "C2 fails": lambda: judge_disruption(
        disruption(gap_at_swap_ms=spread([50.0, 60.0]).as_dict(), state_kept=False, lost_packets=3)
    ),
    "C2 noisy": lambda: judge_disruption(
        {
            **disruption(gap_at_swap_ms=spread([50.0, 60.0]).as_dict(), lost_packets=3),
            "no-reconfiguration": {"quiet_gap_ms": spread([30.0, 31.0]).as_dict(), "lost_packets": 2},
        }
    ),
    "C2 of an older run": lambda: judge_disruption(
        {"state4": {key: value for key, value in c2.state4().items() if key != "time_is_configured"}}
    ),
    "C2 unpaced": lambda: judge_disruption(disruption(time_is_configured=False)),
    "C2 without State4": lambda: judge_disruption(
        {name: one for name, one in disruption().items() if name != "state4"}, {"state4-1": "no core"}
    ),
    "C2 disturbed": lambda: judge_disruption(
        {name: one for name, one in disruption().items() if name != "no-reconfiguration"}, ALONE
    ),
    "C3 holds": delta_loss,
    "C3 fails": lambda: delta_loss(state4={10: (0.02, 0.03), 120: (-0.2, -0.1)}, controller={10: (0.0,), 120: (0.01,)}),
    "C3 does not grow": lambda: delta_loss(
        sizes={"paper": c3.losses(controller={65536: (0.3, 0.31), 1048576: (0.1, 0.11)})}
    ),
    "C3 inconclusive": lambda: delta_loss(
        state4={10: (0.001, 0.02), 120: (0.003, 0.004)},
        controller={10: (0.01, 0.03), 120: (0.007, 0.03)},
        sizes={"paper": c3.losses(controller={65536: (0.1, 0.3), 1048576: (0.2, 0.4)})},
    ),
    "C3 not at all rates": lambda: delta_loss(
        state4={10: (0.001, 0.002)},
        controller={120: (0.2, 0.21)},
        unusable={"state4-rate120-1": "late", "controller-rate10-1": "no core", "controller-rate60-state65536-1": "x"},
        sizes={"paper": c3.losses(controller={1048576: (0.1,)})},
    ),
    "C3 without sizes": lambda: delta_loss(sizes={}, asked_sizes=(1 << 19, 1 << 20)),
    "C3 one rate": lambda: delta_loss(asked_rates=(60.0,)),
    "C3 one size": lambda: delta_loss(asked_sizes=(1,)),
    "C3 without the controller": lambda: judge_delta_loss(
        {"paper": c3.losses(state4=c3.GOOD)},
        unusable={"controller-rate10-1": "no core"},
        asked_rates=(10.0, 120.0),
        asked_sizes=(1, 2),
    ),
    "C3 disturbed": lambda: delta_loss(unusable=ALONE),
    "C4 holds": lambda: judge_loss_windows(loss_windows()),
    "C4 fails": lambda: judge_loss_windows(
        loss_windows(
            controller_survived_between=3,
            controller_outside_read_and_swap=2,
            state4_taken_and_lost=4,
            state4_unread=5,
            state4_after_swap=6,
            state4_uncloned=7,
        )
    ),
    "C4 overrun": lambda: judge_loss_windows(loss_windows(state4_uncloned=7, controller_between_read_and_swap=0)),
    "C4 without State4": lambda: judge_loss_windows(
        {name: one for name, one in loss_windows().items() if name != "state4"}, {"state4-2": "no core"}
    ),
    "C4 disturbed": lambda: judge_loss_windows(loss_windows(), ALONE),
    "C5 holds": lambda: judge_cloning_cost(c5.measured()),
    "C5 better": lambda: judge_cloning_cost(
        c5.measured(flooded=0.9, state4_100_during=0.9, swing_state_100_before=0.9, swing_state_100_whole=0.99)
    ),
    "C5 fails": lambda: judge_cloning_cost(
        c5.measured(
            flooded=0.2, state4_50_during=0.5, state4_100_before=0.9, state4_100_during=0.1, state4_75_whole=0.5
        )
    ),
    "C5 unknown": lambda: judge_cloning_cost(c5.measured(steady={"agreement": None})),
    "C5 half only": lambda: judge_cloning_cost(c5.measured(loads=("50",))),
    "C5 without 100": lambda: judge_cloning_cost(c5.measured(loads=("75", "50"))),
    "C5 without Swing State": lambda: judge_cloning_cost(c5.measured(asked=("state4",))),
    "C6 memory holds": lambda: judge_memory(c6.GOOD),
    "C6 memory costs": lambda: judge_memory(
        {
            **c6.GOOD,
            "network-functions-chained": {
                **c6.GOOD["network-functions-chained"],
                "cost_percent": {"flag off": spread([1.0]).as_dict(), "flag on": spread([80.0, 82.0]).as_dict()},
            },
        }
    ),
    "C6 memory fails": lambda: judge_memory(
        {
            "cells-small": c6.numbers("cells", 1 << 16, 100),
            "cells-large": c6.numbers("cells", 1 << 20, 200, header_bits=233),
            "network-functions-chained": c6.numbers("network functions", 100_000),
        }
    ),
    "C6 memory of one size": lambda: judge_memory({"cells-small": c6.GOOD["cells-small"]}),
    "C6 packets holds": lambda: judge_packets(c6.POINTS, c6.LOADS),
    "C6 packets fails": lambda: judge_packets(
        [*c6.POINTS, c6.point(lost_packets=2)], [c6.load(20), c6.load(120, lost=1), c6.load(130, lost=9)]
    ),
    "C6 packets alone": lambda: judge_packets(
        [*c6.POINTS, c6.point("native", lost_packets=2)], [c6.load(20, alone=1), c6.load(120, lost=3, alone=4)]
    ),
    "C6 packets failed": lambda: judge_packets(
        [c6.point(packets_unknown=["it broke"], lost_packets=None), *c6.POINTS],
        [c6.load(20, lost=2, alone=None), c6.load(119, lost=None, unknown=("late", "no core"))],
    ),
    "C6 packets of fast flows": lambda: judge_packets(c6.POINTS, [c6.load(600, lost=40)]),
    "C6 packets all failed": lambda: judge_packets(
        [c6.point(state_bytes=1 << 20, packets_unknown=["it broke"], lost_packets=None)], c6.LOADS
    ),
    "C6 packets unmeasured": lambda: judge_packets([], c6.LOADS),
    "C6 packets without State4": lambda: judge_packets(c6.POINTS, c6.LOADS, asked=("none",)),
    "C6 packets unpaced": lambda: judge_packets([c6.point("native")], c6.LOADS),
    "C6 packets of little state": lambda: judge_packets([c6.point()], c6.LOADS),
    "C7 holds": lambda: judge_network_resources(c7.QUIET),
    "C7 fails": lambda: judge_network_resources({**c7.QUIET, "state4": {"stray_frames": [3, 1]}}),
    "C7 alone": lambda: judge_network_resources(
        {**c7.QUIET, "state4": {"stray_frames": [3, 1]}, "no-reconfiguration": {"stray_frames": [5, 1]}}
    ),
    "C7 without State4": lambda: judge_network_resources(
        {"swing_state": c7.QUIET["swing_state"]}, {"state4-1": "late"}
    ),
    "C7 disturbed": lambda: judge_network_resources(
        {name: one for name, one in c7.QUIET.items() if name != "no-reconfiguration"}, ALONE
    ),
}


def claims_of(name: str) -> list[dict[str, Any]]:
    """The claims of a case, with each finding as a line."""
    found = CASES[name]()
    claims = [found] if isinstance(found, Claim) else found
    content: list[dict[str, Any]] = json.loads(json.dumps([claim.as_dict() for claim in claims]))
    for claim in content:
        claim["findings"] = [line(**finding) for finding in claim["findings"]]
        claim["measured"] = rounded(claim["measured"])
    return content


def line(what: str, published: str, spread: dict[str, float], unit: str) -> str:
    numbers = [f"{spread[name]:.6g}" for name in ("median", "low", "high", "minimum", "maximum", "count")]
    return " | ".join((what, published, unit, *numbers))


def rounded(content: Any) -> Any:
    """Numbers rounded to digits that are the same on all machines."""
    if isinstance(content, dict):
        return {key: rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [rounded(value) for value in content]
    return float(f"{content:.6g}") if isinstance(content, float) else content


def file_of(name: str) -> Path:
    return FOLDER / f"{name.partition(' ')[0].lower()}.json"


@pytest.mark.parametrize("name", CASES)
def test_what_a_summary_says(name: str) -> None:
    assert claims_of(name) == json.loads(file_of(name).read_text())[name]


if __name__ == "__main__":
    for path in {file_of(name) for name in CASES}:
        cases = {name: claims_of(name) for name in CASES if file_of(name) == path}
        path.write_text(json.dumps(cases, indent=1) + "\n")
