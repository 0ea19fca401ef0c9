/* The three network functions chained into one program: port-knocking firewall, layer 2 forwarding, HULA.
 *
 * Seven tables. Eight registers of 1,930,360 bits in all (235.6 KiB counted packed): the seven of HULA, then pk_reg as
 * the eighth component in order of declaration. */
#include <core.p4>
#include <v1model.p4>
#include "include/headers.p4"
#include "include/parser.p4"
#include "include/l2_stage.p4"
#include "include/hula_stage.p4"
#include "include/knocking_stage.p4"

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    L2() l2;
    Hula() hula;
    Knocking() knocking;

    apply {
        knocking.apply(hdr, meta, standard_metadata);
        if (!meta.blocked) {
            if (!hdr.hula.isValid()) {
                l2.apply(hdr, meta, standard_metadata);
            }
            hula.apply(hdr, meta, standard_metadata);
        }
    }
}

V1Switch(PacketParser(), VerifyIpv4(), MyIngress(), NoReflection(), ComputeNothing(), PacketDeparser()) main;
