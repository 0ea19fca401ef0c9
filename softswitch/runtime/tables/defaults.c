/* The default action of a table: the program's own, or a controller's. */
#include "core/error.h"
#include "core/safe_point.h"
#include "tables/table.h"

void ss_table_reset_default(ss_table *table)
{
    const ss_table_desc *desc = table->desc;
    ss_instance_lock(table->instance);
    table->default_entry->action = desc->default_action;
    table->default_entry->slot = SS_DEFAULT_SLOT;
    if (desc->default_action < desc->action_count && desc->default_data)
        memcpy(table->default_entry->data, desc->default_data,
               desc->actions[desc->default_action].data_words * sizeof(uint64_t));
    ss_instance_unlock(table->instance);
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
