/* The hash algorithms of v1model as simple_switch computes them, over bytes in network order. Header-only. */
#ifndef SS_HASHES_H
#define SS_HASHES_H

#include <stdint.h>
#include <string.h>

/* In the order of v1model's HashAlgorithm. */
enum ss_hash {
    SS_HASH_CRC32,
    SS_HASH_CRC32_CUSTOM,
    SS_HASH_CRC16,
    SS_HASH_CRC16_CUSTOM,
    SS_HASH_RANDOM,
    SS_HASH_IDENTITY,
    SS_HASH_CSUM16,
    SS_HASH_XOR16,
};

/* Tables for one byte at a time of the reflected polynomials 0x04C11DB7 and 0x8005, filled when the object is loaded.
 */
static uint32_t ss_crc32_table[256];
static uint16_t ss_crc16_table[256];

__attribute__((constructor)) static void ss_fill_crc_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t c32 = byte, c16 = byte;
        for (int bit = 0; bit < 8; bit++) {
            c32 = c32 & 1 ? c32 >> 1 ^ 0xEDB88320u : c32 >> 1;
            c16 = c16 & 1 ? c16 >> 1 ^ 0xA001u : c16 >> 1;
        }
        ss_crc32_table[byte] = c32;
        ss_crc16_table[byte] = (uint16_t)c16;
    }
}

/* Variants that end in _joined treat two parts as if they were contiguous: packed fields and a packet's payload. */

static inline uint32_t ss_crc32_steps(uint32_t crc, const uint8_t *data, uint32_t length)
{
    while (length--)
        crc = crc >> 8 ^ ss_crc32_table[(crc ^ *data++) & 0xFF];
    return crc;
}
/* CRC-32 of IEEE 802.3 */
static inline uint32_t ss_crc32(const uint8_t *data, uint32_t length)
{
    return ~ss_crc32_steps(0xFFFFFFFFu, data, length);
}
static inline uint32_t ss_crc32_joined(const uint8_t *head, uint32_t head_length, const uint8_t *tail,
                                       uint32_t tail_length)
{
    return ~ss_crc32_steps(ss_crc32_steps(0xFFFFFFFFu, head, head_length), tail, tail_length);
}

static inline uint16_t ss_crc16_steps(uint32_t crc, const uint8_t *data, uint32_t length)
{
    while (length--)
        crc = crc >> 8 ^ ss_crc16_table[(crc ^ *data++) & 0xFF];
    return (uint16_t)crc;
}
/* CRC-16/ARC */
static inline uint16_t ss_crc16(const uint8_t *data, uint32_t length) { return ss_crc16_steps(0, data, length); }
static inline uint16_t ss_crc16_joined(const uint8_t *head, uint32_t head_length, const uint8_t *tail,
                                       uint32_t tail_length)
{
    return ss_crc16_steps(ss_crc16_steps(0, head, head_length), tail, tail_length);
}

/* The Internet checksum (RFC 1071); an odd last byte counts as the high half of a word. `sum` carries over from a
 * former part of an even number of bytes. */
static inline uint64_t ss_sum16(uint64_t sum, const uint8_t *data, uint32_t length)
{
    for (; length >= 4; data += 4, length -= 4)
        sum += (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    if (length >= 2) {
        sum += (uint32_t)data[0] << 8 | data[1];
        data += 2, length -= 2;
    }
    return length ? sum + ((uint32_t)data[0] << 8) : sum;
}
static inline uint16_t ss_fold16(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return (uint16_t)~sum;
}
static inline uint16_t ss_csum16_joined(const uint8_t *head, uint32_t head_length, const uint8_t *tail,
                                        uint32_t tail_length)
{
    uint64_t sum = ss_sum16(0, head, head_length & ~1u);
    if (head_length & 1) {
        sum += (uint32_t)head[head_length - 1] << 8;
        if (tail_length > 0)
            sum += *tail++, tail_length--;
    }
    return ss_fold16(ss_sum16(sum, tail, tail_length));
}
static inline uint16_t ss_csum16(const uint8_t *data, uint32_t length) { return ss_fold16(ss_sum16(0, data, length)); }

static inline uint16_t ss_xor16(const uint8_t *data, uint32_t length)
{
    uint32_t value = 0;
    for (; length >= 2; data += 2, length -= 2)
        value ^= (uint32_t)data[0] << 8 | data[1];
    return (uint16_t)(length ? value ^ (uint32_t)data[0] << 8 : value);
}

static inline uint16_t ss_xor16_joined(const uint8_t *head, uint32_t head_length, const uint8_t *tail,
                                       uint32_t tail_length)
{
    uint16_t value = ss_xor16(head, head_length);
    if (head_length & 1 && tail_length > 0) {
        value ^= *tail++;
        tail_length--;
    }
    return value ^ ss_xor16(tail, tail_length);
}

/* The first eight bytes as a number. */
static inline uint64_t ss_identity(const uint8_t *data, uint32_t length)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < length && i < 8; i++)
        value = value << 8 | data[i];
    return value;
}
static inline uint64_t ss_identity_joined(const uint8_t *head, uint32_t head_length, const uint8_t *tail,
                                          uint32_t tail_length)
{
    uint64_t value = ss_identity(head, head_length);
    for (uint32_t i = 0; i < tail_length && head_length + i < 8; i++)
        value = value << 8 | tail[i];
    return value;
}

#endif
