/* The slots of a table: one per entry, with its direct counter and meter; slots of deleted entries are reused. */
#ifndef SS_SLOTS_H
#define SS_SLOTS_H

#include "tables/table.h"

ss_node *ss_node_create(ss_table *table);          /* NULL: no memory */
bool ss_slot_take(ss_table *table, ss_node *node); /* false: no memory */
void ss_node_free(ss_table *table, ss_node *node); /* also frees its slot and its reference */

#endif
