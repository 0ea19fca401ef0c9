#include "tables/slots.h"

#include "tables/profiles.h"

ss_node *ss_node_create(ss_table *table)
{
    uint32_t words = table->data_words + ss_matcher_rule_words(&table->matcher);
    return ss_node_pool_take(&table->nodes, sizeof(ss_node) + words * sizeof(uint64_t));
}

static bool grow_slots(ss_table *table)
{
    uint32_t capacity = table->slot_capacity ? 2 * table->slot_capacity : 16;
    ss_node **slots = realloc(table->slots, capacity * sizeof *slots);
    if (!slots)
        return false;
    table->slots = slots;
    if (table->desc->direct_counter) {
        ss_cell *cells = realloc(table->counters, capacity * sizeof *cells);
        if (!cells)
            return false;
        table->counters = cells;
    }
    if (table->desc->direct_meter) {
        ss_meter_cell *cells = realloc(table->meters, capacity * sizeof *cells);
        if (!cells)
            return false;
        table->meters = cells;
    }
    table->slot_capacity = capacity;
    return true;
}

bool ss_slot_take(ss_table *table, ss_node *node)
{
    uint32_t slot = table->free_hint;
    while (slot < table->slot_count && table->slots[slot])
        slot++;
    if (slot == table->slot_capacity && !grow_slots(table))
        return false;
    if (slot >= table->slot_count)
        table->slot_count = slot + 1;
    table->free_hint = slot + 1;
    table->slots[slot] = node;
    node->entry.slot = slot;
    if (table->counters)
        table->counters[slot] = (ss_cell){0};
    if (table->meters)
        table->meters[slot] = (ss_meter_cell){0};
    return true;
}

void ss_node_free(ss_table *table, ss_node *node)
{
    if (node->kind != SS_BY_ACTION)
        ss_profile_unrefer(node->kind, node->target);
    table->slots[node->entry.slot] = NULL;
    if (node->entry.slot < table->free_hint)
        table->free_hint = node->entry.slot;
    ss_node_pool_give(&table->nodes, node);
}
