/* All registers and indirect counters of a program, copied in one safe point. */
#include "arrays/counters.h"
#include "arrays/registers.h"
#include "core/error.h"
#include "core/safe_point.h"

static uint64_t padded(uint64_t bytes) { return (bytes + 63) & ~63ull; }

uint64_t ss_snapshot_bytes(ss_instance *instance)
{
    const ss_program *program = instance->pipeline.program;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < program->array_count; i++)
        bytes += padded(ss_array_bytes(instance->pipeline.arrays[i]));
    for (uint32_t i = 0; i < program->counter_count; i++)
        bytes += padded(ss_counter_bytes(instance->pipeline.counters[i]));
    return bytes;
}

int ss_snapshot_all(ss_instance *instance, void *out, uint64_t capacity)
{
    const ss_program *program = instance->pipeline.program;
    if (capacity < ss_snapshot_bytes(instance))
        return ss_fail(SS_INDEX, "the snapshot needs %llu bytes", (unsigned long long)ss_snapshot_bytes(instance));
    ss_touch_pages(out, ss_snapshot_bytes(instance));
    uint8_t *at = out;
    ss_instance_lock(instance);
    for (uint32_t i = 0; i < program->array_count; i++) {
        ss_array *array = instance->pipeline.arrays[i];
        memcpy(at, ss_array_cells(array), ss_array_bytes(array));
        at += padded(ss_array_bytes(array));
    }
    for (uint32_t i = 0; i < program->counter_count; i++) {
        const ss_counter *counter = instance->pipeline.counters[i];
        memcpy(at, ss_counter_storage(counter), ss_counter_bytes(counter));
        at += padded(ss_counter_bytes(counter));
    }
    ss_instance_unlock(instance);
    return SS_OK;
}
