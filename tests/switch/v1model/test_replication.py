"""Clones, multicast, resubmitted and recirculated packets of a P4 program, as simple_switch orders and fills them.

The program of these tests does what the first byte of a packet asks for, and writes what egress sees into the packet:

    [ op  arg | type rid kept other in out  passes ] payload
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from softswitch.dataplane.stats import Drop
from tests.switch.scene import Scene, running, scene

NORMAL, INGRESS_CLONE, EGRESS_CLONE, RECIRCULATED, REPLICATED, RESUBMITTED = 0, 1, 2, 4, 5, 6

PROGRAM = """
#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>
header ask_t { bit<8> op; bit<8> arg; }
header tell_t { bit<8> type; bit<8> rid; bit<8> kept; bit<8> other; bit<8> into; bit<8> out_of; bit<8> passes; }
struct headers_t { ask_t ask; tell_t tell; }
struct metadata_t {
    @field_list(1) bit<8> kept;
    @field_list(2, 3) bit<8> other;
    bit<8> lost;
    bit<8> parsed_type;
}
parser P(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start {
        meta.parsed_type = (bit<8>)std.instance_type;
        packet.extract(hdr.ask);
        packet.extract(hdr.tell);
        transition accept;
    }
}
control Verify(inout headers_t hdr, inout metadata_t meta) { apply { } }
control I(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        bit<8> type = (bit<8>)std.instance_type;
        std.egress_spec = 1;
        hdr.tell.passes = hdr.tell.passes + 1;
        INGRESS
        meta.lost = 0x99;
    }
}
control E(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        hdr.tell.type = (bit<8>)std.instance_type;
        hdr.tell.rid = (bit<8>)std.egress_rid;
        hdr.tell.kept = meta.kept;
        hdr.tell.other = meta.other;
        hdr.tell.into = (bit<8>)std.ingress_port;
        hdr.tell.out_of = (bit<8>)std.egress_port;
        EGRESS
    }
}
control Compute(inout headers_t hdr, inout metadata_t meta) { apply { } }
control D(packet_out packet, in headers_t hdr) { apply { packet.emit(hdr); } }
V1Switch(P(), Verify(), I(), E(), Compute(), D()) main;
"""


def program(ingress: str = "", egress: str = "") -> str:
    return PROGRAM.replace("INGRESS", ingress).replace("EGRESS", egress)


@dataclass(frozen=True)
class Sent:
    """What came out of `port`. `op`, `arg` and `passes` are the header as sent; the rest is what egress saw."""

    port: int
    type: int
    rid: int = 0
    kept: int = 0
    other: int = 0
    into: int = 0
    passes: int = 1
    op: int = 0
    arg: int = 0


def send(s: Scene, op: int = 0, arg: int = 0, port: int = 3, payload: bytes = b"rest") -> list[Sent]:
    frames = s.switch.inject(port, bytes([op, arg]) + bytes(7) + payload)
    found = []
    for number, frame in frames:
        assert frame[7] == number and frame[9:] == payload
        found.append(Sent(number, frame[2], frame[3], frame[4], frame[5], frame[6], frame[8], frame[0], frame[1]))
    return found


# ---- clones of ingress ----


def test_a_clone_keeps_the_final_values_of_its_field_list_and_nothing_else() -> None:
    ingress = """
    meta.kept = 1; meta.other = 2;
    clone_preserving_field_list(CloneType.I2E, 5, 1);
    meta.kept = 7; meta.other = 8;
    hdr.ask.arg = 0xee;
    """
    with running(program(ingress)) as s:
        s.switch.set_clone_session(5, [(2, 9)])
        clone, original = send(s, 1)
        # the clone is the packet as it came in: its header was not changed, and its port is not kept
        assert clone == Sent(2, INGRESS_CLONE, rid=9, kept=7, passes=0, op=1)
        assert original == Sent(1, NORMAL, kept=7, other=8, into=3, op=1, arg=0xEE)


def test_clone_without_a_list_keeps_nothing() -> None:
    with running(program("meta.kept = 1; meta.other = 2; clone(CloneType.I2E, 5);")) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert send(s)[0] == Sent(2, INGRESS_CLONE, passes=0)


def test_the_last_clone_of_a_pass_wins_with_its_session_and_its_list() -> None:
    ingress = """
    meta.kept = 1; meta.other = 2;
    clone_preserving_field_list(CloneType.I2E, 5, 1);
    if (hdr.ask.op == 1) { clone_preserving_field_list(CloneType.I2E, 6, 2); }
    if (hdr.ask.op == 2) { clone(CloneType.I2E, 6); }
    """
    with running(program(ingress)) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        s.switch.set_clone_session(6, [(4, 0)])
        assert send(s)[0] == Sent(2, INGRESS_CLONE, kept=1, passes=0)
        assert [(t.port, t.kept, t.other) for t in send(s, 1)] == [(4, 0, 2), (1, 1, 2)]
        assert [(t.port, t.kept, t.other) for t in send(s, 2)] == [(4, 0, 0), (1, 1, 2)]


def test_a_field_may_be_in_several_lists() -> None:
    ingress = "meta.kept = 1; meta.other = 2; clone_preserving_field_list(CloneType.I2E, 5, 3);"
    with running(program(ingress)) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert send(s)[0] == Sent(2, INGRESS_CLONE, other=2, passes=0)


@pytest.mark.parametrize("order", ["{clone} {drop}", "{drop} {clone}"])
def test_a_dropped_packet_is_cloned_all_the_same(order: str) -> None:
    ingress = order.format(clone="clone(CloneType.I2E, 5);", drop="mark_to_drop(std);")
    with running(program(ingress)) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert send(s) == [Sent(2, INGRESS_CLONE, passes=0)]
        assert s.switch.stats().drops[Drop.INGRESS] == 1


def test_an_unknown_session_clones_nothing_and_session_zero_is_a_session() -> None:
    with running(program("clone(CloneType.I2E, (bit<32>)hdr.ask.arg);")) as s:
        assert [t.port for t in send(s, arg=9)] == [1]
        s.switch.set_clone_session(0, [(2, 0)])
        assert [t.port for t in send(s, arg=0)] == [2, 1]


def test_a_session_with_several_ports_makes_as_many_clones() -> None:
    with running(program("meta.kept = 3; clone_preserving_field_list(CloneType.I2E, 5, 1);")) as s:
        s.switch.set_clone_session(5, [(2, 1), (4, 2), (2, 3)])
        assert send(s) == [
            Sent(2, INGRESS_CLONE, rid=1, kept=3, passes=0),
            Sent(4, INGRESS_CLONE, rid=2, kept=3, passes=0),
            Sent(2, INGRESS_CLONE, rid=3, kept=3, passes=0),
            Sent(1, NORMAL, kept=3, into=3),
        ]


def test_a_clone_may_itself_be_dropped_in_egress() -> None:
    with running(program("clone(CloneType.I2E, 5);", "if (std.instance_type == 1) { mark_to_drop(std); }")) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert [t.port for t in send(s)] == [1]


# ---- clones of egress ----

ONCE = "if (std.instance_type != 2) {{ {} }}"


def test_a_clone_of_egress_has_the_changed_headers_and_runs_egress_again() -> None:
    egress = ONCE.format("""
        meta.kept = 4; hdr.ask.arg = 0xcc;
        clone_preserving_field_list(CloneType.E2E, 5, 1);
        meta.kept = 5; meta.other = 6; hdr.ask.op = 0xdd;
    """)
    with running(program("meta.kept = 1;", egress)) as s:
        s.switch.set_clone_session(5, [(2, 8), (4, 9)])
        sent = send(s)
        assert sent[0] == Sent(1, NORMAL, kept=1, into=3, op=0xDD, arg=0xCC)
        assert sent[1:] == [
            Sent(2, EGRESS_CLONE, rid=8, kept=5, op=0xDD, arg=0xCC),
            Sent(4, EGRESS_CLONE, rid=9, kept=5, op=0xDD, arg=0xCC),
        ]


def test_dropping_in_egress_keeps_the_clone_of_egress() -> None:
    with running(program(egress=ONCE.format("clone(CloneType.E2E, 5); mark_to_drop(std);"))) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert [(t.port, t.type) for t in send(s)] == [(2, EGRESS_CLONE)]
        assert s.switch.stats().drops[Drop.EGRESS] == 1


def test_a_packet_can_be_cloned_in_ingress_and_in_egress() -> None:
    egress = "if (std.instance_type == 0) { clone(CloneType.E2E, 6); }"
    with running(program("clone(CloneType.I2E, 5);", egress)) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        s.switch.set_clone_session(6, [(4, 0)])
        assert [(t.port, t.type) for t in send(s)] == [(2, INGRESS_CLONE), (1, NORMAL), (4, EGRESS_CLONE)]


def test_a_clone_of_egress_has_the_headers_without_computed_checksums() -> None:
    """They are computed after egress, before the deparser, which such a clone does not reach."""
    with scene(
        fields="bit<16> sum; bit<8> seen; bit<8> b;",
        egress="""
        if (std.instance_type == 2) { hdr.h.seen = hdr.h.sum[7:0]; }
        else { clone(CloneType.E2E, 5); }
        """,
        compute="update_checksum(true, { hdr.h.b }, hdr.h.sum, HashAlgorithm.xor16);",
    ) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert s.send("00110022") == [(1, "22000022"), (2, "22001122")]


# ---- multicast ----


def test_replicas_have_their_instance_and_all_metadata() -> None:
    with running(program("std.mcast_grp = (bit<16>)hdr.ask.arg; meta.kept = 4; meta.other = 5;")) as s:
        s.switch.set_multicast_group(7, [(2, 10), (3, 11), (2, 12)])
        assert send(s, arg=7) == [
            Sent(port, REPLICATED, rid=rid, kept=4, other=5, into=3, arg=7) for port, rid in ((2, 10), (3, 11), (2, 12))
        ]
        assert send(s, arg=8) == []  # a group that is not there
        assert s.switch.stats().drops[Drop.NO_GROUP] == 1
        assert [t.type for t in send(s, arg=0)] == [NORMAL]


def test_mark_to_drop_undoes_multicast_and_a_later_group_undoes_the_drop() -> None:
    ingress = """
    if (hdr.ask.op == 1) { std.mcast_grp = 7; mark_to_drop(std); }
    if (hdr.ask.op == 2) { mark_to_drop(std); std.mcast_grp = 7; }
    if (hdr.ask.op == 3) { mark_to_drop(std); std.egress_spec = 4; }
    if (hdr.ask.op == 4) { std.egress_spec = 511; }
    """
    with running(program(ingress)) as s:
        s.switch.set_multicast_group(7, [(2, 0)])
        assert [[t.port for t in send(s, op)] for op in (1, 2, 3, 4)] == [[], [2], [4], []]


def test_a_replica_dropped_in_egress_leaves_the_others() -> None:
    with running(program("std.mcast_grp = 7;", "if (std.egress_rid == 2) { mark_to_drop(std); }")) as s:
        s.switch.set_multicast_group(7, [(1, 1), (2, 2), (3, 3)])
        assert [t.port for t in send(s)] == [1, 3]


def test_what_one_replica_does_to_its_headers_the_others_do_not_see() -> None:
    egress = "hdr.ask.arg = hdr.ask.arg + (bit<8>)std.egress_rid; meta.kept = 1;"
    with running(program("std.mcast_grp = 7;", egress)) as s:
        s.switch.set_multicast_group(7, [(1, 1), (2, 2), (3, 3)])
        assert [(t.arg, t.kept) for t in send(s)] == [(1, 0), (2, 0), (3, 0)]


def test_clone_and_multicast_together() -> None:
    with running(program("std.mcast_grp = 7; clone(CloneType.I2E, 5);")) as s:
        s.switch.set_multicast_group(7, [(2, 0), (3, 0)])
        s.switch.set_clone_session(5, [(4, 0)])
        assert [(t.port, t.type) for t in send(s)] == [(4, INGRESS_CLONE), (2, REPLICATED), (3, REPLICATED)]


# ---- round again ----


def test_a_resubmitted_packet_starts_as_it_came_with_the_final_values_of_its_list() -> None:
    ingress = """
    hdr.ask.arg = 0xaa;
    if (std.instance_type == 0) {
        meta.kept = 1;
        resubmit_preserving_field_list(1);
        meta.kept = 2; meta.other = 3; mark_to_drop(std); std.mcast_grp = 7;
    } else { hdr.ask.op = type; }
    """
    with running(program(ingress)) as s:
        s.switch.set_multicast_group(7, [(2, 0)])
        # resubmitting comes before multicast and drop; `instance_type` is that of a normal packet again in egress
        assert send(s) == [Sent(1, NORMAL, kept=2, op=RESUBMITTED, arg=0xAA)]


def test_the_last_resubmit_wins_and_parsers_see_what_was_kept() -> None:
    ingress = """
    if (type == 0) {
        meta.kept = 1; meta.other = 2;
        resubmit_preserving_field_list(1); resubmit_preserving_field_list(2);
    } else { hdr.ask.op = meta.parsed_type; hdr.ask.arg = meta.lost; }
    """
    with running(program(ingress)) as s:
        assert send(s) == [Sent(1, NORMAL, other=2, op=RESUBMITTED)]


def test_clone_digest_and_resubmit_of_one_pass() -> None:
    ingress = """
    if (type == 0) { clone(CloneType.I2E, 5); digest<bit<8>>(1, hdr.ask.arg); resubmit_preserving_field_list(1); }
    """
    with running(program(ingress)) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert [(t.port, t.type) for t in send(s, arg=6)] == [(2, INGRESS_CLONE), (1, NORMAL)]
        message = s.switch.next_digest()
        assert message is not None and message.fields == (6,)
        assert s.switch.next_digest() is None


def test_a_recirculated_packet_is_what_the_deparser_made() -> None:
    ingress = "if (type == 4) { hdr.ask.op = type; hdr.ask.arg = meta.kept; }"
    egress = """
    if (hdr.tell.passes < 3) {
        meta.kept = 0x20 + hdr.tell.passes;
        recirculate_preserving_field_list(1);
        meta.other = 9;
    }
    """
    with running(program(ingress, egress)) as s:
        assert send(s) == [Sent(1, NORMAL, kept=0x22, passes=3, op=RECIRCULATED, arg=0x22)]


def test_recirculation_asked_for_in_ingress_happens_after_egress_but_not_to_replicas() -> None:
    ingress = """
    meta.kept = 3;
    if (type == 0 && hdr.ask.op > 0) { recirculate_preserving_field_list(1); }
    if (hdr.ask.op == 2) { std.mcast_grp = 7; }
    """
    with running(program(ingress, "hdr.ask.arg = hdr.ask.arg + 1;")) as s:
        s.switch.set_multicast_group(7, [(2, 0), (4, 0)])
        assert [(t.port, t.passes, t.arg) for t in send(s, 0)] == [(1, 1, 1)]
        assert [(t.port, t.passes, t.arg) for t in send(s, 1)] == [(1, 2, 2)]
        assert [(t.port, t.passes, t.arg) for t in send(s, 2)] == [(2, 1, 1), (4, 1, 1)]


def test_dropping_comes_before_recirculating() -> None:
    with running(program(egress="recirculate_preserving_field_list(1); mark_to_drop(std);")) as s:
        assert send(s) == []


def test_a_recirculated_packet_has_no_ingress_port_and_its_new_length() -> None:
    with scene(
        declarations="header one_t { bit<8> v; }",
        headers="one_t n;",
        fields="bit<8> pass; bit<8> length; bit<8> port; bit<8> sum;",
        ingress="""
        hdr.h.length = (bit<8>)std.packet_length; hdr.h.port = (bit<8>)std.ingress_port;
        if (hdr.h.pass == 0) { hdr.n.setValid(); hdr.n.v = 0x55; }
        """,
        egress="""
        hdr.h.sum = hdr.h.sum + (bit<8>)std.packet_length;
        if (hdr.h.pass == 0) { hdr.h.pass = 1; recirculate_preserving_field_list(0); }
        """,
    ) as s:
        # 6 bytes come in; egress sees 7, for a header was added; so does ingress the second time
        assert s.out("00000000aabb", port=6) == "0107000e55aabb"


def test_a_clone_of_a_recirculated_packet() -> None:
    ingress = "if (type == 4) { clone(CloneType.I2E, 5); }"
    egress = "if (hdr.tell.passes == 1 && std.instance_type == 0) { recirculate_preserving_field_list(0); }"
    with running(program(ingress, egress)) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        # the clone is the packet as it entered ingress the second time
        assert send(s) == [Sent(2, INGRESS_CLONE, passes=1), Sent(1, NORMAL, passes=2)]


def test_fields_given_as_data_are_kept_by_their_final_values_too() -> None:
    """clone3, resubmit and recirculate with data, as used by programs of before 2021."""
    old = program(
        """
        if (type == 0 && hdr.ask.op == 1) { resubmit({ meta.kept, std }); meta.kept = 5; }
        clone3(CloneType.I2E, 5, { meta.kept, meta.other });
        meta.kept = meta.kept + 6; meta.other = 7;
        """
    ).replace("#define V1MODEL_VERSION 20200408", "#define V1MODEL_VERSION 20180101")
    with running(old) as s:
        s.switch.set_clone_session(5, [(2, 0)])
        assert send(s)[0] == Sent(2, INGRESS_CLONE, kept=6, other=7, passes=0)
        assert send(s, 1)[-1] == Sent(1, NORMAL, kept=17, other=7, into=3, op=1)
