/* Access list: the entry with the highest priority decides; packets that match no entry are permitted. */
#ifndef NFS_ACCESS_STAGE_P4
#define NFS_ACCESS_STAGE_P4

#include "headers.p4"

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

#endif
