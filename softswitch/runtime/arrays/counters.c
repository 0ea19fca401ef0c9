#include "arrays/counters.h"

#include "core/error.h"
#include "core/safe_point.h"

struct ss_counter {
    ss_instance *instance;
    const ss_counter_desc *desc;
    uint64_t (*cells)[2]; /* packets, bytes */
};

ss_counter *ss_counter_create(ss_instance *instance, const ss_counter_desc *desc)
{
    ss_counter *counter = calloc(1, sizeof *counter);
    if (!counter)
        return NULL;
    counter->instance = instance;
    counter->desc = desc;
    counter->cells = calloc(desc->cells ? desc->cells : 1, sizeof *counter->cells);
    if (!counter->cells) {
        free(counter);
        return NULL;
    }
    return counter;
}

void ss_counter_destroy(ss_counter *counter)
{
    if (counter) {
        free(counter->cells);
        free(counter);
    }
}

void ss_counter_count(ss_counter *counter, uint64_t index, uint32_t packet_bytes)
{
    if (index >= counter->desc->cells)
        return;
    counter->cells[index][0]++;
    counter->cells[index][1] += packet_bytes;
}

uint64_t ss_counter_bytes(const ss_counter *counter) { return (uint64_t)counter->desc->cells * sizeof *counter->cells; }

const void *ss_counter_storage(const ss_counter *counter) { return counter->cells; }

void ss_counter_clear(ss_counter *counter) { memset(counter->cells, 0, ss_counter_bytes(counter)); }

static int check_range(const ss_counter *counter, uint64_t start, uint64_t count)
{
    if (start > counter->desc->cells || count > counter->desc->cells - start)
        return ss_fail(SS_INDEX, "cells %llu to %llu of counter %s, which has %u", (unsigned long long)start,
                       (unsigned long long)(start + count), counter->desc->name, counter->desc->cells);
    return SS_OK;
}

int ss_counter_read(ss_counter *counter, uint64_t start, uint64_t count, uint64_t *packets_bytes)
{
    int status = check_range(counter, start, count);
    if (status != SS_OK)
        return status;
    ss_instance_lock(counter->instance);
    memcpy(packets_bytes, counter->cells + start, count * sizeof *counter->cells);
    ss_instance_unlock(counter->instance);
    return SS_OK;
}

int ss_counter_write(ss_counter *counter, uint64_t start, uint64_t count, const uint64_t *packets_bytes)
{
    int status = check_range(counter, start, count);
    if (status != SS_OK)
        return status;
    ss_instance_lock(counter->instance);
    memcpy(counter->cells + start, packets_bytes, count * sizeof *counter->cells);
    ss_instance_unlock(counter->instance);
    return SS_OK;
}

int ss_counter_take_over(ss_counter *to, ss_counter *from)
{
    if (to->desc->cells != from->desc->cells || to->instance->sw != from->instance->sw)
        return ss_fail(SS_INVALID, "counter %s is not declared as %s is", to->desc->name, from->desc->name);
    ss_switch *sw = to->instance->sw;
    ss_switch_hold(sw);
    uint64_t (*cells)[2] = to->cells;
    to->cells = from->cells;
    from->cells = cells;
    ss_switch_release(sw);
    return SS_OK;
}
