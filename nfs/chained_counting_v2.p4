/* The program that replaces chained_counting.p4. It adds what chained_v2.p4 adds to chained.p4: an access list in front
 * and a register of bytes per flow. */
#include <core.p4>
#include <v1model.p4>
#include "include/headers.p4"
#include "include/parser.p4"
#include "include/access_stage.p4"
#include "include/counting_stage.p4"
#include "include/flow_bytes_stage.p4"
#include "include/l2_stage.p4"
#include "include/hula_stage.p4"
#include "include/knocking_stage.p4"

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    L2() l2;
    Hula() hula;
    Knocking() knocking;
    Counting() counting;
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
            counting.apply(hdr, meta, standard_metadata);
            flows.apply(hdr, meta, standard_metadata);
        }
    }
}

V1Switch(PacketParser(), VerifyIpv4(), MyIngress(), NoReflection(), ComputeNothing(), PacketDeparser()) main;
