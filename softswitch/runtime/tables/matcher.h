/* Finds the best rule for a key: exact, lpm, ternary, range and optional fields in any combination.
 *
 * Tuple-space search: rules with the same mask form a group with one hash table; a lookup probes the groups from the
 * highest priority bound downwards and stops when no better rule can follow. One exact group costs one probe; an lpm
 * key is the special case in which the priority is the prefix length. A range contributes the leading bits that its two
 * ends share. */
#ifndef SS_MATCHER_H
#define SS_MATCHER_H

#include "include/pipeline.h"

typedef struct ss_rule {
    struct ss_rule *next; /* in its bucket: better rules of one masked key come first */
    struct ss_group *group;
    uint64_t hash, order; /* order: of insertion, never reused */
    int32_t priority;     /* larger wins; at equal priority the older rule */
    uint64_t *masked;     /* the key words under the group's mask */
    /* as the controller gave them, normalised; range: low and high. May equal `masked` and the mask */
    uint64_t *value, *mask;
} ss_rule;

typedef struct ss_group {
    uint64_t *mask;
    ss_rule **buckets;
    uint32_t bucket_mask, count, removed;
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
    int32_t lpm; /* index of the lpm field when that is what orders the rules, else -1 */
    ss_group **groups;
    uint32_t group_count, group_capacity, count;
    uint64_t next_order;
} ss_matcher;

bool ss_matcher_init(ss_matcher *matcher, const ss_key_desc *keys, uint32_t key_count); /* selector keys are left out */
void ss_matcher_free(ss_matcher *matcher);                                              /* not the rules */
/* Words of storage that a rule needs at `storage` of ss_matcher_prepare. */
uint32_t ss_matcher_rule_words(const ss_matcher *matcher);
/* Fills rule->value, mask, masked from the controller's words (mask NULL: all exact). False: not a possible match. */
bool ss_matcher_prepare(const ss_matcher *matcher, ss_rule *rule, uint64_t *storage, const uint64_t *value,
                        const uint64_t *mask, int32_t priority);
ss_rule *ss_matcher_find(const ss_matcher *matcher, const ss_rule *like); /* the same match and priority */
bool ss_matcher_insert(ss_matcher *matcher, ss_rule *rule);               /* false: no memory */
void ss_matcher_remove(ss_matcher *matcher, ss_rule *rule);
ss_rule *ss_matcher_lookup(const ss_matcher *matcher, const uint64_t *key);

#endif
