/* Direct counters and meters as controllers see them. SS_DEFAULT_SLOT is the slot of the default entry. */
#include "core/clock.h"
#include "core/error.h"
#include "core/safe_point.h"
#include "tables/table.h"

static bool used(const ss_table *table, uint64_t slot) { return slot < table->slot_count && table->slots[slot]; }

int ss_table_set_counter(ss_table *table, uint64_t slot, const uint64_t *packets_bytes)
{
    ss_instance_lock(table->instance);
    int status = SS_OK;
    if (slot == SS_DEFAULT_SLOT)
        table->default_counter = (ss_cell){packets_bytes[0], packets_bytes[1]};
    else if (table->counters && used(table, slot))
        table->counters[slot] = (ss_cell){packets_bytes[0], packets_bytes[1]};
    else
        status = ss_fail(SS_NOT_FOUND, "table %s has no direct counter there", table->desc->name);
    ss_instance_unlock(table->instance);
    return status;
}

/* The meter of a slot, or of the default entry; NULL, after ss_fail, if there is none. */
static ss_meter_cell *meter_at(ss_table *table, uint64_t slot)
{
    if (table->desc->direct_meter && slot == SS_DEFAULT_SLOT)
        return &table->default_meter;
    if (table->meters && used(table, slot))
        return &table->meters[slot];
    ss_fail(SS_NOT_FOUND, "table %s has no direct meter there", table->desc->name);
    return NULL;
}

int ss_table_set_meter(ss_table *table, uint64_t slot, const uint64_t *config)
{
    ss_instance_lock(table->instance);
    ss_clock_update(table->instance->sw);
    ss_meter_cell *cell = meter_at(table, slot);
    if (cell)
        ss_meter_cell_configure(cell, table->instance->sw->now_ns, config);
    ss_instance_unlock(table->instance);
    return cell ? SS_OK : SS_NOT_FOUND;
}

int ss_table_get_meter(ss_table *table, uint64_t slot, uint64_t *words)
{
    ss_instance_lock(table->instance);
    const ss_meter_cell *cell = meter_at(table, slot);
    if (cell)
        ss_meter_cell_read(cell, words);
    ss_instance_unlock(table->instance);
    return cell ? SS_OK : SS_NOT_FOUND;
}

int ss_table_set_meter_counts(ss_table *table, uint64_t slot, const uint64_t *counts)
{
    ss_instance_lock(table->instance);
    ss_meter_cell *cell = meter_at(table, slot);
    if (cell)
        memcpy(cell->counts, counts, sizeof cell->counts);
    ss_instance_unlock(table->instance);
    return cell ? SS_OK : SS_NOT_FOUND;
}
