#include "arrays/meter_cell.h"

#include "include/api.h"

/* tokens are kept in billionths, so that a rate per second adds `rate` of them per nanosecond */
#define SCALE 1000000000ull

static uint64_t scaled_burst(uint64_t burst) { return burst > UINT64_MAX / SCALE ? UINT64_MAX : burst * SCALE; }

static void refill(uint64_t *tokens, uint64_t rate, uint64_t burst, uint64_t elapsed_ns)
{
    unsigned __int128 sum = (unsigned __int128)rate * elapsed_ns + *tokens;
    uint64_t full = scaled_burst(burst);
    *tokens = sum > full ? full : (uint64_t)sum;
}

static uint32_t single_rate(ss_meter_cell *cell, uint64_t elapsed_ns, uint64_t need)
{
    unsigned __int128 tokens = (unsigned __int128)cell->cir * elapsed_ns + cell->committed,
                      full = scaled_burst(cell->cburst);
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
    const uint64_t config[SS_METER_CONFIG_WORDS] = {cell->mode, cell->cir, cell->cburst, cell->pir, cell->pburst};
    _Static_assert(sizeof config + sizeof cell->counts == SS_METER_WORDS * sizeof(uint64_t), "what a meter is read as");
    memcpy(words, config, sizeof config);
    memcpy(words + SS_METER_CONFIG_WORDS, cell->counts, sizeof cell->counts);
}
