/* A port-knocking firewall (after P4Knocking: Zaballa et al., ICIN 2020).
 *
 * A source opens the protected services by TCP SYNs to the ports of the sequence, in order. pk_reg holds its stage: the
 * number of right knocks, KNOCK_OPEN when all were made. A wrong knock sets it back to 0, one to the first port of the
 * sequence to 1. The SYNs that count are those to addresses with an entry in `services`, so that an entry for all other
 * ports (`watch`) makes a port scan a wrong knock. Open is open: later knocks, such as a repeated SYN, change nothing.
 *
 * Knocks are dropped. Packets to a protected service are dropped unless the source is open. Everything else passes.
 * A packet whose ports can't be seen (a later fragment, IPv4 options) counts as one to a protected service if its
 * destination has a `watch` entry. A source in `allowed` passes with everything and has no stage. */
#ifndef NFS_KNOCKING_STAGE_P4
#define NFS_KNOCKING_STAGE_P4

#include "headers.p4"

const bit<32> KNOCK_FIRST_SOURCE = 0x0A000000;  // 10.0.0.0
const bit<32> KNOCK_SOURCES = 460798;           // up to 10.7.7.253; others can't knock
const bit<4>  KNOCK_OPEN = 3;

const bit<8> TCP_SYN_ACK = 0x12;
const bit<8> TCP_SYN = 0x02;

const bit<2> SERVICE_OPEN = 0;
const bit<2> SERVICE_WATCHED = 1;
const bit<2> SERVICE_PROTECTED = 2;
const bit<2> SERVICE_KNOCK = 3;

control Knocking(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    register<bit<4>>(KNOCK_SOURCES) pk_reg;

    bit<2> service;
    bit<4> turn;

    action allow() { }

    /* The sources that need not knock. */
    table allowed {
        key = { hdr.ipv4.srcAddr: lpm @name("src"); }
        actions = { allow; @defaultonly NoAction; }
        default_action = NoAction();
        size = 1024;
    }

    action open() {
        service = SERVICE_OPEN;
    }

    /* Open, but a SYN to it is a wrong knock. */
    action watch() {
        service = SERVICE_WATCHED;
    }

    action protect() {
        service = SERVICE_PROTECTED;
    }

    /* A port of the sequence; the first has position 0. */
    action knock(bit<4> position) {
        service = SERVICE_KNOCK;
        turn = position;
    }

    table services {
        key = {
            hdr.ipv4.dstAddr: ternary @name("dst");
            hdr.ipv4.protocol: ternary @name("protocol");
            meta.dstPort: ternary @name("port");
        }
        actions = { open; watch; protect; knock; }
        default_action = open();
        size = 256;
    }

    apply {
        service = SERVICE_OPEN;
        turn = 0;
        if (hdr.ipv4.isValid()) {
            if (standard_metadata.checksum_error == 1) {
                meta.blocked = true;  // a damaged header does not prove its source
            } else if (!allowed.apply().hit) {
                services.apply();
                if (service == SERVICE_WATCHED && (hdr.ipv4.ihl != 5 || hdr.ipv4.fragOffset != 0)) {
                    service = SERVICE_PROTECTED;
                }
            }

            if (service != SERVICE_OPEN) {
                bit<32> source = hdr.ipv4.srcAddr - KNOCK_FIRST_SOURCE;
                bit<4> stage = 0;
                if (source < KNOCK_SOURCES) {
                    pk_reg.read(stage, source);
                    if (stage != KNOCK_OPEN && hdr.tcp.isValid() && (hdr.tcp.flags & TCP_SYN_ACK) == TCP_SYN) {
                        bit<4> next = 0;
                        if (service == SERVICE_KNOCK && turn == stage) {
                            next = stage + 1;
                        } else if (service == SERVICE_KNOCK && turn == 0) {
                            next = 1;
                        }
                        if (next != stage) {
                            pk_reg.write(source, next);
                        }
                    }
                }
                if (service == SERVICE_KNOCK || (service == SERVICE_PROTECTED && stage != KNOCK_OPEN)) {
                    meta.blocked = true;
                }
            }
        }

        if (meta.blocked) {
            mark_to_drop(standard_metadata);
        }
    }
}

#endif
