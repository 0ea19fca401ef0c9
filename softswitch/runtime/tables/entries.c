#include "tables/entries.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/safe_point.h"
#include "tables/profiles.h"
#include "tables/slots.h"

#define ROWS_AT_ONCE 1024u

static int set_target(ss_table *table, ss_node *node, const uint64_t *row)
{
    uint32_t kind = (uint32_t)row[SS_ROW_KIND];
    const uint64_t *data = row + SS_ROW_HEAD + 2 * table->matcher.words;
    void *target = NULL;
    if (kind == SS_BY_ACTION) {
        if (row[SS_ROW_REFERENCE] >= table->desc->action_count)
            return ss_fail(SS_INVALID, "table %s has no action number %llu", table->desc->name,
                           (unsigned long long)row[SS_ROW_REFERENCE]);
    } else {
        if (!table->profile || kind > SS_BY_GROUP)
            return ss_fail(SS_INVALID, "table %s has no action profile", table->desc->name);
        target = ss_profile_refer(table->profile, kind, row[SS_ROW_REFERENCE]);
        if (!target)
            return ss_fail(SS_NOT_FOUND, "the action profile of table %s has no %s %llu", table->desc->name,
                           kind == SS_BY_MEMBER ? "member" : "group", (unsigned long long)row[SS_ROW_REFERENCE]);
    }
    if (node->kind != SS_BY_ACTION)
        ss_profile_unrefer(node->kind, node->target);
    node->kind = kind;
    node->target = target;
    node->reference = row[SS_ROW_REFERENCE];
    node->idle_ns = row[SS_ROW_IDLE_NS];
    if (kind == SS_BY_ACTION) {
        node->entry.action = (uint32_t)row[SS_ROW_REFERENCE];
        memcpy(node->entry.data, data, table->data_words * sizeof *data);
    }
    ss_clock_update(table->instance->sw);
    node->last_hit_ns = table->instance->sw->now_ns;
    return SS_OK;
}

/* `initial`: an entry of the program itself, which may be const and fits whatever the table's size. */
static int insert(ss_table *table, const uint64_t *row, bool initial, bool fixed, ss_node **made)
{
    if (table->matcher.words == 0)
        return ss_fail(SS_INVALID, "table %s has no keys, hence only a default action", table->desc->name);
    ss_node *node = ss_node_create(table);
    if (!node)
        return ss_fail(SS_NO_MEMORY, "no memory for an entry of table %s", table->desc->name);
    const uint64_t *value = row + SS_ROW_HEAD;
    uint64_t *storage = node->entry.data + table->data_words;
    int status;
    node->fixed = fixed;
    if (!ss_matcher_prepare(&table->matcher, &node->rule, storage, value, value + table->matcher.words,
                            (int32_t)row[SS_ROW_PRIORITY]))
        status = ss_fail(SS_INVALID, "table %s: a range from high to low, or a prefix with gaps", table->desc->name);
    else if (ss_matcher_find(&table->matcher, &node->rule))
        status = ss_fail(SS_EXISTS, "table %s has an entry with this key already", table->desc->name);
    else if (!initial && table->matcher.count >= table->desc->size)
        status =
            ss_fail(SS_FULL, "table %s is full: it was declared with size %u", table->desc->name, table->desc->size);
    else if ((status = set_target(table, node, row)) == SS_OK) {
        if (ss_slot_take(table, node)) {
            if (ss_matcher_insert(&table->matcher, &node->rule)) {
                *made = node;
                return SS_OK;
            }
            ss_node_free(table, node);
        } else {
            if (node->kind != SS_BY_ACTION)
                ss_profile_unrefer(node->kind, node->target);
            ss_node_pool_give(&table->nodes, node);
        }
        return ss_fail(SS_NO_MEMORY, "no memory for an entry of table %s", table->desc->name);
    }
    ss_node_pool_give(&table->nodes, node);
    return status;
}

int ss_table_seek(ss_table *table, const uint64_t *row, ss_node **found)
{
    uint64_t storage[ss_matcher_rule_words(&table->matcher) + 1];
    const uint64_t *value = row + SS_ROW_HEAD;
    ss_rule like;
    if (!ss_matcher_prepare(&table->matcher, &like, storage, value, value + table->matcher.words,
                            (int32_t)row[SS_ROW_PRIORITY]))
        return ss_fail(SS_INVALID, "table %s: a range from high to low, or a prefix with gaps", table->desc->name);
    *found = (ss_node *)ss_matcher_find(&table->matcher, &like);
    if (!*found)
        return ss_fail(SS_NOT_FOUND, "table %s has no such entry", table->desc->name);
    return SS_OK;
}

static int seek_writable(ss_table *table, const uint64_t *row, ss_node **found)
{
    int status = ss_table_seek(table, row, found);
    if (status == SS_OK && (*found)->fixed)
        return ss_fail(SS_CONSTANT, "this entry of table %s is const", table->desc->name);
    return status;
}

int ss_table_put(ss_table *table, uint32_t operation, const uint64_t *row, ss_node **put)
{
    if (operation == SS_INSERT)
        return insert(table, row, false, false, put);
    int status = seek_writable(table, row, put);
    return status == SS_OK ? set_target(table, *put, row) : status;
}

static int write_row(ss_table *table, uint32_t operation, const uint64_t *row, uint64_t *order)
{
    ss_node *node = NULL;
    int status = operation == SS_DELETE ? seek_writable(table, row, &node) : ss_table_put(table, operation, row, &node);
    if (status != SS_OK)
        return status;
    if (order)
        *order = node->rule.order;
    if (operation == SS_DELETE) {
        ss_matcher_remove(&table->matcher, &node->rule);
        ss_node_free(table, node);
    }
    return SS_OK;
}

/* Rows in turn up to the first that fails; `done` of them took effect. `orders` (may be NULL) gets their identities.
 * Packets run between every ROWS_AT_ONCE, so a bulk write cannot starve them; ss_switch_hold makes it one step. */
int ss_table_write(ss_table *table, uint32_t operation, uint32_t count, const uint64_t *rows, uint32_t *done,
                   uint64_t *orders)
{
    uint32_t words = ss_table_row_words(table);
    int status = SS_OK;
    *done = 0;
    ss_instance_lock(table->instance);
    for (; *done < count; (*done)++) {
        if (*done && *done % ROWS_AT_ONCE == 0) {
            ss_instance_unlock(table->instance);
            ss_instance_lock(table->instance);
        }
        status = write_row(table, operation, rows + (size_t)*done * words, orders ? orders + *done : NULL);
        if (status != SS_OK)
            break;
    }
    ss_instance_unlock(table->instance);
    return status;
}

static void clear(ss_table *table, bool fixed_too)
{
    ss_instance_lock(table->instance);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->slot_count; i++) {
        ss_node *node = table->slots[i];
        if (node && node->fixed && !fixed_too)
            kept = i + 1;
        else if (node) {
            ss_matcher_remove(&table->matcher, &node->rule);
            ss_node_free(table, node);
        }
    }
    if (!table->matcher.count)
        ss_node_pool_free(&table->nodes);
    table->slot_count = kept;
    table->free_hint = 0;
    table->hits = table->misses = 0;
    table->default_counter = (ss_cell){0};
    table->default_meter = (ss_meter_cell){0};
    ss_instance_unlock(table->instance);
}

void ss_table_clear(ss_table *table) { clear(table, false); }

void ss_table_empty(ss_table *table) { clear(table, true); }

/* The entries that the program itself declares. */
int ss_table_load_initial(ss_table *table)
{
    const ss_table_desc *desc = table->desc;
    uint32_t words = table->matcher.words;
    uint64_t *row = calloc(ss_table_row_words(table), sizeof *row);
    if (!row)
        return ss_fail(SS_NO_MEMORY, "no memory for the entries of table %s", desc->name);
    int status = SS_OK;
    for (uint32_t i = 0; i < desc->entry_count && status == SS_OK; i++) {
        const ss_const_entry *entry = &desc->entries[i];
        if (entry->action >= desc->action_count) {
            status =
                ss_fail(SS_LOAD, "entry %u of table %s names an action that the table does not have", i, desc->name);
            break;
        }
        row[SS_ROW_PRIORITY] = (uint64_t)(int64_t)entry->priority;
        row[SS_ROW_REFERENCE] = entry->action;
        memcpy(row + SS_ROW_HEAD, entry->value, words * sizeof *row);
        if (entry->mask)
            memcpy(row + SS_ROW_HEAD + words, entry->mask, words * sizeof *row);
        else
            memset(row + SS_ROW_HEAD + words, 0xff, words * sizeof *row);
        memset(row + SS_ROW_HEAD + 2 * words, 0, table->data_words * sizeof *row);
        if (entry->data)
            memcpy(row + SS_ROW_HEAD + 2 * words, entry->data, desc->actions[entry->action].data_words * sizeof *row);
        ss_node *made;
        status = insert(table, row, true, desc->const_entries || entry->fixed, &made);
        if (status == SS_EXISTS)
            status = SS_OK; /* as in the reference switch, the first of equal entries wins */
    }
    free(row);
    return status;
}
