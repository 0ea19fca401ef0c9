"""The live view of a trial."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from experiments.harness.watch import cores, phase_lines, sent_bytes, sparkline, throughput_mbit, watching


def sample(t: float, sent: int, cells: list[int] | None, **cpu: float) -> dict[str, Any]:
    return {"t": t, "tx_bytes": sent, "cells": cells, "cpu": cpu, "memory": 1}


SAMPLES = [
    sample(1.0, 500, [0, 0], data_plane=2.0),
    sample(1.5, 1_000_500, [500_000, 400_000], data_plane=2.1),
    sample(2.0, 2_000_500, [1_000_000, 900_000], data_plane=2.3, listener=0.2),
]


def test_numbers_come_from_neighbouring_samples() -> None:
    assert throughput_mbit(SAMPLES) == [16.0, 16.0]
    assert sent_bytes(SAMPLES) == 2_000_000
    assert cores(SAMPLES, "data_plane") == pytest.approx(0.3)
    assert cores(SAMPLES, "listener") is None


def test_a_sparkline_goes_from_nothing_to_the_highest() -> None:
    assert sparkline([0.0, 5.0, 10.0, 20.0], 10.0) == " ▄██"
    assert sparkline([0.0], 0.0) == " "


def test_phases_are_lines_with_their_length() -> None:
    events = [
        {"t": 1.0, "phase": "reconfigure", "what": "begin"},
        {"t": 1.1, "phase": "clone_on", "what": "point"},
        {"t": 1.2, "phase": "read_register", "what": "begin", "component": "I.k.pk_reg"},
        {"t": 1.7, "phase": "read_register", "what": "end", "component": "I.k.pk_reg"},
    ]
    assert phase_lines(events) == [
        "   1.00 s  reconfigure",
        "   1.10 s  clone_on",
        "   1.20 s  read_register pk_reg: 500.0 ms",
    ]


def test_the_view_shows_the_trial_that_runs() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=110)
    with watching(10.0, console=console) as show:
        show.begin_trial("state4-1: setting up", 5.0)
        show.news("state4-1", 1.0, SAMPLES, [])
        show.state("state4-1: traffic", 1.0)
        show.log("a line that stays")
        console.print(show.view())
    text = output.getvalue()
    expected_texts = ("state4-1", "16 Mbit/s, 2.0 MB so far", "1.9 MB", "30% of a core", "a line that stays")
    for expected in expected_texts:
        assert expected in text, expected


def test_unreadable_state_is_reported_and_a_repeated_trial_starts_over() -> None:
    output = io.StringIO()
    console = Console(file=output, width=110)
    with watching(10.0, console=Console(file=io.StringIO())) as show:
        show.news("a-1", 1.0, SAMPLES, [])
        show.news("a-1", 2.0, [sample(9.0, 0, [7]), sample(9.5, 1000, None)], [])
        console.print(show.view())
    assert "cannot be read now" in output.getvalue() and "0.0 MB so far" in output.getvalue()
