/* Headers and metadata that our network functions share. */
#ifndef NFS_HEADERS_P4
#define NFS_HEADERS_P4

const bit<16> TYPE_IPV4 = 0x0800;
const bit<16> TYPE_HULA = 0x88B5;  // IEEE 802: first EtherType for local experiments
const bit<8>  PROTO_TCP = 6;
const bit<8>  PROTO_UDP = 17;

header ethernet_t {
    bit<48> dstAddr;
    bit<48> srcAddr;
    bit<16> etherType;
}

header ipv4_t {
    bit<4>  version;
    bit<4>  ihl;
    bit<8>  diffserv;
    bit<16> totalLen;
    bit<16> identification;
    bit<3>  flags;
    bit<13> fragOffset;
    bit<8>  ttl;
    bit<8>  protocol;
    bit<16> hdrChecksum;
    bit<32> srcAddr;
    bit<32> dstAddr;
}

header tcp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<32> seqNo;
    bit<32> ackNo;
    bit<4>  dataOffset;
    bit<4>  reserved;
    bit<8>  flags;
    bit<16> window;
    bit<16> checksum;
    bit<16> urgentPtr;
}

header udp_t {
    bit<16> srcPort;
    bit<16> dstPort;
    bit<16> length;
    bit<16> checksum;
}

/* A HULA probe. It travels from a top-of-rack switch (ToR) through the network, against the direction of the data. */
header hula_t {
    bit<24> dstTor;    // the ToR that sent it: where data that follows this path back arrives
    bit<8>  pathUtil;  // utilisation of the fullest link between here and there, 255 = full
}

struct headers_t {
    ethernet_t ethernet;
    hula_t     hula;
    ipv4_t     ipv4;
    tcp_t      tcp;
    udp_t      udp;
}

struct metadata_t {
    bit<16> srcPort;   // of TCP or UDP; 0 where the packet shows none
    bit<16> dstPort;
    bool    blocked;   // dropped by the firewall: no later stage looks at the packet
}

#endif
