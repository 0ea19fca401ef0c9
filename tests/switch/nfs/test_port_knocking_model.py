"""For any sequence of packets, the firewall does what a small model of it does."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.switch.frames import SERVER, tcp, udp
from tests.switch.harness import Bench

SEQUENCE = (10000, 20000, 30000)
PROTECTED = {("udp", 5000), ("tcp", 5001)}
ALLOWED_HOST = 1


@dataclass
class Firewall:
    """What the entries of port_knocking.p4 describe, in a few lines."""

    stages: dict[int, int] = field(default_factory=dict)

    def passes(self, host: int, kind: str, port: int) -> bool:
        """Whether the server gets the packet. `kind`: syn, ack, udp."""
        if host == ALLOWED_HOST:
            return True
        stage = self.stages.get(host, 0)
        is_knock = kind != "udp" and port in SEQUENCE
        if kind == "syn" and stage < 3:
            if port == SEQUENCE[stage]:
                stage += 1
            else:
                stage = 1 if port == SEQUENCE[0] else 0
            self.stages[host] = stage
            if is_knock:
                return False
        protocol = "udp" if kind == "udp" else "tcp"
        return not is_knock and ((protocol, port) not in PROTECTED or stage == 3)


PACKETS = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from(["syn", "syn", "syn", "ack", "udp"]),
        st.sampled_from([*SEQUENCE, *SEQUENCE, 5000, 5001, 80]),
    ),
    max_size=40,
)


@pytest.mark.parametrize("program", ["port_knocking", "chained"])
def test_the_firewall_is_its_model(program: str) -> None:
    with Bench(program) as bench:

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(PACKETS)
        def same(packets: list[tuple[int, str, int]]) -> None:
            bench.pipeline.reset_state()
            model = Firewall()
            for host, kind, port in packets:
                frame = (
                    udp(host, SERVER, port) if kind == "udp" else tcp(host, SERVER, port, "S" if kind == "syn" else "A")
                )
                assert bench.ports(host, frame) == ([SERVER] if model.passes(host, kind, port) else [])
                assert bench.cell("pk_reg", host) == model.stages.get(host, 0)

        same()
