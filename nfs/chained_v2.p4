/* The program that chained.p4 is changed to: an access list in front and a register of bytes per flow more.
 * Everything that chained.p4 keeps has its place here under the same name. */
#include <core.p4>
#include <v1model.p4>
#include "include/headers.p4"
#include "include/parser.p4"
#include "include/l2_stage.p4"
#include "include/hula_stage.p4"
#include "include/knocking_stage.p4"

const bit<32> ACL_FLOWS = 4096;

/* Access list: the entry of the highest priority decides; what no entry names is permitted. */
control AccessList(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    action permit() { }

    action deny() {
        meta.blocked = true;
        mark_to_drop(standard_metadata);
    }

    table acl {
        key = {
            standard_metadata.ingress_port: ternary @name("in_port");
            hdr.ipv4.srcAddr: ternary @name("src");
            hdr.ipv4.dstAddr: ternary @name("dst");
            hdr.ipv4.protocol: ternary @name("protocol");
            meta.dstPort: range @name("port");
        }
        actions = { permit; deny; }
        default_action = permit();
        size = 512;
    }

    apply {
        if (hdr.ipv4.isValid()) {
            acl.apply();
        }
    }
}

/* Counts the bytes of the frames that pass, by a hash of the flow's five-tuple. */
control FlowBytes(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    register<bit<64>>(ACL_FLOWS) flow_bytes;

    apply {
        if (hdr.ipv4.isValid()) {
            bit<32> flow;
            bit<64> bytes;
            hash(flow, HashAlgorithm.crc32, 32w0,
                 { hdr.ipv4.srcAddr, hdr.ipv4.dstAddr, hdr.ipv4.protocol, meta.srcPort, meta.dstPort },
                 ACL_FLOWS);
            flow_bytes.read(bytes, flow);
            bytes = bytes + (bit<64>)standard_metadata.packet_length;
            flow_bytes.write(flow, bytes);
        }
    }
}

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    L2() l2;
    Hula() hula;
    Knocking() knocking;
    AccessList() access;
    FlowBytes() flows;

    apply {
        access.apply(hdr, meta, standard_metadata);
        if (!meta.blocked) {
            knocking.apply(hdr, meta, standard_metadata);
        }
        if (!meta.blocked) {
            if (!hdr.hula.isValid()) {
                l2.apply(hdr, meta, standard_metadata);
            }
            hula.apply(hdr, meta, standard_metadata);
            flows.apply(hdr, meta, standard_metadata);
        }
    }
}

V1Switch(PacketParser(), VerifyIpv4(), MyIngress(), NoReflection(), ComputeNothing(), PacketDeparser()) main;
