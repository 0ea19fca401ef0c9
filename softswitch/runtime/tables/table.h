/* A table, as the files of this folder share it. */
#ifndef SS_TABLE_H
#define SS_TABLE_H

#include "arrays/meter_cell.h"
#include "core/base.h"
#include "core/instance.h"
#include "tables/matcher.h"

typedef struct ss_cell {
    uint64_t packets, bytes;
} ss_cell;

typedef struct ss_node {
    ss_rule rule;
    uint64_t last_hit_ns, idle_ns, reference;
    uint32_t kind;  /* ss_reference of api.h */
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
    uint32_t data_words; /* of the action that has the most */
    uint32_t last_slot;  /* of the latest lookup: an action of a profile does not know its entry */
    uint64_t hits, misses;
    ss_node **slots; /* NULL where free */
    uint32_t slot_count, slot_capacity, free_hint;
    ss_cell *counters; /* by slot; NULL without a direct counter */
    ss_meter_cell *meters;
    ss_cell default_counter;
    ss_meter_cell default_meter;
};

#endif
