// Registers whose contents are more than a client takes unasked; for the tests of the server.
#include <core.p4>
#include <v1model.p4>

struct headers_t { }

struct metadata_t { }

parser P(packet_in packet, out headers_t h, inout metadata_t m, inout standard_metadata_t s) {
    state start { transition accept; }
}

control V(inout headers_t h, inout metadata_t m) { apply { } }

control I(inout headers_t h, inout metadata_t m, inout standard_metadata_t s) {
    register<bit<2048>>(32768) many;
    register<bit<64>>(4) few;
    apply {
        many.write(0, 1);
        few.write(0, 1);
        s.egress_spec = 1;
    }
}

control E(inout headers_t h, inout metadata_t m, inout standard_metadata_t s) { apply { } }

control C(inout headers_t h, inout metadata_t m) { apply { } }

control D(packet_out packet, in headers_t h) { apply { } }

V1Switch(P(), V(), I(), E(), C(), D()) main;
