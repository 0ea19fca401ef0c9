"""Mutated frames through real interfaces, under the sanitizers; `make fuzz` sends 60,000."""

from __future__ import annotations

import pytest

from tests.net.fuzz_interfaces import ask, fuzz, switch
from tests.net.veths import Veths

pytestmark = pytest.mark.long


def test_mutated_super_frames() -> None:
    counts = fuzz("nat", 500)
    assert counts["sent"] > 250
    assert counts["rx"] > 500  # super-frames are split


def test_a_switch_that_ends_is_a_failure() -> None:
    with Veths(2) as net, pytest.raises(AssertionError, match="counts: exit code -9"), switch(net, "counts") as process:
        ask(process)
        process.kill()
        process.wait()
        ask(process)
