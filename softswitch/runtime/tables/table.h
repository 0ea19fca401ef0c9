/* The structure of a table, shared by the files of this folder. */
#ifndef SS_TABLE_H
#define SS_TABLE_H

#include "arrays/meter_cell.h"
#include "core/base.h"
#include "core/instance.h"
#include "matching/matcher.h"
#include "tables/node_pool.h"

typedef struct ss_cell {
    uint64_t packets, bytes;
} ss_cell;

/* A lookup that has found a node reads only the node's second cache line. */
typedef struct ss_node {
    ss_rule rule;
    uint64_t last_hit_ns, idle_ns, reference;
    void *target;   /* the member or group */
    uint32_t kind;  /* ss_reference of api.h */
    bool fixed;     /* const: the control plane can't change or remove it */
    bool carried;   /* came from another program's table (carry.c) */
    ss_entry entry; /* last: its data, then the rule's words follow */
} ss_node;
_Static_assert(offsetof(ss_node, idle_ns) == SS_NODE_ALIGN, "the fields that packets read are not in one cache line");

struct ss_table {
    const ss_table_desc *desc;
    ss_instance *instance;
    ss_matcher matcher;
    ss_entry *default_entry;
    uint32_t default_kind; /* ss_reference: a controller may have put a member or group in its place */
    uint64_t default_reference;
    void *default_target;
    ss_profile *profile;
    uint32_t profile_position;
    uint32_t data_words; /* of the action with the most data */
    uint32_t last_slot;  /* of the latest lookup: a profile's action does not know its entry */
    uint64_t hits, misses;
    ss_node_pool nodes;
    ss_node **slots; /* NULL where free */
    uint32_t slot_count, slot_capacity, free_hint;
    ss_cell *counters; /* by slot; NULL without a direct counter */
    ss_meter_cell *meters;
    ss_cell default_counter;
    ss_meter_cell default_meter;
};

#endif
