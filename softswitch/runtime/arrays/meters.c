#include "arrays/meters.h"

#include "arrays/meter_cell.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/safe_point.h"

struct ss_meter {
    ss_instance *instance;
    const ss_counter_desc *desc;
    ss_meter_cell *cells;
};

ss_meter *ss_meter_create(ss_instance *instance, const ss_counter_desc *desc)
{
    ss_meter *meter = calloc(1, sizeof *meter);
    if (!meter)
        return NULL;
    meter->instance = instance;
    meter->desc = desc;
    meter->cells = calloc(desc->cells ? desc->cells : 1, sizeof *meter->cells);
    if (!meter->cells) {
        free(meter);
        return NULL;
    }
    return meter;
}

void ss_meter_destroy(ss_meter *meter)
{
    if (meter) {
        free(meter->cells);
        free(meter);
    }
}

uint32_t ss_meter_execute(ss_meter *meter, uint64_t index, uint32_t packet_bytes)
{
    if (index >= meter->desc->cells)
        return 0;
    return ss_meter_cell_execute(&meter->cells[index], ss_current->now_ns, packet_bytes, meter->desc->kind);
}

void ss_meter_clear(ss_meter *meter) { memset(meter->cells, 0, meter->desc->cells * sizeof *meter->cells); }

static int check_range(const ss_meter *meter, uint64_t start, uint64_t count)
{
    if (start > meter->desc->cells || count > meter->desc->cells - start)
        return ss_fail(SS_INDEX, "cells %llu to %llu of meter %s, which has %u", (unsigned long long)start,
                       (unsigned long long)(start + count), meter->desc->name, meter->desc->cells);
    return SS_OK;
}

int ss_meter_read(ss_meter *meter, uint64_t start, uint64_t count, uint64_t *rows)
{
    int status = check_range(meter, start, count);
    if (status != SS_OK)
        return status;
    ss_instance_lock(meter->instance);
    for (uint64_t i = 0; i < count; i++)
        ss_meter_cell_read(&meter->cells[start + i], rows + SS_METER_WORDS * i);
    ss_instance_unlock(meter->instance);
    return SS_OK;
}

int ss_meter_set_counts(ss_meter *meter, uint64_t start, uint64_t count, const uint64_t *counts)
{
    int status = check_range(meter, start, count);
    if (status != SS_OK)
        return status;
    ss_instance_lock(meter->instance);
    for (uint64_t i = 0; i < count; i++)
        memcpy(meter->cells[start + i].counts, counts + SS_METER_COUNT_WORDS * i, sizeof meter->cells->counts);
    ss_instance_unlock(meter->instance);
    return SS_OK;
}

int ss_meter_write(ss_meter *meter, uint64_t start, uint64_t count, const uint64_t *configs)
{
    int status = check_range(meter, start, count);
    if (status != SS_OK)
        return status;
    ss_instance_lock(meter->instance);
    ss_clock_update(meter->instance->sw);
    for (uint64_t i = 0; i < count; i++)
        ss_meter_cell_configure(&meter->cells[start + i], meter->instance->sw->now_ns,
                                configs[SS_METER_CONFIG_WORDS * i] ? configs + SS_METER_CONFIG_WORDS * i : NULL);
    ss_instance_unlock(meter->instance);
    return SS_OK;
}

int ss_meter_take_over(ss_meter *to, ss_meter *from)
{
    if (to->desc->cells != from->desc->cells || to->desc->kind != from->desc->kind ||
        to->instance->sw != from->instance->sw)
        return ss_fail(SS_INVALID, "meter %s is not declared as %s is", to->desc->name, from->desc->name);
    ss_switch *sw = to->instance->sw;
    ss_switch_hold(sw);
    ss_meter_cell *cells = to->cells;
    to->cells = from->cells;
    from->cells = cells;
    ss_switch_release(sw);
    return SS_OK;
}
