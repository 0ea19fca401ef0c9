#include "tables/pairs.h"

#include "core/instance.h"
#include "core/switch.h"
#include "tables/table.h"

const ss_node *ss_table_like(const ss_table *table, const ss_node *node)
{
    uint64_t storage[ss_matcher_rule_words(&table->matcher) + 1];
    ss_rule wanted;
    if (!ss_matcher_prepare(&table->matcher, &wanted, storage, node->rule.value, node->rule.mask, node->rule.priority))
        return NULL;
    return (const ss_node *)ss_matcher_find(&table->matcher, &wanted);
}

void ss_table_move_counts(const ss_table_move *move)
{
    ss_table *to = move->to;
    const ss_table *from = move->from;
    for (uint32_t i = 0; i < move->count; i++) {
        uint32_t source = move->slots[2 * i], target = move->slots[2 * i + 1];
        if (move->counters && to->counters && from->counters)
            to->counters[target] = from->counters[source];
        if (move->meters && to->meters && from->meters)
            to->meters[target] = from->meters[source];
    }
    if (move->counters)
        to->default_counter = from->default_counter;
    if (move->meters)
        to->default_meter = from->default_meter;
}

/* Pairs (from, to) of slots of the entries that both tables have, whose keys are the same. Returns the number of pairs;
 * fills in at most `capacity`. They are valid until a controller changes entries. */
uint32_t ss_table_pair(ss_table *to, ss_table *from, uint32_t *slots, uint32_t capacity)
{
    uint32_t found = 0;
    pthread_mutex_lock(&from->instance->sw->control); /* packets go on: they do not change entries */
    for (uint32_t i = 0; i < from->slot_count; i++) {
        const ss_node *node = from->slots[i];
        const ss_node *other = node ? ss_table_like(to, node) : NULL;
        if (!other)
            continue;
        if (found < capacity) {
            slots[2 * found] = node->entry.slot;
            slots[2 * found + 1] = other->entry.slot;
        }
        found++;
    }
    pthread_mutex_unlock(&from->instance->sw->control);
    return found;
}
