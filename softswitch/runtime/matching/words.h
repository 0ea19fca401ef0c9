/* Keys as arrays of 64-bit words, least significant first: masks, comparison, hash. */
#ifndef SS_WORDS_H
#define SS_WORDS_H

#include "core/base.h"

/* Multiply-and-fold mixing: each word is folded into the state by a 64 x 64 -> 128 bit product. */
static inline uint64_t ss_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ 0x9e3779b97f4a7c15ull) * (b ^ 0xd1342543de82ef95ull);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t ss_hash_words(const uint64_t *words, uint32_t count)
{
    uint64_t hash = 0x2545f4914f6cdd1dull;
    for (uint32_t i = 0; i < count; i++)
        hash = ss_mix(hash, words[i]);
    return hash;
}

/* The bits of a field of `width` bits in its word number `word`. */
static inline uint64_t ss_word_mask(uint32_t width, uint32_t word)
{
    uint32_t low = word * 64;
    if (width >= low + 64)
        return UINT64_MAX;
    return width > low ? (1ull << (width - low)) - 1 : 0;
}

/* -1, 0, 1 as a < b, a == b, a > b. */
static inline int ss_compare_words(const uint64_t *a, const uint64_t *b, uint32_t words)
{
    for (uint32_t i = words; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static inline bool ss_same_words(const uint64_t *a, const uint64_t *b, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

#endif
