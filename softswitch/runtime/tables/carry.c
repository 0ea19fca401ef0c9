/* Carries entries over to the same table of another program, without involving a controller. */
#include "core/clock.h"
#include "core/error.h"
#include "core/safe_point.h"
#include "tables/entries.h"
#include "tables/pairs.h"
#include "tables/slots.h"

#define SLOTS_AT_ONCE 16384u /* counters and meters copied in one hold */

static int by_order(const void *a, const void *b)
{
    uint64_t one = (*(ss_node *const *)a)->rule.order, other = (*(ss_node *const *)b)->rule.order;
    return (one > other) - (one < other);
}

/* The entries written by controllers, oldest first; NULL: no memory. */
static ss_node **own_entries(const ss_table *table, uint32_t *count)
{
    ss_node **found = malloc((table->matcher.count + 1) * sizeof(ss_node *));
    *count = 0;
    for (uint32_t i = 0; found && i < table->slot_count; i++)
        if (table->slots[i] && !table->slots[i]->fixed)
            found[(*count)++] = table->slots[i];
    if (found)
        qsort(found, *count, sizeof(ss_node *), by_order);
    return found;
}

static void remove_what_is_gone(ss_table *to, const ss_table *from)
{
    for (uint32_t i = 0; i < to->slot_count; i++) {
        ss_node *node = to->slots[i];
        if (!node || !node->carried)
            continue;
        const ss_node *source = ss_table_like(from, node);
        if (source && !source->fixed)
            continue;
        ss_matcher_remove(&to->matcher, &node->rule);
        ss_node_free(to, node);
    }
}

static void make_row(const ss_table_carry *carry, const ss_node *node, uint64_t *row)
{
    uint32_t words = carry->to->matcher.words, data_words = carry->from->data_words;
    if (data_words > carry->to->data_words)
        data_words = carry->to->data_words;
    memset(row, 0, ss_table_row_words(carry->to) * sizeof *row);
    row[SS_ROW_PRIORITY] = (uint64_t)(int64_t)node->rule.priority;
    row[SS_ROW_KIND] = node->kind;
    row[SS_ROW_REFERENCE] = node->kind == SS_BY_ACTION ? carry->actions[node->entry.action] : node->reference;
    row[SS_ROW_IDLE_NS] = carry->idle_timeouts ? node->idle_ns : 0;
    memcpy(row + SS_ROW_HEAD, node->rule.value, words * sizeof *row);
    memcpy(row + SS_ROW_HEAD + words, node->rule.mask, words * sizeof *row);
    memcpy(row + SS_ROW_HEAD + 2 * words, node->entry.data, data_words * sizeof *row);
}

static int carry_one(const ss_table_carry *carry, const ss_node *node, uint64_t *row, ss_node **put)
{
    if (node->kind == SS_BY_ACTION && carry->actions[node->entry.action] == SS_NO_ACTION)
        return ss_fail(SS_INVALID, "an entry of table %s has action %s, which is not the same in the new program",
                       carry->from->desc->name, carry->from->desc->actions[node->entry.action].name);
    make_row(carry, node, row);
    int status = ss_table_put(carry->to, SS_INSERT, row, put);
    if (status == SS_EXISTS)
        status = ss_table_put(carry->to, SS_MODIFY, row, put);
    if (status == SS_CONSTANT) {
        *put = NULL;
        return SS_OK;
    }
    if (status == SS_OK)
        (*put)->carried = true;
    return status;
}

/* `targets`: the new entries for `sources`, NULL where the new program has a const entry. Counting goes on. */
static void carry_resources(const ss_table_carry *carry, ss_node *const *sources, ss_node *const *targets,
                            uint32_t count)
{
    ss_table *to = carry->to;
    const ss_table *from = carry->from;
    bool counters = carry->counters && to->counters && from->counters;
    bool meters = carry->meters && to->meters && from->meters;
    for (uint32_t begin = 0; (counters || meters) && begin < count; begin += SLOTS_AT_ONCE) {
        uint32_t end = count - begin < SLOTS_AT_ONCE ? count : begin + SLOTS_AT_ONCE;
        ss_switch_hold(to->instance->sw);
        for (uint32_t i = begin; i < end; i++) {
            uint32_t source = sources[i]->entry.slot;
            if (!targets[i])
                continue;
            if (counters)
                to->counters[targets[i]->entry.slot] = from->counters[source];
            if (meters) {
                uint64_t words[SS_METER_WORDS];
                ss_meter_cell_read(&from->meters[source], words);
                ss_meter_cell_configure(&to->meters[targets[i]->entry.slot], to->instance->sw->now_ns,
                                        words[0] == SS_NOT_CONFIGURED ? NULL : words);
            }
        }
        ss_switch_release(to->instance->sw);
    }
}

static int carry_all(ss_table_carry *carry, ss_node *const *sources, ss_node **targets, uint32_t count)
{
    uint64_t *row = malloc((ss_table_row_words(carry->to) + 1) * sizeof *row);
    int status = row ? SS_OK : SS_NO_MEMORY;
    uint32_t done = 0;
    for (; done < count && status == SS_OK; done++) {
        status = carry_one(carry, sources[done], row, &targets[done]);
        carry->carried += status == SS_OK && targets[done];
    }
    free(row);
    if (status == SS_OK)
        carry_resources(carry, sources, targets, count);
    return status;
}

int ss_table_carry_entries(ss_table_carry *carry)
{
    ss_switch *sw = carry->from->instance->sw;
    uint32_t count = 0;
    int status = SS_NO_MEMORY;
    carry->carried = 0;
    pthread_mutex_lock(&sw->control); /* packets go on: they do not change entries */
    ss_clock_update(sw);
    ss_node **sources = own_entries(carry->from, &count);
    ss_node **targets = calloc(count + 1, sizeof(ss_node *));
    if (sources && targets) {
        remove_what_is_gone(carry->to, carry->from);
        status = carry_all(carry, sources, targets, count);
    }
    pthread_mutex_unlock(&sw->control);
    free(sources);
    free(targets);
    return status == SS_NO_MEMORY ? ss_fail(status, "no memory for the entries of table %s", carry->to->desc->name)
                                  : status;
}
