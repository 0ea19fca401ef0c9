/* The length of rows of words, the form in which controllers write and read entries (api.h). */
#ifndef SS_ROWS_H
#define SS_ROWS_H

#include "tables/table.h"

/* of rows that are read; of rows that are written: ss_table_row_words */
uint32_t ss_table_read_words(const ss_table *table);

#endif
