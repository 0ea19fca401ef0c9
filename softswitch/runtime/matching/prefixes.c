#include "matching/prefixes.h"

#include <stdlib.h>

#define SOME_RULES 1024u
#define MANY_RULES 65536u

uint32_t ss_prefix_bits(uint32_t width, uint32_t rules)
{
    uint32_t bits = rules < SOME_RULES ? 8 : rules < MANY_RULES ? 16 : SS_MAX_PREFIX_BITS;
    return width < bits ? width : bits;
}

bool ss_prefixes_open(ss_prefixes *prefixes, uint32_t width, uint32_t bits)
{
    uint64_t *lengths = calloc(1ull << bits, sizeof *lengths);
    if (!lengths)
        return false;
    free(prefixes->lengths);
    *prefixes = (ss_prefixes){.lengths = lengths, .bits = bits, .width = width};
    return true;
}

void ss_prefixes_free(ss_prefixes *prefixes)
{
    free(prefixes->lengths);
    prefixes->lengths = NULL;
}

void ss_prefixes_add(ss_prefixes *prefixes, const uint64_t *field, uint32_t length)
{
    if (!length)
        return; /* a rule that matches anything is always probed last */
    uint64_t first = ss_leading_bits(prefixes, field);
    uint64_t count = length < prefixes->bits ? 1ull << (prefixes->bits - length) : 1;
    uint64_t bit = 1ull << ((length - 1) / ss_lengths_per_bit(prefixes->width));
    for (uint64_t i = 0; i < count; i++)
        prefixes->lengths[first + i] |= bit;
}
