/* A rule of a matcher, and the order of rules. */
#ifndef SS_RULE_H
#define SS_RULE_H

#include "core/base.h"

struct ss_group;
struct ss_interval;

typedef struct ss_rule {
    union {
        struct ss_rule *next;     /* the next worse one with the same masked key */
        struct ss_interval *span; /* in a matcher with ranges: its place in the tree of its masked key */
    };
    struct ss_group *group;
    uint64_t order;   /* of insertion, never reused */
    int32_t priority; /* the larger wins; at equal priority the older rule */
    uint64_t *masked; /* the key words under the group's mask */
    /* as the controller gave them, normalised; range: low and high. `value` may be the same as `masked` */
    uint64_t *value, *mask;
} ss_rule;

static inline bool ss_rule_better(const ss_rule *a, const ss_rule *b)
{
    return a->priority > b->priority || (a->priority == b->priority && a->order < b->order);
}

#endif
