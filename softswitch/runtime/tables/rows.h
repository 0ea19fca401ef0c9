/* Rows of words, as which controllers write and read entries (api.h): how long they are. */
#ifndef SS_ROWS_H
#define SS_ROWS_H

#include "tables/table.h"

/* of a row that is read; of one that is written: ss_table_row_words */
uint32_t ss_table_read_words(const ss_table *table);

#endif
