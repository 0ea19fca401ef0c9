#include "ports/checksum.h"

static uint32_t big_endian_16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

/* Where TCP or UDP begins, and where in it the checksum is. */
static bool find_checksum(const uint8_t *frame, uint32_t length, uint32_t *start, uint32_t *field)
{
    uint32_t at = 12, protocol;
    if (length < 14)
        return false;
    uint32_t type = big_endian_16(frame + at);
    while ((type == 0x8100 || type == 0x88a8) && length >= at + 6) {
        at += 4;
        type = big_endian_16(frame + at);
    }
    at += 2;
    if (type == 0x0800 && length >= at + 20) {
        protocol = frame[at + 9];
        at += (frame[at] & 15u) * 4;
    } else if (type == 0x86dd && length >= at + 40) {
        protocol = frame[at + 6]; /* senders leave checksums to the card only without extension headers */
        at += 40;
    } else
        return false;
    *start = at;
    *field = protocol == 6 ? at + 16 : protocol == 17 ? at + 6 : 0;
    return *field && *field + 2 <= length;
}

bool ss_complete_checksum(uint8_t *frame, uint32_t length)
{
    uint32_t start, field;
    if (!find_checksum(frame, length, &start, &field))
        return false;
    uint64_t sum = 0;
    uint32_t at = start;
    for (; at + 1 < length; at += 2)
        sum += big_endian_16(frame + at);
    if (at < length)
        sum += (uint64_t)frame[at] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    uint16_t result = (uint16_t)~sum;
    if (!result)
        result = 0xffff; /* 0 means "none" in UDP; in TCP both are the same */
    frame[field] = (uint8_t)(result >> 8);
    frame[field + 1] = (uint8_t)result;
    return true;
}
