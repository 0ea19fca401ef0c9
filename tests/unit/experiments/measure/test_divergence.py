"""State compared with the wire: what is missing, since when, and what the parts of a switch used in that time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.harness.phases import Interval
from experiments.measure.divergence import (
    Delta,
    by_flow,
    cpu_between,
    cpu_share,
    error_before,
    missing_over_time,
    wire_bytes_until,
)


def frames(*arrivals: tuple[float, int]) -> pd.DataFrame:
    return pd.DataFrame(list(arrivals), columns=["received_s", "bytes"])


FRAMES = frames((1.0, 100), (2.0, 200), (3.0, 300))


def test_delta_loss_is_what_the_state_lacks_of_the_wire() -> None:
    assert Delta.of(1000, 900) == Delta(1000, 900, 100, 0.1)
    assert Delta.of(1000, 1000).delta_loss == 0
    assert Delta.of(1000, 0).delta_loss == 1
    assert Delta.of(1000, 1100) == Delta(1000, 1100, -100, -0.1)  # never hidden


def test_nothing_on_the_wire_is_no_loss_of_zero() -> None:
    with pytest.raises(ValueError, match="no bytes on the wire"):
        Delta.of(0, 0)


def test_bytes_by_flow_name_each_flow_once() -> None:
    assert by_flow({"a": 5, "b": 7}, {"b": 6, "c": 1}) == {
        "a": {"wire_bytes": 5, "state_bytes": 0},
        "b": {"wire_bytes": 7, "state_bytes": 6},
        "c": {"wire_bytes": 0, "state_bytes": 1},
    }


def test_a_frame_counts_from_the_moment_of_its_arrival() -> None:
    assert wire_bytes_until(FRAMES, np.array([0.5, 1.0, 2.5, 9.0])).tolist() == [0, 100, 300, 600]
    assert wire_bytes_until(frames(), np.array([1.0])).tolist() == [0]


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(60, 1514)), max_size=30), st.integers(0, 1001))
def test_the_wire_until_a_moment_is_the_sum_of_what_came_until_then(
    arrivals: list[tuple[int, int]], moment: int
) -> None:
    table = frames(*((float(at), size) for at, size in sorted(arrivals)))
    expected = sum(size for at, size in arrivals if at <= moment)
    assert wire_bytes_until(table, np.array([float(moment)])).tolist() == [expected]


SAMPLES = pd.DataFrame({"t": [0.0, 1.5, 2.5, 3.5], "state_bytes": [0.0, 100.0, np.nan, 250.0]})


def test_what_is_missing_over_time() -> None:
    missing = missing_over_time(FRAMES, SAMPLES)
    assert missing["t"].tolist() == [0.0, 1.5, 3.5]  # the sample that could not be taken is not 0
    assert missing["wire_bytes"].tolist() == [0, 100, 600]
    assert missing["missing_bytes"].tolist() == [0, 0, 350]


def test_samples_of_another_program_are_left_out() -> None:
    missing = missing_over_time(FRAMES, SAMPLES, unreadable=Interval(1.0, 2.0))
    assert missing["t"].tolist() == [0.0, 3.5]


def test_the_error_of_sampling_is_looked_for_before_anything_can_be_missing() -> None:
    missing = pd.DataFrame({"t": [0.0, 1.0, 2.0], "missing_bytes": [0, -1514, 90_000]})
    assert error_before(missing, 1.5) == 1514
    assert error_before(missing, 0.0) is None


CPU = pd.DataFrame(
    {
        "t": [0.0, 1.0, 2.0, 3.0],
        "data_plane_s": [5.0, 5.2, 5.5, 5.6],
        "listener_s": [np.nan, np.nan, 0.4, 0.7],
        "control_plane_s": [np.nan] * 4,
    }
)


def test_cpu_of_a_stretch_comes_from_the_samples_around_it() -> None:
    assert cpu_between(CPU, "data_plane", 1.0, 2.0) == pytest.approx(0.3)
    assert cpu_between(CPU, "data_plane", 0.5, 2.5) == pytest.approx(0.6)


def test_a_part_that_appears_had_used_nothing_before() -> None:
    assert cpu_between(CPU, "listener", 1.0, 3.0) == pytest.approx(0.7)


def test_what_was_not_measured_is_none() -> None:
    assert cpu_between(CPU, "control_plane", 0.0, 3.0) is None
    assert cpu_between(CPU, "data_plane", 1.0, 3.5) is None
    assert cpu_between(CPU.iloc[:0], "data_plane", 0.0, 1.0) is None
    assert cpu_share(CPU, "data_plane", 1.2, 1.8) is None
    assert cpu_share(CPU, "control_plane", 0.0, 3.0) is None


def test_a_share_is_of_one_core() -> None:
    assert cpu_share(CPU, "data_plane", 0.0, 2.0) == pytest.approx(0.25)
