"""Single trials of the experiments, as short as tests need them, on a machine that may be busy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from experiments.harness.sweep import TrialResult

ATTEMPTS = 5


def that_counts(run: Callable[[], TrialResult]) -> TrialResult:
    """As in a sweep, a trial for which the machine had no core is repeated; so is one in which packets were lost.

    A core that is taken away for 0.1 s fills the kernel's queues of received packets (net.core.netdev_max_backlog),
    which no counter of ours shows. If packets are lost each time, it is the switch that loses them: the last trial is
    returned, for the test to fail on. Skips the test if no trial counted for the machine's sake.
    """
    for _ in range(ATTEMPTS):
        result = run()
        measured = result.measured
        if not result.invalid and measured.get("sent_packets") == measured.get("received_packets"):
            return result
    if result.invalid:
        pytest.skip(f"no trial counts on this machine as it is: {'; '.join(result.invalid)}")
    return result
