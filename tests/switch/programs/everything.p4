// One object of every kind that P4Runtime knows in v1model, for the tests of the server.
//
//   port 1 --+--> tables by the frame's `kind` --> port 2 (or as entries say)
//   CPU (510): packet_out says the egress port; frames of kind 0xC0DE go to the controller with a packet_in header
#include <core.p4>
#include <v1model.p4>

#define KIND_TO_CPU 0xC0DE
#define KIND_LEARN 0xD1D1

@controller_header("packet_in")
header packet_in_t {
    @brief("where the packet came in") bit<9> ingress_port;
    bit<7> reason;
}

@controller_header("packet_out")
header packet_out_t {
    bit<9> egress_port;
    bit<7> padding;
}

header frame_t {
    bit<48> dst;
    bit<48> src;
    bit<16> kind;
}

header body_t {
    bit<32> address;
    bit<16> number;
    bit<8>  group;
    bit<8>  flags;
}

struct headers_t {
    packet_in_t  packet_in;
    packet_out_t packet_out;
    frame_t      frame;
    body_t       body;
}

struct metadata_t {
    bit<1> known;
}

struct learned_t {
    bit<48> source;
    bit<9>  port;
}

struct kinds_t {
    @match(exact) bit<16> kind;
}

parser MyParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    value_set<kinds_t>(4) extra_kinds;

    state start {
        transition select(std.ingress_port) {
            510: parse_packet_out;
            default: parse_frame;
        }
    }
    state parse_packet_out {
        packet.extract(hdr.packet_out);
        transition parse_frame;
    }
    state parse_frame {
        packet.extract(hdr.frame);
        transition select(hdr.frame.kind) {
            0x1234: parse_body;
            extra_kinds: parse_body;
            default: accept;
        }
    }
    state parse_body {
        packet.extract(hdr.body);
        transition accept;
    }
}

control MyVerify(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    direct_counter(CounterType.packets_and_bytes) route_hits;
    direct_meter<bit<2>>(MeterType.packets) host_rate;
    counter(8, CounterType.packets_and_bytes) per_port;
    meter(8, MeterType.bytes) port_rate;
    register<bit<8>>(1024) small;
    register<bit<80>>(4) wide;
    register<int<16>>(4) signed_cells;
    register<bit<1>>(4) flags;
    action_selector(HashAlgorithm.crc16, 16, 14) paths;
    action_profile(8) bundles;

    action forward(@id(7) bit<9> port) {
        std.egress_spec = port;
    }
    action multicast(bit<16> group) {
        std.mcast_grp = group;
    }
    action drop() {
        mark_to_drop(std);
    }
    action metered(bit<9> port) {
        std.egress_spec = port;
    }

    table routes {
        key = { hdr.body.address: lpm; }
        actions = { forward; multicast; drop; @defaultonly NoAction; }
        default_action = drop();
        counters = route_hits;
        size = 64;
    }

    table hosts {
        key = { hdr.frame.dst: exact; }
        actions = { metered; NoAction; }
        meters = host_rate;
        support_timeout = true;
        size = 4;
    }

    table rules {
        key = {
            hdr.body.address: ternary;
            hdr.body.number: range;
            hdr.body.flags: optional;
        }
        actions = { forward; @tableonly drop; NoAction; }
        const default_action = NoAction();
    }

    table fixed {
        key = { hdr.body.flags: exact; }
        actions = { forward; NoAction; }
        const entries = {
            0xF1: forward(3);
            0xF2: forward(4);
        }
    }

    table balanced {
        key = {
            hdr.body.group: exact;
            hdr.body.address: selector;
            hdr.body.number: selector;
        }
        actions = { forward; drop; NoAction; }
        implementation = paths;
    }

    table bundled {
        key = { hdr.body.group: exact; }
        actions = { forward; NoAction; }
        implementation = bundles;
    }

    table keyless {
        actions = { forward; NoAction; }
    }

    apply {
        if (hdr.packet_out.isValid()) {
            std.egress_spec = hdr.packet_out.egress_port;
            hdr.packet_out.setInvalid();
        } else if (hdr.frame.kind == KIND_TO_CPU) {
            std.egress_spec = 510;
            hdr.packet_in.setValid();
            hdr.packet_in.ingress_port = std.ingress_port;
            hdr.packet_in.reason = 5;
        } else if (hdr.frame.kind == KIND_LEARN) {
            digest<learned_t>(1, { hdr.frame.src, std.ingress_port });
            mark_to_drop(std);
        } else {
            bit<8> count;
            small.read(count, (bit<32>)std.ingress_port);
            small.write((bit<32>)std.ingress_port, count + 1);
            wide.write(0, (bit<80>)hdr.frame.src);
            signed_cells.write(0, -16s2);
            flags.write(0, 1);
            per_port.count((bit<32>)std.ingress_port);
            bit<2> colour;
            port_rate.execute_meter((bit<32>)std.ingress_port, colour);
            hosts.apply();
            if (hdr.body.isValid()) {
                routes.apply();
                rules.apply();
                fixed.apply();
                balanced.apply();
                bundled.apply();
            }
            keyless.apply();
        }
    }
}

control MyEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply { }
}

control MyCompute(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control MyDeparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.packet_in);
        packet.emit(hdr.frame);
        packet.emit(hdr.body);
    }
}

@pkginfo(name="everything", version="1.2")
V1Switch(MyParser(), MyVerify(), MyIngress(), MyEgress(), MyCompute(), MyDeparser()) main;
