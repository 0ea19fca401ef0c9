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


@pytest.mark.parametrize("seed", range(3))
def test_what_follows_an_accident(seed: int) -> None:
    """Sockets of an interface that was down say so once, whatever is done with them next."""
    assert fuzz("counts", 120, seed, accident_every=10)["sent"] > 0


def test_a_switch_that_ends_is_a_failure() -> None:
    with Veths(2) as net, pytest.raises(AssertionError, match="counts: exit code -9"), switch(net, "counts") as process:
        ask(process)
        process.kill()
        process.wait()
        ask(process)
