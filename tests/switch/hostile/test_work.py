"""Programs whose passes are slow, or whose packets grow: what one packet sets off ends soon, others go on."""

from __future__ import annotations

from softswitch.dataplane.stats import Drop
from tests.switch.scene import program, running

AT_ONCE = 65_536
"""Passes that a packet's clones and replicas may have together."""
SLOW = "for (bit<32> i in 0..600000) { hdr.h.x = (hdr.h.x ^ (bit<64>)i) * 64w6364136223846793005; }"
FIELDS = "bit<8> a; bit<8> b; bit<16> c; bit<64> x;"
FRAME = "010000000000000000000000"
OTHER = "020000000000000000000000"


def test_clones_that_are_slow() -> None:
    """a == 1: two clones of each clone, each of which takes half a millisecond or more. Others are forwarded."""
    text = program(fields=FIELDS, egress=f"if (hdr.h.a == 1) {{ {SLOW} clone(CloneType.E2E, 1); }}")
    with running(text) as s:
        s.switch.set_clone_session(1, [(1, 1), (1, 2)])
        assert s.send(FRAME)
        stats = s.switch.stats()
        assert stats.drops[Drop.PASSES] > 0
        assert stats.passes < AT_ONCE // 4
        assert s.send(OTHER) == [(1, OTHER)]


def test_replicas_that_are_slow() -> None:
    """One packet, 20,000 replicas."""
    text = program(fields=FIELDS, ingress="std.mcast_grp = 1;", egress=f"if (hdr.h.a == 1) {{ {SLOW} }}")
    count = 20_000
    with running(text) as s:
        s.switch.set_multicast_group(1, [(1, instance) for instance in range(count)])
        sent = len(s.send(FRAME))
        assert 0 < sent < count
        assert s.switch.stats().drops[Drop.PASSES] == count - sent
        assert len(s.send(OTHER)) == count


def test_quick_passes_are_all_run() -> None:
    """Each packet becomes two, twelve times: 8,190 further passes, and none is dropped."""
    times = 12
    text = program(
        fields=FIELDS,
        ingress="std.mcast_grp = 1; hdr.h.c = hdr.h.c + 1;",
        egress=f"if (hdr.h.c <= {times}) {{ recirculate_preserving_field_list(0); }}",
    )
    with running(text) as s:
        s.switch.set_multicast_group(1, [(1, 1), (1, 2)])
        assert len(s.send(FRAME)) == 1 << times + 1
        stats = s.switch.stats()
        assert stats.passes == (1 << times + 1) - 2
        assert not any(stats.drops.values())


def test_a_packet_that_grows() -> None:
    """It gains 256 bytes each time that it is recirculated, until it is longer than any frame."""
    text = program(
        declarations="header large_t { bit<2048> f; }",
        headers="large_t large;",
        ingress="hdr.large.setValid();",
        egress="recirculate_preserving_field_list(0);",
    )
    with running(text) as s:
        assert s.send("01020304") == []
        assert s.switch.stats().drops[Drop.PASSES] == 1
        assert s.switch.stats().passes == 65_536 // 256 - 1
