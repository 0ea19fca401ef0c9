/* Lookups. There is one probe per group: its bound, then either the rule of its only masked key or a link to its map,
 * then its mask and that key. Groups with one key, the most common case when there are many masks, are compared in
 * contiguous memory; for the others, their places in the maps are prefetched some probes ahead. */
#include "matching/search.h"

#include <string.h>

#define AHEAD 8u
#define IS_GROUP 1u /* set in the link of a probe if it is not the rule itself */

enum { PROBE_BOUND, PROBE_LINK };

static void renew_probes(ss_matcher *matcher)
{
    uint32_t words = matcher->words;
    uint64_t *probe = matcher->probes;
    for (uint32_t g = 0; g < matcher->group_count; g++, probe += ss_probe_words(matcher)) {
        const ss_group *group = matcher->groups[g];
        probe[PROBE_BOUND] = (uint64_t)(int64_t)group->bound;
        probe[PROBE_LINK] = (uint64_t)(uintptr_t)group | IS_GROUP;
        memcpy(probe + SS_PROBE_HEAD, group->mask, words * sizeof *probe);
        if (group->rules.count != 1)
            continue;
        const uint64_t *slot = group->rules.slots;
        while (!slot[0])
            slot += group->rules.stride;
        probe[PROBE_LINK] = slot[0];
        memcpy(probe + SS_PROBE_HEAD + words, slot + 1, words * sizeof *probe);
    }
    matcher->probes_stale = false;
}

static bool contains(const void *argument, const ss_rule *rule, const uint64_t *key)
{
    const ss_matcher *matcher = argument;
    for (uint32_t f = 0; f < matcher->field_count; f++) {
        const ss_field *field = &matcher->fields[f];
        if (field->match == SS_RANGE &&
            (ss_compare_words(key + field->first, rule->value + field->first, field->words) < 0 ||
             ss_compare_words(key + field->first, rule->mask + field->first, field->words) > 0))
            return false;
    }
    return true;
}

static inline ss_rule *better_one(const ss_matcher *matcher, ss_rule *first, const uint64_t *key, ss_rule *best)
{
    if (matcher->ranges)
        return ss_intervals_search(&matcher->span, first, key, best, contains, matcher);
    return best && !ss_rule_better(first, best) ? best : first; /* lpm: without reading the rule itself */
}

static inline bool matches(const uint64_t *mask, const uint64_t *masked, const uint64_t *key, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        if ((key[i] & mask[i]) != masked[i])
            return false;
    return true;
}

/* Computes the hashes of the keys in the maps of `count` probes, and prefetches their places. */
static void fetch(const ss_matcher *matcher, const uint64_t *probe, uint32_t count, const uint64_t *key,
                  uint64_t *hashes)
{
    uint32_t words = matcher->words, stride = ss_probe_words(matcher);
    uint64_t masked[words + 1];
    for (uint32_t p = 0; p < count; p++, probe += stride) {
        if (!(probe[PROBE_LINK] & IS_GROUP))
            continue;
        const ss_group *group = (const ss_group *)(uintptr_t)(probe[PROBE_LINK] - IS_GROUP);
        for (uint32_t i = 0; i < words; i++)
            masked[i] = key[i] & probe[SS_PROBE_HEAD + i];
        hashes[p] = ss_hash_words(masked, words);
        __builtin_prefetch(ss_key_map_slot(&group->rules, hashes[p]));
    }
}

static ss_rule *search(const ss_matcher *matcher, const uint64_t *key)
{
    uint32_t words = matcher->words, stride = ss_probe_words(matcher);
    const uint64_t *probe = matcher->probes;
    uint64_t masked[words + 1], hashes[AHEAD];
    ss_rule *best = NULL;
    for (uint32_t g = 0; g < matcher->group_count; g++, probe += stride) {
        if (best && (!matcher->prioritised || best->priority > (int64_t)probe[PROBE_BOUND]))
            break; /* lpm: groups are ordered by prefix length, longest first, and lengths are unique */
        if (g % AHEAD == 0)
            fetch(matcher, probe, matcher->group_count - g < AHEAD ? matcher->group_count - g : AHEAD, key, hashes);
        uint64_t link = probe[PROBE_LINK];
        if (!(link & IS_GROUP)) {
            if (matches(probe + SS_PROBE_HEAD, probe + SS_PROBE_HEAD + words, key, words))
                best = better_one(matcher, (ss_rule *)(uintptr_t)link, key, best);
            continue;
        }
        const ss_group *group = (const ss_group *)(uintptr_t)(link - IS_GROUP);
        for (uint32_t i = 0; i < words; i++)
            masked[i] = key[i] & probe[SS_PROBE_HEAD + i];
        const uint64_t *slot = ss_key_map_find(&group->rules, hashes[g % AHEAD], masked);
        if (slot)
            best = better_one(matcher, (ss_rule *)(uintptr_t)slot[0], key, best);
    }
    return best;
}

/* The rule of a group for the key, if any. */
static inline ss_rule *in_group(const ss_group *group, const uint64_t *key, uint32_t words)
{
    uint64_t masked[words + 1];
    for (uint32_t i = 0; i < words; i++)
        masked[i] = key[i] & group->mask[i];
    const uint64_t *slot = ss_key_map_find(&group->rules, ss_hash_words(masked, words), masked);
    return slot ? (ss_rule *)(uintptr_t)slot[0] : NULL;
}

/* Finds the longest prefix among the lengths that can match. */
static ss_rule *search_prefixes(const ss_matcher *matcher, const uint64_t *key)
{
    const ss_field *field = &matcher->fields[matcher->lpm];
    uint32_t several = ss_lengths_per_bit(field->width);
    uint64_t lengths = ss_prefixes_at(&matcher->prefixes, key + field->first);
    while (lengths) {
        uint32_t bit = 63 - (uint32_t)__builtin_clzll(lengths);
        lengths ^= 1ull << bit;
        for (uint32_t i = several; i > 0; i--) {
            uint32_t length = bit * several + i;
            const ss_group *group = length <= field->width ? matcher->by_length[length] : NULL;
            ss_rule *found = group ? in_group(group, key, matcher->words) : NULL;
            if (found)
                return found;
        }
    }
    return matcher->by_length[0] ? in_group(matcher->by_length[0], key, matcher->words) : NULL;
}

ss_rule *ss_matcher_lookup(ss_matcher *matcher, const uint64_t *key)
{
    uint32_t words = matcher->words;
    if (matcher->exact) {
        if (matcher->count == 0)
            return NULL;
        const uint64_t *slot = ss_key_map_find(&matcher->groups[0]->rules, ss_hash_words(key, words), key);
        return slot ? (ss_rule *)(uintptr_t)slot[0] : NULL;
    }
    if (matcher->prefixes.lengths)
        return search_prefixes(matcher, key);
    if (matcher->probes_stale)
        renew_probes(matcher);
    if (!matcher->results.slots)
        return search(matcher, key);
    ss_rule *found;
    uint64_t hash = ss_hash_words(key, words);
    if (!ss_results_find(&matcher->results, hash, key, &found)) {
        found = search(matcher, key);
        ss_results_keep(&matcher->results, hash, key, found);
    }
    return found;
}
