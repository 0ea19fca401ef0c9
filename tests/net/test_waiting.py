"""state4_exact under traffic on a switch that cannot hold packets: the new program lets them wait."""

from __future__ import annotations

import pytest

from state4.targets.p4runtime import P4RuntimeTarget
from tests.net.test_state_under_traffic import loss_trial


@pytest.mark.parametrize("rate", [10.0, 60.0])
def test_nothing_is_lost_while_packets_wait_in_the_new_program(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    monkeypatch.setattr(P4RuntimeTarget, "can_hold", property(lambda _: False))
    monkeypatch.setattr(P4RuntimeTarget, "hold", lambda *_: held.append("hold"))
    monkeypatch.setattr(P4RuntimeTarget, "hand_over", lambda *_: held.append("hand over"))
    assert loss_trial("state4_exact", rate=rate)["delta_loss"] == 0
    assert not held
