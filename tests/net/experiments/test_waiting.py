"""state4_exact under traffic as on a switch that cannot hold packets: the new program lets them wait."""

from __future__ import annotations

from pathlib import Path

import pytest

from state4 import strategies
from tests.net.experiments.test_state_under_traffic import loss_trial

NAME = "state4_waiting"
# The control process of the experiment, which is another one than this, finds it by its name.
STRATEGY = f"""
from state4.transfer.gated_swap import reconfigure_waiting


class Waiting:
    name = {NAME!r}
    summary = "state4_exact, though the switch could hold packets"
    needs_cloning = True

    def reconfigure(self, context):
        outcome = reconfigure_waiting(context, self.name)
        assert not outcome.inexact, outcome.inexact
        return outcome


STRATEGY = Waiting()
"""


@pytest.mark.parametrize("rate", [10.0, 60.0])
def test_nothing_is_lost_while_packets_wait_in_the_new_program(
    rate: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{NAME}.py").write_text(STRATEGY)
    monkeypatch.setenv(strategies.SEARCH_PATH_VARIABLE, str(tmp_path))  # of the agent
    monkeypatch.setattr(strategies, "__path__", [*strategies.__path__, str(tmp_path)])
    assert loss_trial(NAME, rate=rate)["delta_loss"] == 0
