/* A compiled pipeline: opens it, creates its objects, sets its initial entries; closes it. core/swap.c activates it. */
#include <dlfcn.h>

#include "arrays/counters.h"
#include "arrays/crcs.h"
#include "arrays/meters.h"
#include "arrays/registers.h"
#include "core/error.h"
#include "core/instance.h"
#include "core/switch.h"
#include "tables/entries.h"
#include "tables/lifecycle.h"
#include "tables/profiles.h"
#include "tables/value_sets.h"

#define USER_ALIGNMENT 64u

static void *aligned_zero(size_t bytes)
{
    size_t rounded = (bytes + USER_ALIGNMENT) & ~(size_t)(USER_ALIGNMENT - 1);
    void *memory = aligned_alloc(USER_ALIGNMENT, rounded);
    if (memory)
        memset(memory, 0, rounded);
    return memory;
}

static void destroy(ss_instance *instance)
{
    ss_pipeline *pipeline = &instance->pipeline;
    const ss_program *program = pipeline->program;
    for (uint32_t i = 0; pipeline->tables && i < program->table_count; i++)
        ss_table_destroy(pipeline->tables[i]);
    for (uint32_t i = 0; pipeline->arrays && i < program->array_count; i++)
        ss_array_destroy(pipeline->arrays[i]);
    for (uint32_t i = 0; pipeline->counters && i < program->counter_count; i++)
        ss_counter_destroy(pipeline->counters[i]);
    for (uint32_t i = 0; pipeline->meters && i < program->meter_count; i++)
        ss_meter_destroy(pipeline->meters[i]);
    for (uint32_t i = 0; pipeline->value_sets && i < program->value_set_count; i++)
        ss_value_set_destroy(pipeline->value_sets[i]);
    for (uint32_t i = 0; instance->profiles && i < program->profile_count; i++)
        ss_profile_destroy(instance->profiles[i]);
    free(pipeline->tables);
    free(pipeline->arrays);
    free(pipeline->counters);
    free(pipeline->meters);
    free(pipeline->value_sets);
    free(pipeline->crcs);
    free(instance->profiles);
    for (int i = 0; i < 3; i++)
        free(instance->user[i]);
    free(instance->emit);
    if (instance->library)
        dlclose(instance->library);
    free(instance);
}

static bool make_objects(ss_instance *instance)
{
    ss_pipeline *pipeline = &instance->pipeline;
    const ss_program *program = pipeline->program;
    pipeline->tables = calloc(program->table_count + 1, sizeof *pipeline->tables);
    pipeline->arrays = calloc(program->array_count + 1, sizeof *pipeline->arrays);
    pipeline->counters = calloc(program->counter_count + 1, sizeof *pipeline->counters);
    pipeline->meters = calloc(program->meter_count + 1, sizeof *pipeline->meters);
    pipeline->value_sets = calloc(program->value_set_count + 1, sizeof *pipeline->value_sets);
    instance->profiles = calloc(program->profile_count + 1, sizeof *instance->profiles);
    instance->emit = malloc(program->max_emit + 1);
    pipeline->crcs = ss_crcs_create(program);
    if (!pipeline->crcs || !pipeline->tables || !pipeline->arrays || !pipeline->counters || !pipeline->meters ||
        !pipeline->value_sets || !instance->profiles || !instance->emit)
        return false;
    for (int i = 0; i < 3; i++)
        if (!(instance->user[i] = aligned_zero(program->user_size)))
            return false;
    for (uint32_t i = 0; i < program->profile_count; i++)
        if (!(instance->profiles[i] = ss_profile_create(instance, &program->profiles[i])))
            return false;
    for (uint32_t i = 0; i < program->table_count; i++) {
        int32_t profile = program->tables[i].action_profile;
        ss_profile *used =
            profile >= 0 && (uint32_t)profile < program->profile_count ? instance->profiles[profile] : NULL;
        if (!(pipeline->tables[i] = ss_table_create(instance, &program->tables[i], used)))
            return false;
    }
    for (uint32_t i = 0; i < program->array_count; i++)
        if (!(pipeline->arrays[i] = ss_array_create(instance, &program->arrays[i])))
            return false;
    for (uint32_t i = 0; i < program->counter_count; i++)
        if (!(pipeline->counters[i] = ss_counter_create(instance, &program->counters[i])))
            return false;
    for (uint32_t i = 0; i < program->meter_count; i++)
        if (!(pipeline->meters[i] = ss_meter_create(instance, &program->meters[i])))
            return false;
    for (uint32_t i = 0; i < program->value_set_count; i++)
        if (!(pipeline->value_sets[i] = ss_value_set_create(instance, &program->value_sets[i])))
            return false;
    return true;
}

ss_instance *ss_pipeline_load(ss_switch *sw, const char *path)
{
    ss_instance *instance = calloc(1, sizeof *instance);
    if (!instance) {
        ss_fail(SS_NO_MEMORY, "no memory for a pipeline");
        return NULL;
    }
    instance->sw = sw;
    pthread_mutex_lock(&sw->control);
    instance->serial = ++sw->next_serial;
    pthread_mutex_unlock(&sw->control);
    instance->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!instance->library) {
        ss_fail(SS_LOAD, "%s", dlerror());
        free(instance);
        return NULL;
    }
    const ss_program *program = dlsym(instance->library, "ss_program_main");
    if (!program || program->abi != SS_ABI) {
        ss_fail(SS_LOAD,
                program ? "%s was compiled for runtime version %u, this is %u: compile it again"
                        : "%s is not a compiled pipeline",
                path, program ? program->abi : 0, SS_ABI);
        dlclose(instance->library);
        free(instance);
        return NULL;
    }
    instance->pipeline.program = program;
    instance->pipeline.owner = instance;
    instance->pipeline.drop_port = sw->drop_port;
    int status = make_objects(instance) ? SS_OK : ss_fail(SS_NO_MEMORY, "no memory for the objects of %s", path);
    for (uint32_t i = 0; i < program->table_count && status == SS_OK; i++)
        status = ss_table_load_initial(instance->pipeline.tables[i]);
    if (status != SS_OK) {
        destroy(instance);
        return NULL;
    }
    return instance;
}

int ss_pipeline_unload(ss_instance *instance)
{
    ss_switch *sw = instance->sw;
    pthread_mutex_lock(&sw->control);
    bool active = sw->active == instance;
    pthread_mutex_unlock(&sw->control);
    if (active)
        return ss_fail(SS_IN_USE, "the pipeline is the active one: commit another one first");
    destroy(instance); /* outside of the safe point: packets go on */
    return SS_OK;
}

ss_table *ss_pipeline_table(ss_instance *instance, uint32_t index) { return instance->pipeline.tables[index]; }
ss_array *ss_pipeline_array(ss_instance *instance, uint32_t index) { return instance->pipeline.arrays[index]; }
ss_counter *ss_pipeline_counter(ss_instance *instance, uint32_t index) { return instance->pipeline.counters[index]; }
ss_meter *ss_pipeline_meter(ss_instance *instance, uint32_t index) { return instance->pipeline.meters[index]; }
ss_profile *ss_pipeline_profile(ss_instance *instance, uint32_t index) { return instance->profiles[index]; }
ss_value_set *ss_pipeline_value_set(ss_instance *instance, uint32_t index)
{
    return instance->pipeline.value_sets[index];
}

void ss_pipeline_shape(ss_instance *instance, uint32_t *counts)
{
    const ss_program *program = instance->pipeline.program;
    const uint32_t all[7] = {program->table_count, program->array_count,   program->counter_count,
                             program->meter_count, program->profile_count, program->value_set_count,
                             program->digest_count};
    memcpy(counts, all, sizeof all);
}

uint64_t ss_pipeline_serial(ss_instance *instance) { return instance->serial; }
