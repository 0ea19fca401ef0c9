/* Counts the bytes of the frames that pass, by a hash of the flow's five-tuple. */
#ifndef NFS_FLOW_BYTES_STAGE_P4
#define NFS_FLOW_BYTES_STAGE_P4

#include "headers.p4"

const bit<32> FLOW_BYTES_FLOWS = 4096;

control FlowBytes(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    register<bit<64>>(FLOW_BYTES_FLOWS) flow_bytes;

    apply {
        if (hdr.ipv4.isValid()) {
            bit<32> flow;
            bit<64> bytes;
            hash(flow, HashAlgorithm.crc32, 32w0,
                 { hdr.ipv4.srcAddr, hdr.ipv4.dstAddr, hdr.ipv4.protocol, meta.srcPort, meta.dstPort },
                 FLOW_BYTES_FLOWS);
            flow_bytes.read(bytes, flow);
            bytes = bytes + (bit<64>)standard_metadata.packet_length;
            flow_bytes.write(flow, bytes);
        }
    }
}

#endif
