/* Reading entries for controllers: all rows, one row by key, expired entries, and hit counts. */
#include "core/clock.h"
#include "core/safe_point.h"
#include "tables/entries.h"
#include "tables/rows.h"

static void read_node(const ss_table *table, const ss_node *node, uint64_t now_ns, uint64_t *row)
{
    uint32_t words = table->matcher.words;
    row[SS_READ_ORDER] = node->rule.order;
    row[SS_READ_SLOT] = node->entry.slot;
    row[SS_READ_PRIORITY] = (uint64_t)(int64_t)node->rule.priority;
    row[SS_READ_KIND] = node->kind;
    row[SS_READ_REFERENCE] = node->reference;
    row[SS_READ_IDLE_NS] = node->idle_ns;
    row[SS_READ_UNUSED_NS] = now_ns > node->last_hit_ns ? now_ns - node->last_hit_ns : 0;
    row[SS_READ_PACKETS] = table->counters ? table->counters[node->entry.slot].packets : 0;
    row[SS_READ_BYTES] = table->counters ? table->counters[node->entry.slot].bytes : 0;
    row[SS_READ_CONST] = node->fixed;
    memcpy(row + SS_READ_HEAD, node->rule.value, words * sizeof *row);
    memcpy(row + SS_READ_HEAD + words, node->rule.mask, words * sizeof *row);
    memcpy(row + SS_READ_HEAD + 2 * words, node->entry.data, table->data_words * sizeof *row);
    if (table->meters)
        ss_meter_cell_read(&table->meters[node->entry.slot], row + SS_READ_HEAD + 2 * words + table->data_words);
}

uint32_t ss_table_entry_count(ss_table *table) { return table->matcher.count; }

/* Fills at most `capacity` rows; returns the total number of rows. */
uint32_t ss_table_read(ss_table *table, uint64_t *rows, uint32_t capacity, bool expired_only)
{
    uint32_t found = 0, words = ss_table_read_words(table);
    ss_instance_lock(table->instance);
    ss_clock_update(table->instance->sw);
    uint64_t now = table->instance->sw->now_ns;
    for (uint32_t i = 0; i < table->slot_count; i++) {
        const ss_node *node = table->slots[i];
        if (!node || (expired_only && (!node->idle_ns || now < node->last_hit_ns + node->idle_ns)))
            continue;
        if (found < capacity)
            read_node(table, node, now, rows + (size_t)found * words);
        found++;
    }
    ss_instance_unlock(table->instance);
    return found;
}

int ss_table_find(ss_table *table, const uint64_t *row, uint64_t *read_row)
{
    ss_node *node = NULL;
    ss_instance_lock(table->instance);
    int status = ss_table_seek(table, row, &node);
    if (status == SS_OK) {
        ss_clock_update(table->instance->sw);
        read_node(table, node, table->instance->sw->now_ns, read_row);
    }
    ss_instance_unlock(table->instance);
    return status;
}

void ss_table_stats(ss_table *table, uint64_t *hits_misses)
{
    ss_instance_lock(table->instance);
    hits_misses[0] = table->hits;
    hits_misses[1] = table->misses;
    ss_instance_unlock(table->instance);
}
