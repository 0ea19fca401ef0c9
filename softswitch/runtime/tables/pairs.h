/* Two tables with the same keys: finding the entries of both, and moving their direct counters and meters. */
#ifndef SS_PAIRS_H
#define SS_PAIRS_H

#include "core/base.h"
#include "include/api.h"
#include "tables/table.h"

/* The node in a table with the key and priority of a node of another table with the same keys; NULL: none. */
const ss_node *ss_table_like(const ss_table *table, const ss_node *node);
void ss_table_move_counts(const ss_table_move *move);

#endif
