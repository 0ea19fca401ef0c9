/* Entries as controllers write them, each call in one safe point. */
#ifndef SS_ENTRIES_H
#define SS_ENTRIES_H

#include "tables/table.h"

int ss_table_load_initial(ss_table *table); /* the entries that the program itself gives */
void ss_table_empty(ss_table *table);       /* of const entries, too */
/* The entry with the key and priority of a row (api.h). SS_INVALID, SS_NOT_FOUND. The caller has the lock. */
int ss_table_seek(ss_table *table, const uint64_t *row, ss_node **found);

/* Inserts or modifies (ss_operation) by a row; the entry. As of ss_table_write. The caller has the lock. */
int ss_table_put(ss_table *table, uint32_t operation, const uint64_t *row, ss_node **put);

#endif
