/* Finds the best rule for a key: exact, lpm, ternary, range and optional fields in any combination.
 *
 * Tuple-space search: rules with the same mask form a group with one map by masked key; a lookup probes the groups from
 * the highest priority bound downwards and stops when no better rule can follow. One exact group costs one probe; an
 * lpm key is the special case in which the priority is the prefix length. The data that probes need is stored in one
 * array in that order (search.c), and for lpm keys the prefix lengths that can match are known (prefixes.h). Ranges
 * are not part of a group's mask: the rules of one masked key form a tree. With many groups the latest results are
 * cached. */
#ifndef SS_MATCHER_H
#define SS_MATCHER_H

#include "include/pipeline.h"
#include "matching/intervals.h"
#include "matching/key_map.h"
#include "matching/prefixes.h"
#include "matching/results.h"
#include "matching/rule.h"

typedef struct ss_group {
    uint64_t *mask;
    ss_key_map rules; /* from masked key to its best rule, or with ranges to the root of its tree */
    uint32_t count, removed;
    int32_t bound; /* no rule of the group has a larger priority */
} ss_group;

typedef struct ss_field {
    enum ss_match match;
    uint32_t first, words, width;
} ss_field;

typedef struct ss_matcher {
    uint32_t words, field_count;
    ss_field *fields;
    bool prioritised; /* ternary, range or optional keys: the controller's priority counts */
    bool ranges, exact;
    int32_t lpm;        /* index of the lpm field if it orders the rules, else -1 */
    ss_span_field span; /* of the trees, with ranges */
    ss_group **groups;  /* highest bound first */
    uint32_t group_count, group_capacity, count;
    ss_key_map by_mask; /* the groups */
    uint64_t next_order;
    uint64_t *probes; /* what a lookup scans (search.c); room for all groups */
    bool probes_stale;
    ss_results results;
    ss_prefixes prefixes; /* if an lpm field orders the rules */
    ss_group **by_length; /* the group of each prefix length; NULL: none */
} ss_matcher;

#define SS_PROBE_HEAD 2u /* words of a probe before its mask and key: the bound, and a link */

static inline uint32_t ss_probe_words(const ss_matcher *matcher) { return SS_PROBE_HEAD + 2 * matcher->words; }

bool ss_matcher_init(ss_matcher *matcher, const ss_key_desc *keys, uint32_t key_count); /* selector keys are left out */
void ss_matcher_free(ss_matcher *matcher);                                              /* without the rules */
/* Words that a rule needs at `storage` of ss_matcher_prepare. */
uint32_t ss_matcher_rule_words(const ss_matcher *matcher);
/* Fills rule->value, mask, masked from the controller's words (mask NULL: all exact). false: not a valid match. */
bool ss_matcher_prepare(const ss_matcher *matcher, ss_rule *rule, uint64_t *storage, const uint64_t *value,
                        const uint64_t *mask, int32_t priority);
ss_rule *ss_matcher_find(const ss_matcher *matcher, const ss_rule *like); /* the same match and priority */
bool ss_matcher_insert(ss_matcher *matcher, ss_rule *rule);               /* false: no memory */
void ss_matcher_remove(ss_matcher *matcher, ss_rule *rule);

#endif
