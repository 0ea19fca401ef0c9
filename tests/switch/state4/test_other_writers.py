"""Other controllers write while the program is changed: what was acknowledged to them is in the new program.

Packets and writes come between all steps, to a switch whose program is changed and to one that is left alone.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.switch.state4.writers import Lockstep

SCHEDULES = int(os.environ.get("STATE4_SCHEDULES", "60"))
seeds = st.integers(0, 1 << 30)
some = settings(max_examples=SCHEDULES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.timeout(600 + SCHEDULES)
@pytest.mark.parametrize("strategy", ["state4_exact", "reconcile", "controller", "state4", "swing_state"])
@some
@given(seeds, st.booleans())
def test_no_acknowledged_write_is_lost(strategy: str, seed: int, renamed: bool) -> None:
    # Without packets where a strategy loses what packets write, so that every difference is a writer's.
    run = Lockstep(
        strategy, seed, renamed=renamed and strategy != "reconcile", packets=strategy in ("state4_exact", "reconcile")
    ).run()
    assert run.differences == []
