/* The Internet checksum (RFC 1071), and checksums that a sender left to its network card.
 *
 * A veth passes such frames on as they are: the checksum field holds the sum of the pseudo header, and the receiver
 * would discard the packet after we have sent it on. */
#ifndef SS_CHECKSUM_H
#define SS_CHECKSUM_H

#include "ports/headers.h"

/* The one's complement sum of 16-bit words, in the machine's byte order, folded to 16 bits. Sums of pieces can be added
 * if all pieces but the last have an even number of bytes. */
uint32_t ss_sum(const uint8_t *bytes, uint32_t count);

static inline uint32_t ss_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (sum & 0xffff) + (sum >> 16);
}

/* A number as a word of such a sum. */
static inline uint32_t ss_word(uint32_t value)
{
    uint8_t bytes[2];
    uint16_t word;
    ss_put_16(bytes, value);
    memcpy(&word, bytes, 2);
    return word;
}

static inline uint32_t ss_load_word(const uint8_t *at)
{
    uint16_t word;
    memcpy(&word, at, 2);
    return word;
}

static inline void ss_store_word(uint8_t *at, uint32_t sum)
{
    uint16_t word = (uint16_t)sum;
    memcpy(at, &word, 2);
}

/* The sum of the addresses and the protocol: the pseudo header without its length. */
uint32_t ss_pseudo_sum(const uint8_t *frame, const ss_headers *at);
void ss_write_ip4_checksum(uint8_t *ip); /* of a header with or without options */

/* The checksum as the kernel writes it for a sum that includes the pseudo header: 0xffff for 0, which in UDP means
 * "none" and in TCP is the same. */
static inline uint32_t ss_checksum_of(uint32_t sum)
{
    uint32_t result = ~sum & 0xffff;
    return result ? result : 0xffff;
}

/* Completes the TCP or UDP checksum; false: the frame has neither. For ports that are not told where it is. */
bool ss_complete_checksum(uint8_t *frame, uint32_t length);
/* The same where the sender gives the start of the summed bytes and, relative to it, the offset of the result. Covers
 * all protocols with an Internet checksum, and SCTP with its CRC32c. false: outside the frame. */
bool ss_complete_partial(uint8_t *frame, uint32_t length, uint32_t start, uint32_t offset);

#endif
