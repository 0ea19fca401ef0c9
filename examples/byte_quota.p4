/* A network function of one's own: each sender may send so many bytes, then its frames are dropped. */
#include <core.p4>
#include <v1model.p4>

header ethernet_t {
    bit<48> dst;
    bit<48> src;
    bit<16> type;
}

struct headers_t {
    ethernet_t ethernet;
}

struct metadata_t {
}

parser Parse(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.ethernet);
        transition accept;
    }
}

control Verify(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    register<bit<32>>(256) used;

    action forward(bit<9> port) {
        std.egress_spec = port;
    }

    table route {
        key = { hdr.ethernet.dst: exact; }
        actions = { forward; NoAction; }
        default_action = NoAction();
        size = 256;
    }

    action limit(bit<32> bytes) {
        bit<32> sum;
        bit<32> sender = (bit<32>)hdr.ethernet.src[7:0];
        used.read(sum, sender);
        sum = sum + std.packet_length;
        used.write(sender, sum);
        if (sum > bytes) {
            mark_to_drop(std);
        }
    }

    table quota {
        key = { hdr.ethernet.src: exact; }
        actions = { limit; NoAction; }
        default_action = NoAction();
        size = 256;
    }

    apply {
        route.apply();
        quota.apply();
    }
}

control MyEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply { }
}

control Compute(inout headers_t hdr, inout metadata_t meta) {
    apply { }
}

control Deparse(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.ethernet);
    }
}

V1Switch(Parse(), Verify(), MyIngress(), MyEgress(), Compute(), Deparse()) main;
