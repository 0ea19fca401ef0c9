/* Writing entries for controllers; each call is one safe point. */
#ifndef SS_ENTRIES_H
#define SS_ENTRIES_H

#include "tables/table.h"

int ss_table_load_initial(ss_table *table); /* the entries that the program itself declares */
void ss_table_empty(ss_table *table);       /* removes const entries, too */
/* Finds the entry with the key and priority of a row (api.h). SS_INVALID, SS_NOT_FOUND. The caller holds the lock. */
int ss_table_seek(ss_table *table, const uint64_t *row, ss_node **found);

/* Inserts or modifies (ss_operation) an entry by a row. Errors as for ss_table_write. The caller holds the lock. */
int ss_table_put(ss_table *table, uint32_t operation, const uint64_t *row, ss_node **put);

#endif
