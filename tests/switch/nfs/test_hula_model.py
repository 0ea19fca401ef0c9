"""For any sequence of probes, packets and pauses, HULA's registers and hops are those of a small model.

The switch and its entries are those of test_hula.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.switch.harness import START_US, Bench
from tests.switch.nfs.test_hula import (
    ENTRIES,
    FLOWLET_TIMEOUT,
    L2,
    LINK_WINDOW,
    MS,
    PATH_TIMEOUT,
    SHIFT,
    TOR,
    A,
    B,
    data,
    entry,
    hop,
    tell,
)

MEASURED = (1, A, B)


@dataclass
class Hula:
    """The algorithm for one destination, with a cell for every flow."""

    now: int = START_US
    best: tuple[int, int, int] = (0, 0, 0)  # hop, utilisation, time
    flowlets: dict[int, tuple[int, int]] = field(default_factory=dict)  # hop, time
    links: dict[int, tuple[int, int]] = field(default_factory=dict)  # bytes, time

    def load(self, port: int) -> int:
        load, time = self.links.get(port, (0, 0))
        gap = self.now - time
        return 0 if gap >= LINK_WINDOW else load - load * gap // LINK_WINDOW

    def probe(self, port: int, util: int) -> int:
        util = max(util, min(255, self.load(port) >> SHIFT))
        hop, smallest, time = self.best
        if util < smallest or port == hop or time == 0 or self.now - time > PATH_TIMEOUT:
            self.best = (port, util, self.now)
        return self.best[1]

    def packet(self, flow: int, size: int) -> int:
        hop, time = self.flowlets.get(flow, (0, 0))
        if time == 0 or self.now - time > FLOWLET_TIMEOUT:
            hop = 0
            if self.best[2] and self.now - self.best[2] <= PATH_TIMEOUT:
                hop = self.best[0]
        if hop:
            self.flowlets[flow] = (hop, self.now)
        port = hop or L2
        if port in MEASURED:
            self.links[port] = (self.load(port) + size, self.now)
        return port


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("probe"), st.sampled_from((A, B)), st.integers(0, 255)),
        st.tuples(st.just("data"), st.integers(0, 3), st.just(100)),
        st.tuples(st.just("wait"), st.sampled_from((1, MS, 50 * MS, FLOWLET_TIMEOUT, 400 * MS)), st.integers(0, 2)),
    ),
    max_size=40,
)


@pytest.mark.parametrize("program", ["hula", "chained"])
def test_hula_is_its_model(program: str) -> None:
    with Bench(program, ENTRIES) as bench:

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(STEPS)
        def same(steps: list[tuple[str, int, int]]) -> None:
            bench.pipeline.reset_state()
            model = Hula()
            for what, first, second in steps:
                if what == "wait":
                    model.now += first + second
                    bench.time_us = model.now
                elif what == "probe":
                    assert tell(bench, first, second) == model.probe(first, second)
                else:
                    assert hop(bench, first) == model.packet(first, second)
                assert entry(bench, TOR) == model.best
            for port, (load, time) in model.links.items():
                assert (bench.cell("link_load", port), bench.cell("link_time", port)) == (load, time)
            bench.time_us = START_US

        assert len(data()) == 100
        same()
