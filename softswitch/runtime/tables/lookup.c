/* Tables as packets see them: lookup, direct counters, direct meters. */
#include "tables/table.h"

const ss_entry *ss_table_lookup(ss_table *table, const uint64_t *key, uint64_t selector_hash, bool *hit)
{
    ss_rule *rule = table->matcher.count ? ss_matcher_lookup(&table->matcher, key) : NULL;
    if (!rule) {
        table->misses++;
        table->last_slot = UINT32_MAX;
        *hit = false;
        return table->default_entry;
    }
    ss_node *node = (ss_node *)rule; /* the rule is its first member */
    table->hits++;
    table->last_slot = node->entry.slot;
    if (node->idle_ns || table->desc->idle_timeout)
        node->last_hit_ns = ss_current->now_ns;
    *hit = true;
    if (node->kind != SS_BY_ACTION)
        return ss_profile_choose(table->profile, node->kind, node->target, table->profile_position, selector_hash);
    return &node->entry;
}

void ss_table_count(ss_table *table, const ss_entry *entry, uint32_t packet_bytes)
{
    (void)entry;
    ss_cell *cell = &table->default_counter;
    if (table->last_slot != UINT32_MAX) {
        if (!table->counters)
            return;
        cell = &table->counters[table->last_slot];
    }
    cell->packets++;
    cell->bytes += packet_bytes;
}

uint32_t ss_table_meter(ss_table *table, const ss_entry *entry, uint32_t packet_bytes)
{
    (void)entry;
    if (!table->desc->direct_meter || (table->last_slot == UINT32_MAX && !table->default_meter.mode))
        return SS_NOT_METERED;
    ss_meter_cell *cell = table->last_slot == UINT32_MAX ? &table->default_meter : &table->meters[table->last_slot];
    return ss_meter_cell_execute(cell, ss_current->now_ns, packet_bytes, table->desc->direct_meter_bytes);
}

static bool set_default(ss_table *table)
{
    const ss_table_desc *desc = table->desc;
    table->default_entry->action = desc->default_action;
    table->default_entry->slot = UINT32_MAX;
    if (desc->default_action < desc->action_count && desc->default_data)
        memcpy(table->default_entry->data, desc->default_data, desc->actions[desc->default_action].data_words * sizeof(uint64_t));
    return true;
}

void ss_table_reset_default(ss_table *table)
{
    ss_instance_lock(table->instance);
    set_default(table);
    ss_instance_unlock(table->instance);
}

ss_table *ss_table_create(ss_instance *instance, const ss_table_desc *desc, ss_profile *profile)
{
    ss_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->desc = desc;
    table->instance = instance;
    table->last_slot = UINT32_MAX;
    for (uint32_t i = 0; i < desc->action_count; i++)
        if (desc->actions[i].data_words > table->data_words)
            table->data_words = desc->actions[i].data_words;
    table->default_entry = calloc(1, sizeof *table->default_entry + table->data_words * sizeof(uint64_t));
    if (!table->default_entry || !ss_matcher_init(&table->matcher, desc->keys, desc->key_count)) {
        ss_table_destroy(table);
        return NULL;
    }
    set_default(table);
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
    ss_matcher_free(&table->matcher);
    free(table->slots);
    free(table->counters);
    free(table->meters);
    free(table->default_entry);
    free(table);
}
