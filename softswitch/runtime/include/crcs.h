/* CRCs whose parameters controllers may set (crc16_custom and crc32_custom), as simple_switch computes them.
 * Header-only.
 */
#ifndef SS_CRCS_H
#define SS_CRCS_H

#include "pipeline.h"

struct ss_crc {
    uint32_t width; /* 16 or 32 */
    bool configured;
    uint32_t polynomial, initial, final_xor;
    bool data_reflected, remainder_reflected;
    uint32_t remainders[256]; /* by the byte that leaves at the top */
    uint8_t bytes[256];       /* as they are, or reflected */
};

static inline uint32_t ss_reflect(uint32_t value, uint32_t bits)
{
    uint32_t reflected = 0;
    for (uint32_t i = 0; i < bits; i++)
        reflected |= (value >> i & 1) << (bits - 1 - i);
    return reflected;
}

/* After its parameters were set. */
static inline void ss_crc_fill(ss_crc *crc)
{
    uint32_t top = 1u << (crc->width - 1);
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t remainder = byte << (crc->width - 8);
        for (int bit = 0; bit < 8; bit++)
            remainder = remainder & top ? remainder << 1 ^ crc->polynomial : remainder << 1;
        crc->remainders[byte] = remainder;
        crc->bytes[byte] = (uint8_t)(crc->data_reflected ? ss_reflect(byte, 8) : byte);
    }
}

static inline uint64_t ss_crc_custom(const ss_crc *crc, const uint8_t *data, uint32_t length)
{
    uint32_t shift = crc->width - 8, mask = UINT32_MAX >> (32 - crc->width), remainder = crc->initial;
    while (length--)
        remainder = crc->remainders[(crc->bytes[*data++] ^ remainder >> shift) & 0xFF] ^ remainder << 8;
    if (crc->remainder_reflected)
        remainder = ss_reflect(remainder & mask, crc->width);
    return (remainder ^ crc->final_xor) & mask;
}

#endif
