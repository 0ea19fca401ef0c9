#include "ports/merge.h"

#include "ports/checksum.h"

#define IP4_FLAGS_BUT_DF 0xbfffu

bool ss_part_headers(const uint8_t *headers, uint32_t available, uint32_t length, ss_headers *at)
{
    if (!ss_find_headers(headers, available, at) || at->extended || at->tags > 1 || at->payload > SS_MERGE_HEADERS ||
        at->payload >= length)
        return false;
    const uint8_t *ip = headers + at->network, *transport = headers + at->transport;
    uint32_t bytes = length - at->network;
    if (at->version == 4 ? ss_get_16(ip + IP4_LENGTH) != bytes || ss_get_16(ip + IP4_FRAGMENT) & IP4_FLAGS_BUT_DF
                         : ss_get_16(ip + IP6_LENGTH) + IP6_BYTES != bytes)
        return false;
    if (at->protocol == SS_TCP)
        return !(transport[TCP_FLAGS] & (TCP_SYN | TCP_RST | TCP_URG));
    return ss_get_16(transport + UDP_LENGTH) == length - at->transport;
}

bool ss_part_summed(const uint8_t *headers, const ss_headers *at, uint32_t payload, uint32_t payload_sum)
{
    const uint8_t *transport = headers + at->transport;
    const uint8_t *ip = headers + at->network;
    if (at->version == 4 && (ss_sum(ip, IP4_BYTES) != 0xffff || ss_load_word(ip + IP4_CHECKSUM) == 0xffff))
        return false; /* 0xffff: not the form of 0 that the kernel writes */
    uint32_t field = ss_load_word(transport + (at->protocol == SS_TCP ? TCP_CHECKSUM : UDP_CHECKSUM));
    uint32_t bytes = at->payload - at->transport;
    uint32_t sum = ss_sum(transport, bytes) + ss_pseudo_sum(headers, at) + ss_word(bytes + payload) + payload_sum;
    if (ss_fold(sum) != 0xffff || field == 0)
        return false;
    /* A TCP checksum of 0 has two forms, and which one is written depends on who splits the merged frame. */
    return at->protocol == SS_UDP || field != 0xffff;
}

static bool same(const uint8_t *a, const uint8_t *b, uint32_t from, uint32_t to)
{
    return memcmp(a + from, b + from, to - from) == 0;
}

static bool same_flow(const ss_part *first, const ss_part *part)
{
    const uint8_t *a = first->headers, *b = part->headers;
    const ss_headers *at = &first->at;
    if (memcmp(at, &part->at, sizeof *at) != 0 || !same(a, b, 0, at->network))
        return false;
    const uint8_t *ip_a = a + at->network, *ip_b = b + at->network;
    if (at->version == 4 ? !same(ip_a, ip_b, 0, IP4_LENGTH) || !same(ip_a, ip_b, IP4_FRAGMENT, IP4_CHECKSUM) ||
                               !same(ip_a, ip_b, IP4_CHECKSUM + 2, IP4_BYTES)
                         : !same(ip_a, ip_b, 0, IP6_LENGTH) || !same(ip_a, ip_b, IP6_LENGTH + 2, IP6_BYTES))
        return false;
    const uint8_t *l4_a = a + at->transport, *l4_b = b + at->transport;
    if (at->protocol == SS_UDP)
        return same(l4_a, l4_b, 0, UDP_LENGTH);
    return same(l4_a, l4_b, 0, TCP_SEQUENCE) && same(l4_a, l4_b, TCP_ACK, TCP_FLAGS) &&
           same(l4_a, l4_b, TCP_WINDOW, TCP_CHECKSUM) &&
           same(l4_a, l4_b, TCP_CHECKSUM + 2, at->payload - at->transport);
}

/* Whether `part` comes after `index` other frames, `before` bytes of payload after the first one's. */
static bool follows(const ss_part *first, const ss_part *part, uint32_t index, uint32_t before)
{
    const ss_headers *at = &first->at;
    if (part->payload > first->payload || at->payload + before + part->payload > SS_MERGE_BYTES ||
        !same_flow(first, part))
        return false;
    const uint8_t *a = first->headers, *b = part->headers;
    if (at->version == 4 &&
        ss_get_16(b + at->network + IP4_ID) != ((ss_get_16(a + at->network + IP4_ID) + index) & 0xffff))
        return false;
    if (at->protocol == SS_UDP)
        return true;
    uint8_t flags = a[at->transport + TCP_FLAGS], more = b[at->transport + TCP_FLAGS];
    return ss_get_32(b + at->transport + TCP_SEQUENCE) == ss_get_32(a + at->transport + TCP_SEQUENCE) + before &&
           (more & ~(TCP_FIN | TCP_PSH)) == (flags & ~TCP_CWR);
}

/* Nothing can follow: the segment is short, or is marked as the last. */
static bool ends(const ss_part *first, const ss_part *part)
{
    return part->payload < first->payload ||
           (part->at.protocol == SS_TCP && part->headers[part->at.transport + TCP_FLAGS] & (TCP_FIN | TCP_PSH));
}

uint32_t ss_merge_count(const ss_part *parts, uint32_t count)
{
    uint32_t merged = 1, before = parts->payload;
    if (!before || ends(parts, parts))
        return 1;
    while (merged < count && parts[merged].payload && follows(parts, &parts[merged], merged, before)) {
        before += parts[merged].payload;
        if (ends(parts, &parts[merged++]))
            break;
    }
    return merged;
}

void ss_merge_headers(const ss_part *parts, uint32_t count, uint8_t *headers, struct virtio_net_hdr *header)
{
    const ss_headers *at = &parts->at;
    uint32_t length = at->payload;
    for (uint32_t i = 0; i < count; i++)
        length += parts[i].payload;
    memcpy(headers, parts->headers, at->payload);
    uint8_t *ip = headers + at->network, *transport = headers + at->transport;
    if (at->version == 4) {
        ss_put_16(ip + IP4_LENGTH, length - at->network);
        ss_write_ip4_checksum(ip);
    } else
        ss_put_16(ip + IP6_LENGTH, length - at->network - IP6_BYTES);
    bool tcp = at->protocol == SS_TCP;
    *header = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                      .hdr_len = (uint16_t)at->payload,
                                      .gso_size = (uint16_t)parts->payload,
                                      .csum_start = (uint16_t)at->transport,
                                      .csum_offset = tcp ? TCP_CHECKSUM : UDP_CHECKSUM};
    if (tcp) {
        header->gso_type = at->version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
        if (transport[TCP_FLAGS] & TCP_CWR)
            header->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
        transport[TCP_FLAGS] |= parts[count - 1].headers[at->transport + TCP_FLAGS] & (TCP_FIN | TCP_PSH);
    } else {
        header->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
        ss_put_16(transport + UDP_LENGTH, length - at->transport);
    }
    uint32_t pseudo = ss_pseudo_sum(headers, at) + ss_word(length - at->transport);
    ss_store_word(transport + header->csum_offset, ss_fold(pseudo));
}
