/* The slots of a table: one for each entry, with its direct counter and meter; those of deleted entries are used again.
 */
#ifndef SS_SLOTS_H
#define SS_SLOTS_H

#include "tables/table.h"

ss_node *ss_node_create(ss_table *table);          /* NULL: no memory */
bool ss_slot_take(ss_table *table, ss_node *node); /* false: no memory */
void ss_node_free(ss_table *table, ss_node *node); /* with its slot and what it refers to */

#endif
