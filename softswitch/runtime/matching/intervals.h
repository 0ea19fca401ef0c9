/* Ranges that contain a value: the rules of one masked key in a tree ordered by the low end of their first range field.
 *
 * A treap whose subtrees store their highest high end and their best rule, so a search skips subtrees that cannot
 * contain the value or cannot improve on the best rule so far. With n ranges, searching, inserting and removing take
 * about log n steps. */
#ifndef SS_INTERVALS_H
#define SS_INTERVALS_H

#include "matching/rule.h"
#include "matching/words.h"

/* The parts of a key that order the trees. */
typedef struct ss_span_field {
    uint32_t first, words; /* the first range field */
    uint32_t key_words;    /* of all fields */
} ss_span_field;

typedef struct ss_interval {
    ss_rule *left, *right;
    ss_rule *highest, *best; /* of this subtree */
    uint64_t weight;
} ss_interval;
#define SS_INTERVAL_WORDS (sizeof(ss_interval) / sizeof(uint64_t))

/* Whether a key is in every range of a rule. */
typedef bool ss_contains(const void *argument, const ss_rule *rule, const uint64_t *key);

/* All return the new root. A rule's `order` and `span` must be set before it is inserted. */
ss_rule *ss_intervals_insert(const ss_span_field *field, ss_rule *root, ss_rule *rule);
ss_rule *ss_intervals_remove(const ss_span_field *field, ss_rule *root, ss_rule *rule);
/* The rule with the same ranges and priority; NULL: none. */
ss_rule *ss_intervals_find(const ss_span_field *field, ss_rule *root, const ss_rule *like);
/* The best rule that contains the key if it is better than `best` (NULL: any), else `best`. */
ss_rule *ss_intervals_search(const ss_span_field *field, ss_rule *root, const uint64_t *key, ss_rule *best,
                             ss_contains *contains, const void *argument);

#endif
