/* Tables as packets see them: lookup, direct counters, direct meters. */
#include "arrays/meter_cell.h"
#include "core/switch.h"
#include "matching/search.h"
#include "tables/profiles.h"
#include "tables/table.h"

const ss_entry *ss_table_lookup(ss_table *table, const uint64_t *key, uint64_t selector_hash, bool *hit)
{
    ss_rule *rule = table->matcher.count ? ss_matcher_lookup(&table->matcher, key) : NULL;
    if (!rule) {
        table->misses++;
        table->last_slot = SS_DEFAULT_SLOT;
        *hit = false;
        if (ss_unlikely(table->default_kind != SS_BY_ACTION))
            return ss_profile_choose(table->profile, table->default_kind, table->default_target,
                                     table->profile_position, selector_hash);
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
    if (table->last_slot != SS_DEFAULT_SLOT) {
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
    if (!table->desc->direct_meter || (table->last_slot == SS_DEFAULT_SLOT && !table->default_meter.mode))
        return SS_NOT_METERED;
    ss_meter_cell *cell =
        table->last_slot == SS_DEFAULT_SLOT ? &table->default_meter : &table->meters[table->last_slot];
    return ss_meter_cell_execute(cell, ss_current->now_ns, packet_bytes, table->desc->direct_meter_bytes);
}
