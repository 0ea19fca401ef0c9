// Types that the control plane names by strings, const entries among others, meters; for the tests of the server.
//
//   frame: 8 bits zone, 8 bits kind --> tables `zones` and `kinds` --> the port that their actions say
#include <core.p4>
#include <v1model.p4>

@p4runtime_translation("", string)
type bit<8> zone_t;
@p4runtime_translation("example/port", bit<32>)
type bit<9> wide_port_t;

@controller_header("packet_in")
header packet_in_t {
    zone_t zone;
    wide_port_t port;
    @hidden bit<7> filler;
}

@controller_header("packet_out")
header packet_out_t {
    @hidden bit<7> filler;
    wide_port_t port;
    zone_t zone;
}

header frame_t {
    zone_t zone;
    bit<8> kind;
}

struct headers_t {
    packet_in_t  packet_in;
    packet_out_t packet_out;
    frame_t      frame;
}

struct metadata_t { }

struct record_t {
    bit<4> kind;
    wide_port_t port;
    zone_t zone;
    bool seen;
    int<7> change;
}

struct seen_t {
    zone_t zone;
    bit<8> kind;
}

parser MyParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start {
        transition select(std.ingress_port) {
            510: from_controller;
            default: frame;
        }
    }
    state from_controller {
        packet.extract(hdr.packet_out);
        transition frame;
    }
    state frame {
        packet.extract(hdr.frame);
        transition accept;
    }
}

control MyVerify(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    direct_counter(CounterType.packets_and_bytes) kind_hits;
    direct_meter<bit<2>>(MeterType.packets) kind_rate;
    meter(4, MeterType.packets) rate;
    register<zone_t>(4) last_zone;
    register<record_t>(4) records;
    bit<2> colour = 0;

    action to_port(bit<9> port) {
        std.egress_spec = port;
    }
    action to_zone(zone_t zone) {
        hdr.frame.zone = zone;
        std.egress_spec = 2;
    }
    action marked(bit<9> port) {
        std.egress_spec = port;
        kind_rate.read(colour);
    }
    action unmarked() {
        kind_rate.read(colour);
    }

    table zones {
        key = { hdr.frame.zone: exact; }
        actions = { to_port; to_zone; NoAction; }
        default_action = NoAction;
    }

    table areas {
        key = { hdr.frame.zone: ternary; }
        actions = { to_port; NoAction; }
        default_action = NoAction;
    }

    table kinds {
        key = { hdr.frame.kind: exact; }
        actions = { marked; unmarked; NoAction; }
        counters = kind_hits;
        meters = kind_rate;
        entries = {
            const 8w1: marked(3);
            8w2: marked(4);
        }
        default_action = unmarked;
        size = 16;
    }

    apply {
        last_zone.write(0, hdr.frame.zone);
        records.write(1, { 4w5, (wide_port_t)9w300, hdr.frame.zone, true, -7s3 });
        digest<seen_t>(1, { hdr.frame.zone, hdr.frame.kind });
        if (hdr.packet_out.isValid()) {
            hdr.frame.zone = hdr.packet_out.zone;
            std.egress_spec = (bit<9>)hdr.packet_out.port;
            hdr.packet_out.setInvalid();
        } else if (hdr.frame.kind == 0xC0) {
            hdr.packet_in.setValid();
            hdr.packet_in.zone = hdr.frame.zone;
            hdr.packet_in.port = (wide_port_t)std.ingress_port;
            std.egress_spec = 510;
        } else {
            areas.apply();
            zones.apply();
            kinds.apply();
            rate.execute_meter((bit<32>)hdr.frame.kind, colour);
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
    }
}

V1Switch(MyParser(), MyVerify(), MyIngress(), MyEgress(), MyCompute(), MyDeparser()) main;
