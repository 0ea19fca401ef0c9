/* Meters, colour-blind, in packets or bytes; buckets start full.
 *
 * Two rates (RFC 2698): a packet is red when the peak bucket has too few tokens; else the peak bucket pays, and the packet is
 * yellow when the committed bucket has too few; else that one pays too and the packet is green.
 * Single rate (RFC 2697): what does not fit the committed bucket goes to the excess bucket. A packet is green when the first
 * can pay, yellow when the second can, else red. */
#include "core/internal.h"

#define SCALE 1000000000ull /* tokens are kept in billionths, so that a rate per second adds `rate` of them per nanosecond */

struct ss_meter {
    ss_instance *instance;
    const ss_counter_desc *desc;
    ss_meter_cell *cells;
};

static uint64_t scaled_burst(uint64_t burst) { return burst > UINT64_MAX / SCALE ? UINT64_MAX : burst * SCALE; }

static void refill(uint64_t *tokens, uint64_t rate, uint64_t burst, uint64_t elapsed_ns)
{
    unsigned __int128 sum = (unsigned __int128)rate * elapsed_ns + *tokens;
    uint64_t full = scaled_burst(burst);
    *tokens = sum > full ? full : (uint64_t)sum;
}

static uint32_t single_rate(ss_meter_cell *cell, uint64_t elapsed_ns, uint64_t need)
{
    unsigned __int128 tokens = (unsigned __int128)cell->cir * elapsed_ns + cell->committed, full = scaled_burst(cell->cburst);
    unsigned __int128 excess = cell->peak + (tokens > full ? tokens - full : 0), most = scaled_burst(cell->pburst);
    cell->committed = (uint64_t)(tokens > full ? full : tokens);
    cell->peak = (uint64_t)(excess > most ? most : excess);
    uint64_t *paid = cell->committed >= need ? &cell->committed : cell->peak >= need ? &cell->peak : NULL;
    if (!paid)
        return 2;
    *paid -= need;
    return paid != &cell->committed;
}

static uint32_t colour(ss_meter_cell *cell, uint64_t now_ns, uint64_t amount)
{
    if (!cell->mode)
        return 0;
    uint64_t elapsed = now_ns > cell->last_ns ? now_ns - cell->last_ns : 0, need = amount * SCALE;
    if (cell->mode == SS_SINGLE_RATE) {
        cell->last_ns += elapsed;
        return single_rate(cell, elapsed, need);
    }
    if (elapsed) {
        refill(&cell->committed, cell->cir, cell->cburst, elapsed);
        refill(&cell->peak, cell->pir, cell->pburst, elapsed);
        cell->last_ns = now_ns;
    }
    if (cell->peak < need)
        return 2;
    cell->peak -= need;
    if (cell->committed < need)
        return 1;
    cell->committed -= need;
    return 0;
}

uint32_t ss_meter_cell_execute(ss_meter_cell *cell, uint64_t now_ns, uint32_t packet_bytes, bool in_bytes)
{
    uint32_t found = colour(cell, now_ns, in_bytes ? packet_bytes : 1);
    cell->counts[found][0]++;
    cell->counts[found][1] += packet_bytes;
    return found;
}

/* config: ss_meter_mode, cir, cburst, pir, pburst; NULL takes the configuration away: everything is green. The counts of colours stay. */
void ss_meter_cell_configure(ss_meter_cell *cell, uint64_t now_ns, const uint64_t *config)
{
    uint64_t counts[3][2];
    memcpy(counts, cell->counts, sizeof counts);
    memset(cell, 0, sizeof *cell);
    memcpy(cell->counts, counts, sizeof counts);
    if (!config)
        return;
    cell->mode = (uint32_t)config[0];
    cell->cir = config[1];
    cell->cburst = config[2];
    cell->pir = config[3];
    cell->pburst = config[4];
    cell->committed = scaled_burst(cell->cburst);
    cell->peak = scaled_burst(cell->pburst);
    cell->last_ns = now_ns;
}

void ss_meter_cell_read(const ss_meter_cell *cell, uint64_t *words)
{
    const uint64_t config[5] = {cell->mode, cell->cir, cell->cburst, cell->pir, cell->pburst};
    _Static_assert(sizeof config + sizeof cell->counts == SS_METER_WORDS * sizeof(uint64_t), "what a meter is read as");
    memcpy(words, config, sizeof config);
    memcpy(words + 5, cell->counts, sizeof cell->counts);
}

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
        memcpy(meter->cells[start + i].counts, counts + 6 * i, sizeof meter->cells->counts);
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
        ss_meter_cell_configure(&meter->cells[start + i], meter->instance->sw->now_ns, configs[5 * i] ? configs + 5 * i : NULL);
    ss_instance_unlock(meter->instance);
    return SS_OK;
}

int ss_meter_take_over(ss_meter *to, ss_meter *from)
{
    if (to->desc->cells != from->desc->cells || to->desc->kind != from->desc->kind || to->instance->sw != from->instance->sw)
        return ss_fail(SS_INVALID, "meter %s is not declared as %s is", to->desc->name, from->desc->name);
    ss_switch *sw = to->instance->sw;
    ss_switch_hold(sw);
    ss_meter_cell *cells = to->cells;
    to->cells = from->cells;
    from->cells = cells;
    ss_switch_release(sw);
    return SS_OK;
}
