/* A cache of the latest lookups by key, for flows in use: a lookup among many masks searches once per flow.
 *
 * Any change of the rules invalidates all results at once, by a version number. */
#ifndef SS_RESULTS_H
#define SS_RESULTS_H

#include "matching/rule.h"
#include "matching/words.h"

#define SS_RESULT_SETS 8192u /* of two results each */

typedef struct ss_results {
    uint64_t *slots; /* each: the version of the rules, the rule (0: no match), the key; NULL: nothing is cached */
    uint32_t words, stride;
    uint64_t number;
} ss_results;

void ss_results_init(ss_results *results, uint32_t words);
void ss_results_open(ss_results *results); /* starts caching, if there is memory */
void ss_results_free(ss_results *results);

static inline void ss_results_forget(ss_results *results) { results->number++; }

/* Whether the result for a key is cached. */
static inline bool ss_results_find(const ss_results *results, uint64_t hash, const uint64_t *key, ss_rule **found)
{
    const uint64_t *slot = results->slots + (hash & (SS_RESULT_SETS - 1)) * 2 * results->stride;
    for (uint32_t way = 0; way < 2; way++, slot += results->stride)
        if (slot[0] == results->number && ss_same_words(slot + 2, key, results->words)) {
            *found = (ss_rule *)(uintptr_t)slot[1];
            return true;
        }
    return false;
}

void ss_results_keep(ss_results *results, uint64_t hash, const uint64_t *key, ss_rule *found);

#endif
