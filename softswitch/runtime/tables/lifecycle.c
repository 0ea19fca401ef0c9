#include "tables/lifecycle.h"

#include "tables/entries.h"
#include "tables/profiles.h"

ss_table *ss_table_create(ss_instance *instance, const ss_table_desc *desc, ss_profile *profile)
{
    ss_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->desc = desc;
    table->instance = instance;
    table->last_slot = SS_DEFAULT_SLOT;
    for (uint32_t i = 0; i < desc->action_count; i++)
        if (desc->actions[i].data_words > table->data_words)
            table->data_words = desc->actions[i].data_words;
    table->default_entry = calloc(1, sizeof *table->default_entry + table->data_words * sizeof(uint64_t));
    if (!table->default_entry || !ss_matcher_init(&table->matcher, desc->keys, desc->key_count)) {
        ss_table_destroy(table);
        return NULL;
    }
    ss_table_reset_default(table);
    if (profile) {
        table->profile = profile;
        table->profile_position = ss_profile_attach(profile, table->data_words);
    }
    return table;
}

void ss_table_destroy(ss_table *table)
{
    if (!table)
        return;
    ss_table_empty(table);
    ss_node_pool_free(&table->nodes);
    ss_matcher_free(&table->matcher);
    free(table->slots);
    free(table->counters);
    free(table->meters);
    free(table->default_entry);
    free(table);
}

void ss_table_clear_counters(ss_table *table)
{
    if (table->counters)
        memset(table->counters, 0, table->slot_capacity * sizeof *table->counters);
    if (table->meters)
        memset(table->meters, 0, table->slot_capacity * sizeof *table->meters);
    table->hits = table->misses = 0;
    table->default_counter = (ss_cell){0};
    table->default_meter = (ss_meter_cell){0};
}
