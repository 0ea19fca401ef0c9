/* Layer 2 switch that counts the bytes of chosen flows in a register: one write per packet of a counted flow.
 *
 * A cell holds the bytes of whole frames as they came in (Ethernet header included, no frame check sequence), which is
 * what the counters of a Linux interface show. */
#include <core.p4>
#include <v1model.p4>
#include "include/headers.p4"
#include "include/parser.p4"
#include "include/l2_stage.p4"

const bit<32> COUNTED_FLOWS = 262144;

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    L2() l2;

    register<bit<64>>(COUNTED_FLOWS) byte_reg;

    bit<32> cell;
    bit<32> src;
    bit<32> dst;
    bit<8>  protocol;

    action count(bit<32> index) {
        cell = index;
    }

    /* The flows that are counted, and the cell of each. An entry that names only in_port counts a port. */
    table flows {
        key = {
            standard_metadata.ingress_port: ternary @name("in_port");
            src: ternary @name("src");
            dst: ternary @name("dst");
            protocol: ternary @name("protocol");
            meta.srcPort: ternary @name("src_port");
            meta.dstPort: ternary @name("dst_port");
        }
        actions = { count; @defaultonly NoAction; }
        default_action = NoAction();
        size = 1024;
    }

    apply {
        cell = COUNTED_FLOWS;  // none
        src = 0;
        dst = 0;
        protocol = 0;
        if (hdr.ipv4.isValid()) {
            src = hdr.ipv4.srcAddr;
            dst = hdr.ipv4.dstAddr;
            protocol = hdr.ipv4.protocol;
        }
        if (flows.apply().hit && cell < COUNTED_FLOWS) {
            bit<64> bytes;
            byte_reg.read(bytes, cell);
            bytes = bytes + (bit<64>)standard_metadata.packet_length;
            byte_reg.write(cell, bytes);
        }
        l2.apply(hdr, meta, standard_metadata);
    }
}

V1Switch(PacketParser(), VerifyIpv4(), MyIngress(), NoReflection(), ComputeNothing(), PacketDeparser()) main;
