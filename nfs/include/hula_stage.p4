/* HULA (Katta et al., SOSR 2016): load balancing by the utilisation of the paths, kept in the data plane.
 *
 * A probe arrives on the port through which data to its ToR would leave. The path's utilisation is the larger of what
 * the probe carries and that of this port's own outgoing link. The best hop of a ToR changes when a probe offers less,
 * when it comes from the best hop itself (better or worse), and when the entry is empty or too old. The probe goes on,
 * by multicast, with the smallest utilisation known here.
 *
 * A data packet to a balanced destination follows its flowlet; after a pause of the flowlet it takes the best hop. While
 * no fresh best hop is known, the port chosen before this stage (layer 2) stays.
 *
 * A link's load is a count of bytes that leaks away within LINK_WINDOW: load = load * (1 - gap / window) + length. At a
 * steady rate it is the number of bytes sent in a window. */
#ifndef NFS_HULA_STAGE_P4
#define NFS_HULA_STAGE_P4

#include "headers.p4"

const bit<32> HULA_LINKS = 256;
const bit<32> HULA_TORS = 128;
const bit<32> HULA_FLOWLETS = 1024;

const bit<48> FLOWLET_TIMEOUT = 100000;       // microseconds
const bit<48> PATH_TIMEOUT = 1000000;         // microseconds
const bit<8>  LINK_WINDOW_LOG2 = 17;          // 131072 microseconds
const bit<48> LINK_WINDOW = 48w1 << 17;

control Hula(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    register<bit<32>>(HULA_LINKS) link_load;          // bytes, by port
    register<bit<48>>(HULA_LINKS) link_time;          // last change of link_load
    register<bit<8>>(HULA_TORS) path_util;            // smallest utilisation, by ToR
    register<bit<9>>(HULA_TORS) best_hop;             // the port where it was seen
    register<bit<48>>(HULA_TORS) path_time;           // last change of the two; 0 is an empty entry
    register<bit<9>>(HULA_FLOWLETS) flowlet_hop;      // by hash of the five-tuple
    register<bit<48>>(HULA_FLOWLETS) flowlet_time;    // last packet of the flowlet; 0 is an empty entry

    bit<48> now;
    bit<32> tor;
    bit<9>  link;
    bit<8>  step;
    bit<32> load;
    bool    measured;

    action to_tor(bit<24> id) {
        tor = (bit<32>)id;
    }

    action l2_only() { }

    /* Which data is balanced, and the ToR that it goes to. */
    table balance {
        key = {
            hdr.ipv4.srcAddr: ternary @name("src");
            hdr.ipv4.dstAddr: ternary @name("dst");
        }
        actions = { to_tor; l2_only; }
        default_action = l2_only();
        size = 256;
    }

    /* One step of utilisation (of 255) is 2^shift bytes within a window. */
    action measure(bit<8> shift) {
        step = shift;
    }

    /* The links whose load is measured. */
    table links {
        key = { link: exact @name("port"); }
        actions = { measure; @defaultonly NoAction; }
        default_action = NoAction();
        size = 256;
    }

    action replicate(bit<16> group) {
        standard_metadata.mcast_grp = group;
    }

    action refuse() {
        mark_to_drop(standard_metadata);
    }

    /* Where probes are sent on, by their port of arrival. */
    table probes {
        key = { standard_metadata.ingress_port: exact @name("port"); }
        actions = { replicate; refuse; }
        default_action = refuse();
        size = 256;
    }

    apply {
        now = standard_metadata.ingress_global_timestamp;
        tor = HULA_TORS;  // none
        step = 0;
        load = 0;
        measured = false;

        if (hdr.hula.isValid()) {
            tor = (bit<32>)hdr.hula.dstTor;
            link = standard_metadata.ingress_port;
        } else {
            if (hdr.ipv4.isValid()) {
                balance.apply();
                if (tor < HULA_TORS) {
                    bit<32> flowlet;
                    bit<48> last;
                    bit<9> hop;
                    hash(flowlet, HashAlgorithm.crc32, 32w0,
                         { hdr.ipv4.srcAddr, hdr.ipv4.dstAddr, hdr.ipv4.protocol, meta.srcPort, meta.dstPort },
                         HULA_FLOWLETS);
                    flowlet_time.read(last, flowlet);
                    flowlet_hop.read(hop, flowlet);
                    bool chosen = last != 0 && now - last <= FLOWLET_TIMEOUT;
                    if (!chosen) {
                        bit<48> seen;
                        path_time.read(seen, tor);
                        if (seen != 0 && now - seen <= PATH_TIMEOUT) {
                            best_hop.read(hop, tor);
                            flowlet_hop.write(flowlet, hop);
                            chosen = true;
                        }
                    }
                    if (chosen) {
                        flowlet_time.write(flowlet, now);
                        standard_metadata.egress_spec = hop;
                        standard_metadata.mcast_grp = 0;
                    }
                }
            }
            link = standard_metadata.egress_spec;
        }

        /* A flooded packet has no link of its own. */
        if (standard_metadata.mcast_grp == 0 && (bit<32>)link < HULA_LINKS) {
            if (links.apply().hit) {
                bit<48> before;
                link_load.read(load, (bit<32>)link);
                link_time.read(before, (bit<32>)link);
                bit<48> gap = now - before;
                if (gap >= LINK_WINDOW) {
                    load = 0;
                } else {
                    load = load - (bit<32>)(((bit<64>)load * (bit<64>)gap) >> LINK_WINDOW_LOG2);
                }
                measured = true;
            }
        }

        if (hdr.hula.isValid()) {
            if (tor < HULA_TORS) {
                bit<32> steps = load >> step;
                bit<8> util = steps > 255 ? 8w255 : (bit<8>)steps;
                bit<8> smallest;
                bit<9> best;
                bit<48> seen;
                path_util.read(smallest, tor);
                best_hop.read(best, tor);
                path_time.read(seen, tor);
                util = util > hdr.hula.pathUtil ? util : hdr.hula.pathUtil;
                if (util < smallest || best == standard_metadata.ingress_port || seen == 0
                    || now - seen > PATH_TIMEOUT) {
                    smallest = util;
                    path_util.write(tor, util);
                    best_hop.write(tor, standard_metadata.ingress_port);
                    path_time.write(tor, now);
                }
                hdr.hula.pathUtil = smallest;
                probes.apply();
            } else {
                refuse();
            }
        } else if (measured) {
            load = load + standard_metadata.packet_length;
            link_load.write((bit<32>)link, load);
            link_time.write((bit<32>)link, now);
        }
    }
}

#endif
