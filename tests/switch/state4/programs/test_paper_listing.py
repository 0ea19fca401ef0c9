"""Instrumented by hand as the paper's Listing 1 has it, with field list 0: every write arrives at the CPU port.

host 1 -- 1   switch   2 -- host 2        510: the CPU port, session 5
"""

from __future__ import annotations

import random

from softswitch.build.program import compile_text
from softswitch.dataplane.switch import Switch

CPU, SESSION = 510, 5
CELLS = 65535

LISTING = """
#include <core.p4>
#include <v1model.p4>

@controller_header("packet_in")
header controller_t {
    bit<8> component;
    bit<24> index;
    bit<80> value;
}
header req_t { bit<8> op; bit<16> cell; bit<32> val; }
struct headers_t { controller_t controller; req_t req; }
struct clone_t {
    @field_list(0) bit<8> component;
    @field_list(0) bit<24> index;
    @field_list(0) bit<80> value;
}
struct metadata_t { clone_t state; bit<1> cloning; }

parser P(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start { packet.extract(hdr.req); transition accept; }
}
control V(inout headers_t hdr, inout metadata_t meta) { apply { } }
control I(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    register<bit<1>>(1) cloning;
    register<bit<32>>(65535) plain;
    register<bit<80>>(16) wide;

    action keep_plain() {
        plain.write((bit<32>)hdr.req.cell, hdr.req.val);
        if (meta.cloning == 1) {
            meta.state.component = 1;
            meta.state.index = (bit<24>)hdr.req.cell;
            meta.state.value = (bit<80>)hdr.req.val;
            clone_preserving_field_list(CloneType.I2E, SESSION, 0);
        }
    }
    action keep_wide(bit<16> high) {
        wide.write((bit<32>)hdr.req.cell & 15, high ++ hdr.req.val ++ 32w7);
        if (meta.cloning == 1) {
            meta.state.component = 2;
            meta.state.index = (bit<24>)hdr.req.cell & 15;
            meta.state.value = high ++ hdr.req.val ++ 32w7;
            clone_preserving_field_list(CloneType.I2E, SESSION, 0);
        }
    }
    table choose {
        key = { hdr.req.op: exact; }
        actions = { keep_plain; keep_wide; NoAction; }
        const entries = { 1: keep_plain(); 2: keep_wide(0xfeed); }
        default_action = NoAction();
    }
    apply {
        cloning.read(meta.cloning, 0);
        std.egress_spec = 2;
        choose.apply();
    }
}
control E(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        if (std.instance_type == 1) {
            hdr.controller.setValid();
            hdr.controller.component = meta.state.component;
            hdr.controller.index = meta.state.index;
            hdr.controller.value = meta.state.value;
            truncate(14);
        }
    }
}
control C(inout headers_t hdr, inout metadata_t meta) { apply { } }
control D(packet_out packet, in headers_t hdr) { apply { packet.emit(hdr.controller); packet.emit(hdr.req); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
""".replace("SESSION", str(SESSION))


def requests(count: int) -> list[bytes]:
    chosen = random.Random(5)
    return [
        bytes((chosen.choice((0, 1, 2)),))
        + chosen.randrange(CELLS).to_bytes(2, "big")
        + chosen.randrange(1 << 32).to_bytes(4, "big")
        + bytes(20)
        for _ in range(count)
    ]


def test_every_write_leaves_as_fourteen_bytes_with_its_component_index_and_value() -> None:
    frames = requests(200)
    with Switch() as switch:
        for port in (1, 2):
            switch.add_memory_port(port)
        pipeline = switch.load(compile_text(LISTING, "listing.p4"))
        switch.commit(pipeline)
        switch.set_clone_session(SESSION, [(CPU, 0)])
        for frame in frames[:50]:
            assert switch.inject(1, frame) == [(2, frame)]  # nothing is cloned while the flag is 0
        pipeline.registers["I.cloning"].write(0, [1])
        state: dict[tuple[int, int], int] = {}
        for frame in frames[50:]:
            out = dict(switch.inject(1, frame))
            assert out.pop(2) == frame
            clone = out.pop(CPU, None)
            assert (clone is not None) == (frame[0] != 0) and not out
            if clone is not None:
                assert len(clone) == 14
                state[clone[0], int.from_bytes(clone[1:4], "big")] = int.from_bytes(clone[4:], "big")
        assert {number for number, _ in state} == {1, 2}
        names = {1: "I.plain", 2: "I.wide"}
        for (number, index), value in state.items():
            assert pipeline.registers[names[number]].read_cell(index) == value
