#include "ports/checksum.h"

#define SCTP_CHECKSUM 8u   /* offset; no other protocol's checksum is there */
#define CRC32C 0x82f63b78u /* the polynomial of Castagnoli, reversed */

typedef uint64_t ss_lanes __attribute__((vector_size(16))); /* fit in one register on every 64-bit machine */

static inline ss_lanes load_lanes(const uint8_t *at)
{
    ss_lanes lanes;
    memcpy(&lanes, at, sizeof lanes);
    return lanes;
}

/* Adds 32 bits at a time to 64-bit sums, which cannot overflow; two registers per half keep the adders busy. */
uint32_t ss_sum(const uint8_t *bytes, uint32_t count)
{
    ss_lanes low = {0}, high = {0}, other_low = {0}, other_high = {0};
    for (; count >= 32; bytes += 32, count -= 32) {
        ss_lanes first = load_lanes(bytes), second = load_lanes(bytes + 16);
        low += first & 0xffffffffu;
        high += first >> 32;
        other_low += second & 0xffffffffu;
        other_high += second >> 32;
    }
    low += high + other_low + other_high;
    uint64_t sum = low[0] + low[1];
    for (; count >= 2; bytes += 2, count -= 2)
        sum += ss_load_word(bytes);
    if (count) {
        const uint8_t last[2] = {*bytes, 0};
        sum += ss_load_word(last);
    }
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    return ss_fold((uint32_t)(sum & 0xffff) + (uint32_t)(sum >> 16));
}

uint32_t ss_pseudo_sum(const uint8_t *frame, const ss_headers *at)
{
    const uint8_t *ip = frame + at->network;
    uint32_t addresses = at->version == 4 ? ss_sum(ip + 12, 8) : ss_sum(ip + 8, 32);
    return ss_fold(addresses + ss_word(at->protocol));
}

void ss_write_ip4_checksum(uint8_t *ip)
{
    ss_store_word(ip + IP4_CHECKSUM, 0);
    ss_store_word(ip + IP4_CHECKSUM, ~ss_sum(ip, (ip[0] & 15u) * 4));
}

bool ss_complete_checksum(uint8_t *frame, uint32_t length)
{
    ss_headers at;
    if (!ss_find_headers(frame, length, &at) || (at.version == 6 && at.extended))
        return false; /* offloaded checksums come without extension headers only */
    return ss_complete_partial(frame, length, at.transport, at.protocol == SS_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
}

static void complete_crc(uint8_t *frame, uint32_t length, uint32_t start)
{
    uint8_t *field = frame + start + SCTP_CHECKSUM;
    uint32_t crc = ~0u;
    memset(field, 0, 4);
    for (uint32_t at = start; at < length; at++) {
        crc ^= frame[at];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (CRC32C & -(crc & 1));
    }
    crc = ~crc;
    for (int byte = 0; byte < 4; byte++) /* RFC 9260, appendix A: least significant byte first */
        field[byte] = (uint8_t)(crc >> 8 * byte);
}

bool ss_complete_partial(uint8_t *frame, uint32_t length, uint32_t start, uint32_t offset)
{
    if (start >= length || offset + (offset == SCTP_CHECKSUM ? 4 : 2) > length - start)
        return false;
    if (ss_unlikely(offset == SCTP_CHECKSUM))
        complete_crc(frame, length, start);
    else
        ss_store_word(frame + start + offset, ss_checksum_of(ss_sum(frame + start, length - start)));
    return true;
}
