/* Counts the bytes of chosen flows that leave by a chosen port, each in the register cell that its entry names. It comes
 * after the stages that choose the port.
 *
 * A cell holds the bytes of whole frames (Ethernet header included, no frame check sequence), which is what the counters
 * of a Linux interface show. Packets without an entry and misrouted packets are not counted, so that the contents of this
 * stage can be compared with that port's wire, byte by byte. */
#ifndef NFS_COUNTING_STAGE_P4
#define NFS_COUNTING_STAGE_P4

#include "headers.p4"

const bit<32> COUNTED_FLOWS = 256;

control Counting(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    register<bit<64>>(COUNTED_FLOWS) counted_bytes;

    action count(bit<8> cell) {
        bit<64> bytes;
        counted_bytes.read(bytes, (bit<32>)cell);
        bytes = bytes + (bit<64>)standard_metadata.packet_length;
        counted_bytes.write((bit<32>)cell, bytes);
    }

    table counted {
        key = {
            hdr.ipv4.srcAddr: ternary @name("src");
            hdr.ipv4.dstAddr: ternary @name("dst");
            standard_metadata.egress_spec: ternary @name("port");
        }
        actions = { count; @defaultonly NoAction; }
        default_action = NoAction();
        size = 256;
    }

    apply {
        if (hdr.ipv4.isValid()) {
            counted.apply();
        }
    }
}

#endif
