/* Digests of headers, unions and stacks, asked for by the first byte of a packet. */
#include <core.p4>
#include <v1model.p4>

header ask_t { bit<8> op; int<8> level; }
header x_t { bit<8> v; }
header y_t { bit<16> w; bool flag; bit<7> rest; }
header_union either_t { x_t x; y_t y; }
struct inner_t { ask_t ask; bit<9> port; }
struct all_t { inner_t inner; x_t x; bool one; }
struct many_t { either_t either; x_t[2] stack; either_t[2] several; }
struct headers_t { ask_t ask; x_t x; x_t[2] stack; either_t either; either_t[2] several; }
struct metadata_t { }

parser P(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ask);
        transition select(hdr.ask.op) { 3: with_y; 4: with_y; default: accept; }
    }
    state with_y { packet.extract(hdr.either.y); packet.extract(hdr.stack.next); transition accept; }
}
control V(inout headers_t hdr, inout metadata_t meta) { apply { } }
control I(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        std.egress_spec = 1;
        if (hdr.ask.op == 1) { digest<all_t>(1, { { hdr.ask, std.ingress_port }, hdr.x, hdr.ask.op == 1 }); }
        if (hdr.ask.op == 2) { digest(1, hdr.ask); digest(1, hdr.x); }
        if (hdr.ask.op == 3) { digest<many_t>(1, { hdr.either, hdr.stack, hdr.several }); }
        if (hdr.ask.op == 4) {
            many_t m;
            m.either = hdr.either; m.stack = hdr.stack; m.several = hdr.several;
            m.several[1].x = { 9 };
            digest(1, m);
        }
    }
}
control E(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) { apply { } }
control C(inout headers_t hdr, inout metadata_t meta) { apply { } }
control D(packet_out packet, in headers_t hdr) { apply { packet.emit(hdr); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
