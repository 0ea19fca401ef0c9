"""Programs whose changes to packets offload-aware ports have to handle: rewrite, count, drop, clone."""

from __future__ import annotations

PROGRAM = """
#include <core.p4>
#include <v1model.p4>
header ethernet_t { bit<48> to; bit<48> source; bit<16> type; }
header tag_t { bit<16> tag; bit<16> type; }
header ipv4_t { bit<4> version; bit<4> ihl; bit<8> tos; bit<16> len; bit<16> id; bit<16> fragment; bit<8> ttl;
    bit<8> protocol; bit<16> checksum; bit<32> source; bit<32> to; }
header ipv6_t { bit<4> version; bit<28> flow; bit<16> len; bit<8> next; bit<8> hops; bit<128> source; bit<128> to; }
header tcp_t { bit<16> source; bit<16> to; bit<32> sequence; bit<32> ack; bit<4> offset; bit<4> res; bit<8> flags;
    bit<16> window; bit<16> checksum; bit<16> urgent; }
header udp_t { bit<16> source; bit<16> to; bit<16> len; bit<16> checksum; }
struct headers { ethernet_t ethernet; tag_t tag; ipv4_t ipv4; ipv6_t ipv6; tcp_t tcp; udp_t udp; }
struct metadata { bit<16> bytes; }

parser P(packet_in b, out headers h, inout metadata m, inout standard_metadata_t s) {
    state start {
        b.extract(h.ethernet);
        transition select(h.ethernet.type) { 0x8100: tagged; 0x800: ipv4; 0x86dd: ipv6; default: accept; }
    }
    state tagged {
        b.extract(h.tag);
        transition select(h.tag.type) { 0x800: ipv4; 0x86dd: ipv6; default: accept; }
    }
    state ipv4 {
        b.extract(h.ipv4);
        m.bytes = h.ipv4.len - 20;
        transition select(h.ipv4.ihl, h.ipv4.protocol) { (5, 6): tcp; (5, 17): udp; default: accept; }
    }
    state ipv6 {
        b.extract(h.ipv6);
        m.bytes = h.ipv6.len;
        transition select(h.ipv6.next) { 6: tcp; 17: udp; default: accept; }
    }
    state tcp { b.extract(h.tcp); transition accept; }
    state udp { b.extract(h.udp); transition accept; }
}
control V(inout headers h, inout metadata m) { apply {} }
control I(inout headers h, inout metadata m, inout standard_metadata_t s) {
    register<bit<32>>(4) seen;
    counter(4, CounterType.packets_and_bytes) counted;
    apply {
        bit<32> number;
        seen.read(number, 0);
        number = number + 1;
        seen.write(0, number);
        bit<32> total;
        seen.read(total, 1);
        seen.write(1, total + s.packet_length);
        counted.count(2);
        s.egress_spec = 2;
        INGRESS
    }
}
control E(inout headers h, inout metadata m, inout standard_metadata_t s) { apply {} }
control U(inout headers h, inout metadata m) {
    apply {
        UPDATE
    }
}
control D(packet_out b, in headers h) { apply { b.emit(h); } }
V1Switch(P(), V(), I(), E(), U(), D()) main;
"""
NAT = """
        if (h.ipv4.isValid()) { h.ipv4.source = 0xc0a80101; h.ipv4.ttl = h.ipv4.ttl - 1; }
        if (h.ipv6.isValid()) { h.ipv6.source = 0xfd000000000000000000000000000099; h.ipv6.hops = h.ipv6.hops - 1; }
        if (h.tcp.isValid()) { h.tcp.to = 8080; }
        if (h.udp.isValid()) { h.udp.to = 8080; }
"""
IP_CHECKSUM = """
        update_checksum(h.ipv4.isValid(), { h.ipv4.version, h.ipv4.ihl, h.ipv4.tos, h.ipv4.len, h.ipv4.id,
            h.ipv4.fragment, h.ipv4.ttl, h.ipv4.protocol, h.ipv4.source, h.ipv4.to }, h.ipv4.checksum,
            HashAlgorithm.csum16);
"""
_TCP = """h.tcp.source, h.tcp.to, h.tcp.sequence, h.tcp.ack, h.tcp.offset, h.tcp.res, h.tcp.flags, h.tcp.window,
            h.tcp.urgent }, h.tcp.checksum, HashAlgorithm.csum16);"""
_UDP = "h.udp.source, h.udp.to, h.udp.len }, h.udp.checksum, HashAlgorithm.csum16);"
PORT_CHECKSUMS = "".join(
    f"""
        update_checksum_with_payload(h.{ip}.isValid() && h.{name}.isValid(),
            {{ h.{ip}.source, h.{ip}.to, 8w0, h.{ip}.{protocol}, m.bytes, {fields}"""
    for ip, protocol in (("ipv4", "protocol"), ("ipv6", "next"))
    for name, fields in (("tcp", _TCP), ("udp", _UDP))
)


def program(ingress: str = "", update: str = "") -> str:
    return PROGRAM.replace("INGRESS", ingress).replace("UPDATE", update)


PROGRAMS = {
    "counts": program(),
    "nat": program(NAT, IP_CHECKSUM + PORT_CHECKSUMS),
    "nat with wrong checksums": program(NAT, IP_CHECKSUM),
    "every fifth is dropped": program("if (number & 7 == 5) { mark_to_drop(s); }"),
    "clones": program("clone(CloneType.I2E, 1);"),
    "every third is another's": program("if (number & 3 == 3) { h.ethernet.source = 1; }"),
}
