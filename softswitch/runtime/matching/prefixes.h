/* Which prefix lengths can match a key: for every value of the leading bits of an lpm field, one bit for each length
 * that some rule with (or covering) these leading bits has. A lookup then probes the groups of only a few lengths. */
#ifndef SS_PREFIXES_H
#define SS_PREFIXES_H

#include "matching/words.h"

#define SS_MAX_PREFIX_BITS 20u /* leading bits, for which the table takes 8 MiB */

typedef struct ss_prefixes {
    uint64_t *lengths; /* NULL: not known */
    uint32_t bits;     /* leading bits */
    uint32_t width;    /* of the field, in bits */
    uint32_t gone;     /* number of rules removed since; their bits may still be set */
} ss_prefixes;

/* The number of leading bits that are worth their memory for a number of rules. */
uint32_t ss_prefix_bits(uint32_t width, uint32_t rules);
bool ss_prefixes_open(ss_prefixes *prefixes, uint32_t width, uint32_t bits); /* empty; false: no memory */
void ss_prefixes_free(ss_prefixes *prefixes);
/* A rule with a prefix of `length` bits; `field`: the words of the lpm field. */
void ss_prefixes_add(ss_prefixes *prefixes, const uint64_t *field, uint32_t length);

/* A bit stands for one length (from 1 on), or for several adjacent ones in fields of more than 64 bits. */
static inline uint32_t ss_lengths_per_bit(uint32_t width) { return (width + 63) / 64; }

static inline uint64_t ss_leading_bits(const ss_prefixes *prefixes, const uint64_t *field)
{
    uint32_t shift = prefixes->width - prefixes->bits, word = shift / 64, low = shift % 64;
    uint64_t value = field[word] >> low;
    if (low && (word + 1) * 64 < prefixes->width)
        value |= field[word + 1] << (64 - low);
    return value & ((1ull << prefixes->bits) - 1);
}

static inline uint64_t ss_prefixes_at(const ss_prefixes *prefixes, const uint64_t *field)
{
    return prefixes->lengths[ss_leading_bits(prefixes, field)];
}

#endif
