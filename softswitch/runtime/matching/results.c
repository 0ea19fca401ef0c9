#include "matching/results.h"

#include <stdlib.h>
#include <string.h>

void ss_results_init(ss_results *results, uint32_t words)
{
    *results = (ss_results){.words = words, .stride = words + 2, .number = 1};
}

void ss_results_open(ss_results *results)
{
    if (!results->slots)
        results->slots = calloc((size_t)SS_RESULT_SETS * 2 * results->stride, sizeof *results->slots);
}

void ss_results_free(ss_results *results)
{
    free(results->slots);
    results->slots = NULL;
}

/* Inserts a result at the front of its set; the previous first one moves to the second place. */
void ss_results_keep(ss_results *results, uint64_t hash, const uint64_t *key, ss_rule *found)
{
    size_t bytes = results->stride * sizeof *results->slots;
    uint64_t *slot = results->slots + (hash & (SS_RESULT_SETS - 1)) * 2 * results->stride;
    memcpy(slot + results->stride, slot, bytes);
    slot[0] = results->number;
    slot[1] = (uint64_t)(uintptr_t)found;
    memcpy(slot + 2, key, results->words * sizeof *key);
}
