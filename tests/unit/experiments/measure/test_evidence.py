"""Invalid trials are distinguished from valid ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.harness.phases import Interval
from experiments.measure.evidence import Evidence, problems

GOOD = Evidence(
    traffic=Interval(1.0, 10.0),
    window=Interval(4.0, 6.0),
    swap=Interval(5.9, 5.95),
    latest_packet_ms=3.0,
    slow_packet_ms=1.0,
    control_waited=0.1,
    capture_dropped=0,
    captured_bytes=1000,
    interface_bytes=1000,
    after_reading=0,
    late_knock=5.0,
    knock_deadline=5.9,
)


def test_a_calm_trial_is_valid() -> None:
    assert problems(GOOD) == ()
    assert problems(replace(GOOD, slow_packet_ms=None, control_waited=None)) == ()
    assert problems(replace(GOOD, window=None, swap=None, late_knock=None, knock_deadline=None)) == ()
    assert problems(replace(GOOD, late_knock=7.0, knock_deadline=None)) == ()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"traffic": Interval(3.9, 10.0)}, "began 0.10 s after the flows"),
        ({"traffic": Interval(1.0, 5.5)}, "lasted for -0.45 s after the swap"),
        ({"traffic": Interval(1.0, 6.4)}, "lasted for 0.45 s after the swap"),
        ({"latest_packet_ms": 100.1}, "a sender was 100 ms late"),
        ({"slow_packet_ms": 21.0}, "1 % of the packets took 21 ms"),
        ({"control_waited": 1.2}, "the control plane lacked 1.20 cores"),
        ({"capture_dropped": 1}, "the capture missed 1 frames"),
        ({"captured_bytes": 999}, "the capture has 999 bytes, the interface's counter 1000"),
        ({"after_reading": 2}, "2 frames arrived after the state was read"),
        ({"late_knock": None}, "the knock inside the reconfiguration was not made"),
        ({"late_knock": 5.9}, "came after the swap had begun"),
    ],
)
def test_each_disturbance_is_named(changes: dict[str, object], why: str) -> None:
    [found] = problems(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert why in found


def test_a_busy_machine_may_be_accepted_and_nothing_else() -> None:
    busy = replace(GOOD, latest_packet_ms=999.0, slow_packet_ms=99.0, control_waited=9.0)
    assert len(problems(busy)) == 3
    assert problems(busy, accept_busy=True) == ()
    assert len(problems(replace(busy, capture_dropped=5), accept_busy=True)) == 1


def test_all_that_is_wrong_is_reported() -> None:
    assert len(problems(replace(GOOD, latest_packet_ms=199.0, capture_dropped=5))) == 2
