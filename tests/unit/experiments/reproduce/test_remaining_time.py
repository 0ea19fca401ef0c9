"""The estimate of the remaining time."""

from __future__ import annotations

import pytest

from experiments.report.text import duration_in_words
from experiments.reproduce.remaining_time import remaining_s, speed_factor


def test_nothing_finished_is_as_expected() -> None:
    assert speed_factor([]) == 1.0


def test_a_slow_machine_is_slow_later_too() -> None:
    assert speed_factor([(60, 90), (40, 60)]) == 1.5


def test_one_strange_experiment_does_not_decide_everything() -> None:
    assert speed_factor([(1.0, 100.0)]) == 5.0
    assert speed_factor([(100.0, 0.0)]) == 0.2


def test_the_current_experiment_is_believed_more_the_further_it_is() -> None:
    assert remaining_s(100, 0, 0.0) == 100
    assert remaining_s(100, 30, 0.0) == 70
    assert remaining_s(100, 90, 0.5) == pytest.approx(50)  # 90 by its own word, 10 by expectation
    assert remaining_s(100, 150, 1.0) == 0
    assert remaining_s(100, 150, 0.0) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "less than a minute"), (70, "about 1 min"), (3599, "about 1 h"), (7800, "about 2 h 10 min")],
)
def test_duration_in_words(seconds: float, text: str) -> None:
    assert duration_in_words(seconds) == text
