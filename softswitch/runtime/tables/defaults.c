/* The default action of a table: the program's own, or a controller's; of a table with an action profile, a member or
 * group. */
#include "core/error.h"
#include "core/safe_point.h"
#include "tables/profiles.h"
#include "tables/table.h"

static void refer_to(ss_table *table, uint32_t kind, uint64_t id, void *target)
{
    if (table->default_kind != SS_BY_ACTION)
        ss_profile_unrefer(table->default_kind, table->default_target);
    table->default_kind = kind;
    table->default_reference = id;
    table->default_target = target;
}

void ss_table_reset_default(ss_table *table)
{
    const ss_table_desc *desc = table->desc;
    ss_instance_lock(table->instance);
    refer_to(table, SS_BY_ACTION, 0, NULL);
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

int ss_table_refer_default(ss_table *table, uint32_t kind, uint64_t id)
{
    if (!table->profile || (kind != SS_BY_MEMBER && kind != SS_BY_GROUP))
        return ss_fail(SS_INVALID, "table %s has no action profile", table->desc->name);
    ss_instance_lock(table->instance);
    void *target = ss_profile_refer(table->profile, kind, id);
    if (target)
        refer_to(table, kind, id, target);
    ss_instance_unlock(table->instance);
    return target ? SS_OK
                  : ss_fail(SS_NOT_FOUND, "the profile of table %s has no %s %llu", table->desc->name,
                            kind == SS_BY_MEMBER ? "member" : "group", (unsigned long long)id);
}

void ss_table_get_default(ss_table *table, uint32_t *action, uint64_t *data, uint64_t *packets_bytes,
                          uint64_t *kind_reference)
{
    ss_instance_lock(table->instance);
    kind_reference[0] = table->default_kind;
    kind_reference[1] = table->default_reference;
    *action = table->default_entry->action;
    memcpy(data, table->default_entry->data, table->data_words * sizeof *data);
    packets_bytes[0] = table->default_counter.packets;
    packets_bytes[1] = table->default_counter.bytes;
    ss_instance_unlock(table->instance);
}
