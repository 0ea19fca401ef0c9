/* Tables as controllers see them: entries written, read, counted and aged, each call in one safe point. */
#include "tables/table.h"

#define ROWS_AT_ONCE 128u

static uint32_t width_of_row(const ss_table *table, uint32_t head)
{
    return head + 2 * table->matcher.words + table->data_words;
}

uint32_t ss_table_row_words(const ss_table *table) { return width_of_row(table, SS_ROW_HEAD); }

uint32_t ss_table_data_words(const ss_table *table) { return table->data_words; }

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

/* A free slot: one that was given back, else a new one. */
static bool take_slot(ss_table *table, ss_node *node)
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

static void free_node(ss_table *table, ss_node *node)
{
    if (node->kind != SS_BY_ACTION)
        ss_profile_unrefer(node->kind, node->target);
    table->slots[node->entry.slot] = NULL;
    if (node->entry.slot < table->free_hint)
        table->free_hint = node->entry.slot;
    free(node);
}

static int set_target(ss_table *table, ss_node *node, const uint64_t *row)
{
    uint32_t kind = (uint32_t)row[1];
    const uint64_t *data = row + SS_ROW_HEAD + 2 * table->matcher.words;
    void *target = NULL;
    if (kind == SS_BY_ACTION) {
        if (row[2] >= table->desc->action_count)
            return ss_fail(SS_INVALID, "table %s has no action number %llu", table->desc->name, (unsigned long long)row[2]);
    } else {
        if (!table->profile || kind > SS_BY_GROUP)
            return ss_fail(SS_INVALID, "table %s has no action profile", table->desc->name);
        target = ss_profile_refer(table->profile, kind, row[2]);
        if (!target)
            return ss_fail(SS_NOT_FOUND, "the action profile of table %s has no %s %llu", table->desc->name,
                           kind == SS_BY_MEMBER ? "member" : "group", (unsigned long long)row[2]);
    }
    if (node->kind != SS_BY_ACTION)
        ss_profile_unrefer(node->kind, node->target);
    node->kind = kind;
    node->target = target;
    node->reference = row[2];
    node->idle_ns = row[3];
    if (kind == SS_BY_ACTION) {
        node->entry.action = (uint32_t)row[2];
        memcpy(node->entry.data, data, table->data_words * sizeof *data);
    }
    ss_clock_update(table->instance->sw);
    node->last_hit_ns = table->instance->sw->now_ns;
    return SS_OK;
}

static ss_node *new_node(const ss_table *table)
{
    return calloc(1, sizeof(ss_node) + (table->data_words + ss_matcher_rule_words(&table->matcher)) * sizeof(uint64_t));
}

/* `initial`: an entry of the program, for which there is always room; it may be const. */
static int insert(ss_table *table, const uint64_t *row, bool initial, bool fixed)
{
    if (table->matcher.words == 0)
        return ss_fail(SS_INVALID, "table %s has no keys, hence only a default action", table->desc->name);
    ss_node *node = new_node(table);
    if (!node)
        return ss_fail(SS_NO_MEMORY, "no memory for an entry of table %s", table->desc->name);
    const uint64_t *value = row + SS_ROW_HEAD;
    uint64_t *storage = node->entry.data + table->data_words;
    int status;
    node->fixed = fixed;
    if (!ss_matcher_prepare(&table->matcher, &node->rule, storage, value, value + table->matcher.words, (int32_t)row[0]))
        status = ss_fail(SS_INVALID, "table %s: a range from high to low, or a prefix with gaps", table->desc->name);
    else if (ss_matcher_find(&table->matcher, &node->rule))
        status = ss_fail(SS_EXISTS, "table %s has an entry with this key already", table->desc->name);
    else if (!initial && table->matcher.count >= table->desc->size)
        status = ss_fail(SS_FULL, "table %s is full: it was declared with size %u", table->desc->name, table->desc->size);
    else if ((status = set_target(table, node, row)) == SS_OK) {
        if (take_slot(table, node)) {
            if (ss_matcher_insert(&table->matcher, &node->rule))
                return SS_OK;
            free_node(table, node);
        } else {
            if (node->kind != SS_BY_ACTION)
                ss_profile_unrefer(node->kind, node->target);
            free(node);
        }
        return ss_fail(SS_NO_MEMORY, "no memory for an entry of table %s", table->desc->name);
    }
    free(node);
    return status;
}

static int find(ss_table *table, const uint64_t *row, ss_node **found)
{
    uint64_t storage[ss_matcher_rule_words(&table->matcher) + 1];
    const uint64_t *value = row + SS_ROW_HEAD;
    ss_rule like;
    if (!ss_matcher_prepare(&table->matcher, &like, storage, value, value + table->matcher.words, (int32_t)row[0]))
        return ss_fail(SS_INVALID, "table %s: a range from high to low, or a prefix with gaps", table->desc->name);
    *found = (ss_node *)ss_matcher_find(&table->matcher, &like);
    if (!*found)
        return ss_fail(SS_NOT_FOUND, "table %s has no such entry", table->desc->name);
    return SS_OK;
}

const ss_node *ss_table_like(const ss_table *table, const ss_node *node)
{
    uint64_t storage[ss_matcher_rule_words(&table->matcher) + 1];
    ss_rule like;
    if (!ss_matcher_prepare(&table->matcher, &like, storage, node->rule.value, node->rule.mask, node->rule.priority))
        return NULL;
    return (const ss_node *)ss_matcher_find(&table->matcher, &like);
}

static int write_row(ss_table *table, uint32_t operation, const uint64_t *row, uint64_t *order)
{
    ss_node *node = NULL;
    int status;
    if (operation == SS_INSERT) {
        status = insert(table, row, false, false);
        if (status == SS_OK && order)
            *order = table->matcher.next_order - 1;
        return status;
    }
    status = find(table, row, &node);
    if (status != SS_OK)
        return status;
    if (node->fixed)
        return ss_fail(SS_CONSTANT, "this entry of table %s is const", table->desc->name);
    if (order)
        *order = node->rule.order;
    if (operation == SS_MODIFY)
        return set_target(table, node, row);
    ss_matcher_remove(&table->matcher, &node->rule);
    free_node(table, node);
    return SS_OK;
}

/* Rows in turn up to the first that fails; `done` of them took effect. `orders` (may be NULL) gets their identities.
 * Packets get in between every ROWS_AT_ONCE, so that a bulk write holds up nobody; ss_switch_hold makes it one step. */
int ss_table_write(ss_table *table, uint32_t operation, uint32_t count, const uint64_t *rows, uint32_t *done, uint64_t *orders)
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

static void read_node(const ss_table *table, const ss_node *node, uint64_t now_ns, uint64_t *row)
{
    uint32_t words = table->matcher.words;
    row[0] = node->rule.order;
    row[1] = node->entry.slot;
    row[2] = (uint64_t)(int64_t)node->rule.priority;
    row[3] = node->kind;
    row[4] = node->reference;
    row[5] = node->idle_ns;
    row[6] = now_ns > node->last_hit_ns ? now_ns - node->last_hit_ns : 0;
    row[7] = table->counters ? table->counters[node->entry.slot].packets : 0;
    row[8] = table->counters ? table->counters[node->entry.slot].bytes : 0;
    row[9] = node->fixed;
    memcpy(row + SS_READ_HEAD, node->rule.value, words * sizeof *row);
    memcpy(row + SS_READ_HEAD + words, node->rule.mask, words * sizeof *row);
    memcpy(row + SS_READ_HEAD + 2 * words, node->entry.data, table->data_words * sizeof *row);
    if (table->meters)
        ss_meter_cell_read(&table->meters[node->entry.slot], row + SS_READ_HEAD + 2 * words + table->data_words);
}

static uint32_t width_of_read_row(const ss_table *table)
{
    return width_of_row(table, SS_READ_HEAD) + (table->desc->direct_meter ? SS_METER_WORDS : 0);
}

uint32_t ss_table_entry_count(ss_table *table) { return table->matcher.count; }

/* Fills at most `capacity` rows; returns how many there are to read. */
uint32_t ss_table_read(ss_table *table, uint64_t *rows, uint32_t capacity, bool expired_only)
{
    uint32_t found = 0, words = width_of_read_row(table);
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
    int status = find(table, row, &node);
    if (status == SS_OK) {
        ss_clock_update(table->instance->sw);
        read_node(table, node, table->instance->sw->now_ns, read_row);
    }
    ss_instance_unlock(table->instance);
    return status;
}

int ss_table_set_default(ss_table *table, uint32_t action, const uint64_t *data)
{
    if (action >= table->desc->action_count)
        return ss_fail(SS_INVALID, "table %s has no action number %u", table->desc->name, action);
    ss_instance_lock(table->instance);
    table->default_entry->action = action;
    memcpy(table->default_entry->data, data, table->data_words * sizeof *data);
    ss_instance_unlock(table->instance);
    return SS_OK;
}

void ss_table_get_default(ss_table *table, uint32_t *action, uint64_t *data, uint64_t *packets_bytes)
{
    ss_instance_lock(table->instance);
    *action = table->default_entry->action;
    memcpy(data, table->default_entry->data, table->data_words * sizeof *data);
    packets_bytes[0] = table->default_counter.packets;
    packets_bytes[1] = table->default_counter.bytes;
    ss_instance_unlock(table->instance);
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
            free_node(table, node);
        }
    }
    table->slot_count = kept;
    table->free_hint = 0;
    table->hits = table->misses = 0;
    table->default_counter = (ss_cell){0};
    table->default_meter = (ss_meter_cell){0};
    ss_instance_unlock(table->instance);
}

void ss_table_clear(ss_table *table) { clear(table, false); }

void ss_table_empty(ss_table *table) { clear(table, true); }

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

/* The entries that the program itself gives. */
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
            status = ss_fail(SS_LOAD, "entry %u of table %s names no action of it", i, desc->name);
            break;
        }
        row[0] = (uint64_t)(int64_t)entry->priority;
        row[2] = entry->action;
        memcpy(row + SS_ROW_HEAD, entry->value, words * sizeof *row);
        if (entry->mask)
            memcpy(row + SS_ROW_HEAD + words, entry->mask, words * sizeof *row);
        else
            memset(row + SS_ROW_HEAD + words, 0xff, words * sizeof *row);
        memset(row + SS_ROW_HEAD + 2 * words, 0, table->data_words * sizeof *row);
        if (entry->data)
            memcpy(row + SS_ROW_HEAD + 2 * words, entry->data, desc->actions[entry->action].data_words * sizeof *row);
        status = insert(table, row, true, desc->const_entries || entry->fixed);
        if (status == SS_EXISTS)
            status = SS_OK; /* as in the reference switch, the first of equal entries is the one that counts */
    }
    free(row);
    return status;
}

void ss_table_stats(ss_table *table, uint64_t *hits_misses)
{
    ss_instance_lock(table->instance);
    hits_misses[0] = table->hits;
    hits_misses[1] = table->misses;
    ss_instance_unlock(table->instance);
}
