/* A table as tables.c (lookup) and table_control.c (controllers) share it. */
#ifndef SS_TABLE_H
#define SS_TABLE_H

#include "core/internal.h"
#include "tables/matcher.h"

enum ss_reference { SS_BY_ACTION, SS_BY_MEMBER, SS_BY_GROUP };

typedef struct ss_cell {
    uint64_t packets, bytes;
} ss_cell;

typedef struct ss_node {
    ss_rule rule;
    uint64_t last_hit_ns, idle_ns, reference;
    uint32_t kind;  /* ss_reference */
    bool fixed;     /* const: the control plane can't change or remove it */
    void *target;   /* the member or group */
    ss_entry entry; /* last: its data, then the rule's words follow */
} ss_node;

struct ss_table {
    const ss_table_desc *desc;
    ss_instance *instance;
    ss_matcher matcher;
    ss_entry *default_entry;
    ss_profile *profile;
    uint32_t profile_position;
    uint32_t data_words; /* most of any action */
    uint32_t last_slot;  /* of the latest lookup: an action of a profile does not know its entry */
    uint64_t hits, misses;
    ss_node **slots; /* NULL where free */
    uint32_t slot_count, slot_capacity, free_hint;
    ss_cell *counters; /* by slot; NULL without a direct counter */
    ss_meter_cell *meters;
    ss_cell default_counter;
    ss_meter_cell default_meter;
};

/* The node of a table with the same key and priority as a node of another table with the same keys, NULL if there is none. */
const ss_node *ss_table_like(const ss_table *table, const ss_node *node);

#endif
