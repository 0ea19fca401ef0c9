/* Port-knocking firewall in front of layer 2 forwarding: see include/knocking_stage.p4. */
#include <core.p4>
#include <v1model.p4>
#include "include/headers.p4"
#include "include/parser.p4"
#include "include/l2_stage.p4"
#include "include/knocking_stage.p4"

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    Knocking() knocking;
    L2() l2;

    apply {
        knocking.apply(hdr, meta, standard_metadata);
        if (!meta.blocked) {
            l2.apply(hdr, meta, standard_metadata);
        }
    }
}

V1Switch(PacketParser(), VerifyIpv4(), MyIngress(), NoReflection(), ComputeNothing(), PacketDeparser()) main;
