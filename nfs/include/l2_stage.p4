/* Layer 2 forwarding: by the destination's MAC address; to all ports if that is unknown or a broadcast.
 * Unknown senders are reported to the controller by a digest. */
#ifndef NFS_L2_STAGE_P4
#define NFS_L2_STAGE_P4

#include "headers.p4"

struct learn_t {
    bit<48> mac;
    bit<9>  port;
}

control L2(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    action learn() {
        digest<learn_t>(1, { hdr.ethernet.srcAddr, standard_metadata.ingress_port });
    }

    /* A known sender at another port is learned again. */
    table smac {
        key = {
            hdr.ethernet.srcAddr: exact @name("src_mac");
            standard_metadata.ingress_port: exact @name("port");
        }
        actions = { learn; NoAction; }
        default_action = learn();
        size = 1024;
    }

    action forward(bit<9> port) {
        standard_metadata.egress_spec = port;
    }

    action flood(bit<16> group) {
        standard_metadata.mcast_grp = group;
    }

    table dmac {
        key = { hdr.ethernet.dstAddr: exact @name("dst_mac"); }
        actions = { forward; flood; }
        default_action = flood(1);
        size = 1024;
    }

    apply {
        smac.apply();
        dmac.apply();
    }
}

#endif
