#include "ports/split.h"

#include "ports/checksum.h"

/* Whether the super-frame's type agrees with its IP version and protocol; false also for an unknown type. */
static bool kind_fits(const struct virtio_net_hdr *header, const ss_headers *at)
{
    switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        return at->version == 4 && at->protocol == SS_TCP;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        return at->version == 6 && at->protocol == SS_TCP;
    case VIRTIO_NET_HDR_GSO_UDP_L4:
        return at->protocol == SS_UDP;
    default:
        return false;
    }
}

/* Number of bytes after the Ethernet header and its tags, as IP counts them. */
static uint32_t ip_bytes(const uint8_t *ip, uint32_t version)
{
    return version == 4 ? ss_get_16(ip + IP4_LENGTH) : ss_get_16(ip + IP6_LENGTH) + IP6_BYTES;
}

bool ss_split_begin(ss_split *split, const uint8_t *frame, uint32_t length, const struct virtio_net_hdr *header)
{
    ss_headers at;
    if (!header->gso_size || !ss_find_headers(frame, length, &at) || !kind_fits(header, &at) ||
        ip_bytes(frame + at.network, at.version) != length - at.network)
        return false;
    uint32_t field = at.protocol == SS_TCP ? TCP_CHECKSUM : UDP_CHECKSUM;
    bool partial = header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
    /* Another place for the checksum means a packet within a packet, whose outer headers would stay wrong. */
    if (partial && (header->csum_start != at.transport || header->csum_offset != field))
        return false;
    bool routed = at.version == 6 && at.extended; /* the addresses may not be those of the pseudo header */
    if (routed && !partial)
        return false;
    uint32_t old = ss_load_word(frame + at.transport + field);
    *split = (ss_split){.frame = frame, .length = length, .at = at, .segment = header->gso_size, .next = at.payload};
    split->summed = partial || at.protocol == SS_TCP || old;
    split->pseudo = routed ? ss_fold(old + (~ss_word(length - at.transport) & 0xffff)) : ss_pseudo_sum(frame, &at);
    return true;
}

static uint32_t payload_of_next(const ss_split *split)
{
    uint32_t left = split->length - split->next;
    return left < split->segment ? left : split->segment;
}

uint32_t ss_split_room(const ss_split *split)
{
    if (split->done && split->next == split->length)
        return 0;
    return split->at.payload + payload_of_next(split);
}

static void write_network(const ss_split *split, uint8_t *ip, uint32_t bytes)
{
    if (split->at.version == 4) {
        ss_put_16(ip + IP4_LENGTH, bytes);
        ss_put_16(ip + IP4_ID, ss_get_16(ip + IP4_ID) + split->done);
        ss_write_ip4_checksum(ip);
    } else
        ss_put_16(ip + IP6_LENGTH, bytes - IP6_BYTES);
}

static void write_tcp(const ss_split *split, uint8_t *tcp, uint32_t payload)
{
    ss_put_32(tcp + TCP_SEQUENCE, ss_get_32(tcp + TCP_SEQUENCE) + (split->next - split->at.payload));
    if (split->done)
        tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
    if (split->next + payload < split->length)
        tcp[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PSH);
}

void ss_split_next(ss_split *split, uint8_t *out, ss_piece *piece)
{
    const ss_headers *at = &split->at;
    uint32_t payload = payload_of_next(split), length = at->payload + payload;
    memcpy(out, split->frame, at->payload);
    memcpy(out + at->payload, split->frame + split->next, payload);
    write_network(split, out + at->network, length - at->network);
    uint8_t *transport = out + at->transport, *field = transport + TCP_CHECKSUM;
    if (at->protocol == SS_TCP)
        write_tcp(split, transport, payload);
    else {
        field = transport + UDP_CHECKSUM;
        ss_put_16(transport + UDP_LENGTH, UDP_BYTES + payload);
    }
    *piece = (ss_piece){length, at->payload, ss_sum(out + at->payload, payload)};
    ss_store_word(field, 0);
    if (split->summed) {
        uint32_t sum = split->pseudo + ss_word(length - at->transport) + piece->payload_sum;
        ss_store_word(field, ss_checksum_of(ss_fold(sum + ss_sum(transport, at->payload - at->transport))));
    }
    split->next += payload;
    split->done++;
}
