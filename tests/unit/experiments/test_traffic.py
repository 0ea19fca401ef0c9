"""Senders and receivers without a network: what they report, and whose fault a lost packet is."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.traffic.armed import OwnLossError
from experiments.traffic.receiver import Receiver

TOTALS = {
    "packets": 5,
    "bytes": 50,
    "strange": 0,
    "overflow": 0,
    "first_ns": 1,
    "last_ns": 2,
    "longest_gap_ns": 1,
}


class Ended:
    def __init__(self, totals: dict[str, Any]) -> None:
        self._totals = totals

    def finish(self) -> dict[str, Any]:
        return self._totals


def receiver(**totals: int) -> Receiver:
    made = Receiver.__new__(Receiver)
    made._path = None
    made._process = Ended({**TOTALS, **totals})  # type: ignore[assignment]
    return made


def test_a_receivers_own_loss_is_an_error_and_no_result() -> None:
    assert receiver().finish()[0].packets == 5
    with pytest.raises(OwnLossError, match="lost 3 packets of its own"):
        receiver(overflow=3).finish()
    assert receiver(overflow=3).stop().overflow == 3  # for the caller to judge
