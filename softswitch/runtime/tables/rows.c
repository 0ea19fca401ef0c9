#include "tables/rows.h"

uint32_t ss_table_row_words(const ss_table *table)
{
    return SS_ROW_HEAD + 2 * table->matcher.words + table->data_words;
}

uint32_t ss_table_data_words(const ss_table *table) { return table->data_words; }

uint32_t ss_table_read_words(const ss_table *table)
{
    uint32_t words = SS_READ_HEAD + 2 * table->matcher.words + table->data_words;
    return words + (table->desc->direct_meter ? SS_METER_WORDS : 0);
}
