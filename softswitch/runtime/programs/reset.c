/* A pipeline back to what it was after loading. */
#include "arrays/counters.h"
#include "arrays/meters.h"
#include "arrays/registers.h"
#include "core/safe_point.h"
#include "tables/entries.h"
#include "tables/lifecycle.h"
#include "tables/profiles.h"
#include "tables/value_sets.h"

static void reset_entries(ss_instance *instance)
{
    ss_pipeline *pipeline = &instance->pipeline;
    const ss_program *program = pipeline->program;
    for (uint32_t i = 0; i < program->table_count; i++) {
        ss_table_empty(pipeline->tables[i]);
        ss_table_reset_default(pipeline->tables[i]);
    }
    for (uint32_t i = 0; i < program->profile_count; i++)
        ss_profile_clear(instance->profiles[i]);
    for (uint32_t i = 0; i < program->table_count; i++)
        ss_table_load_initial(pipeline->tables[i]);
    for (uint32_t i = 0; i < program->value_set_count; i++)
        ss_value_set_clear(pipeline->value_sets[i]);
}

void ss_pipeline_reset(ss_instance *instance, bool entries)
{
    ss_pipeline *pipeline = &instance->pipeline;
    const ss_program *program = pipeline->program;
    ss_instance_lock(instance);
    if (entries)
        reset_entries(instance);
    for (uint32_t i = 0; i < program->table_count; i++)
        ss_table_clear_counters(pipeline->tables[i]);
    for (uint32_t i = 0; i < program->array_count; i++)
        ss_array_clear(pipeline->arrays[i]);
    for (uint32_t i = 0; i < program->counter_count; i++)
        ss_counter_clear(pipeline->counters[i]);
    for (uint32_t i = 0; i < program->meter_count; i++)
        ss_meter_clear(pipeline->meters[i]);
    ss_instance_unlock(instance);
}
