/* chained.p4 with one more stage: the bytes of chosen flows that passed the firewall, each in a register cell. */
#include <core.p4>
#include <v1model.p4>
#include "include/headers.p4"
#include "include/parser.p4"
#include "include/counting_stage.p4"
#include "include/l2_stage.p4"
#include "include/hula_stage.p4"
#include "include/knocking_stage.p4"

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    L2() l2;
    Hula() hula;
    Knocking() knocking;
    Counting() counting;

    apply {
        knocking.apply(hdr, meta, standard_metadata);
        if (!meta.blocked) {
            if (!hdr.hula.isValid()) {
                l2.apply(hdr, meta, standard_metadata);
            }
            hula.apply(hdr, meta, standard_metadata);
            counting.apply(hdr, meta, standard_metadata);
        }
    }
}

V1Switch(PacketParser(), VerifyIpv4(), MyIngress(), NoReflection(), ComputeNothing(), PacketDeparser()) main;
