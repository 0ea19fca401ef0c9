"""Programs whose headers and metadata are large: packets that go round take bounded memory."""

from __future__ import annotations

from softswitch.dataplane.stats import Drop
from tests.switch.scene import program, running

PACKET_MIB = 4
DOUBLINGS = 8
"""256 packets at the same time, 1 GiB."""


def test_packets_that_multiply_take_bounded_memory() -> None:
    header = f"header large_t {{ {' '.join(f'bit<2048> f{i};' for i in range(64))} }}"
    text = program(
        declarations=header,
        metadata=f"large_t[{PACKET_MIB * 64}] s;",
        ingress="std.mcast_grp = 1; hdr.h.c = hdr.h.c + 1;",
        egress=f"if (hdr.h.c <= {DOUBLINGS}) {{ recirculate_preserving_field_list(0); }} else {{ mark_to_drop(std); }}",
    )
    with running(text) as s:
        s.switch.set_multicast_group(1, [(1, 1), (1, 2)])
        assert s.send("01020004") == []
        drops = s.switch.stats().drops
        assert drops[Drop.QUEUE] + drops[Drop.PASSES] > 0  # memory or time, whichever this machine has less of
