#include "arrays/registers.h"

#include <sys/mman.h>

#include "core/error.h"
#include "core/safe_point.h"

#define HUGE_PAGE (2u << 20)

struct ss_array {
    uint8_t *cells; /* the first member, where ss_array_cells() finds it */
    ss_instance *instance;
    const ss_array_desc *desc;
    uint64_t bytes;
    uint32_t cell_bytes;
};

static uint32_t bytes_of_cell(uint32_t width)
{
    for (uint32_t size = 1; size <= 8; size *= 2)
        if (width <= 8 * size)
            return size;
    return 8 * ((width + 63) / 64);
}

/* Zeroed, and touched: neither a packet nor a controller that holds the data plane may wait for page faults. */
static uint8_t *make_cells(uint64_t bytes)
{
    uint64_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : 64, rounded = (bytes + alignment) & ~(alignment - 1);
    uint8_t *cells = aligned_alloc(alignment, rounded);
    if (!cells)
        return NULL;
    if (bytes >= HUGE_PAGE)
        madvise(cells, rounded, MADV_HUGEPAGE); /* fewer misses of the address cache; only faster */
    memset(cells, 0, rounded);
    return cells;
}

ss_array *ss_array_create(ss_instance *instance, const ss_array_desc *desc)
{
    ss_array *array = calloc(1, sizeof *array);
    if (!array)
        return NULL;
    array->instance = instance;
    array->desc = desc;
    array->cell_bytes = bytes_of_cell(desc->width);
    array->bytes = (uint64_t)desc->cells * array->cell_bytes;
    array->cells = make_cells(array->bytes);
    if (!array->cells) {
        free(array);
        return NULL;
    }
    return array;
}

void ss_array_destroy(ss_array *array)
{
    if (array) {
        free(array->cells);
        free(array);
    }
}

uint32_t ss_array_count(const ss_array *array) { return array->desc->cells; }

uint32_t ss_array_cell_bytes(const ss_array *array) { return array->cell_bytes; }

uint64_t ss_array_bytes(const ss_array *array) { return array->bytes; }

void ss_array_clear(ss_array *array) { memset(array->cells, 0, array->bytes); }

static int check_range(const ss_array *array, uint64_t start, uint64_t count)
{
    if (start > array->desc->cells || count > array->desc->cells - start)
        return ss_fail(SS_INDEX, "cells %llu to %llu of register %s, which has %u", (unsigned long long)start,
                       (unsigned long long)(start + count), array->desc->name, array->desc->cells);
    return SS_OK;
}

void ss_touch_pages(void *out, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes; at += 4096)
        ((volatile uint8_t *)out)[at] = 0;
}

int ss_array_read(ss_array *array, uint64_t start, uint64_t count, void *out)
{
    int status = check_range(array, start, count);
    if (status != SS_OK)
        return status;
    ss_touch_pages(out, count * array->cell_bytes);
    ss_instance_lock(array->instance);
    memcpy(out, array->cells + start * array->cell_bytes, count * array->cell_bytes);
    ss_instance_unlock(array->instance);
    return SS_OK;
}

int ss_array_write(ss_array *array, uint64_t start, uint64_t count, const void *cells)
{
    int status = check_range(array, start, count);
    if (status != SS_OK)
        return status;
    ss_instance_lock(array->instance);
    memcpy(array->cells + start * array->cell_bytes, cells, count * array->cell_bytes);
    ss_instance_unlock(array->instance);
    return SS_OK;
}

int ss_array_write_cells(ss_array *array, uint64_t count, const uint64_t *indices, const void *cells)
{
    for (uint64_t i = 0; i < count; i++)
        if (indices[i] >= array->desc->cells)
            return check_range(array, indices[i], 1);
    ss_instance_lock(array->instance);
    for (uint64_t i = 0; i < count; i++)
        memcpy(array->cells + indices[i] * array->cell_bytes, (const uint8_t *)cells + i * array->cell_bytes,
               array->cell_bytes);
    ss_instance_unlock(array->instance);
    return SS_OK;
}

void ss_array_put(ss_array *array, uint64_t index, const uint8_t *value, uint32_t bytes, uint32_t width, bool is_signed)
{
    uint32_t size = array->cell_bytes, to = array->desc->width;
    uint8_t *cell = array->cells + index * size; /* little-endian */
    for (uint32_t i = 0; i < size; i++)
        cell[i] = i < bytes ? value[bytes - 1 - i] : 0;
    if (is_signed && to > width && (value[bytes - 1 - (width - 1) / 8] >> (width - 1) % 8 & 1)) {
        cell[width / 8] |= (uint8_t)(0xff << width % 8);
        memset(cell + width / 8 + 1, 0xff, size - width / 8 - 1);
    }
    if (to % 8)
        cell[to / 8] &= (uint8_t)((1 << to % 8) - 1);
    if (size > (to + 7) / 8)
        memset(cell + (to + 7) / 8, 0, size - (to + 7) / 8);
}

int ss_array_take_over(ss_array *to, ss_array *from)
{
    if (to->desc->cells != from->desc->cells || to->desc->width != from->desc->width ||
        to->instance->sw != from->instance->sw)
        return ss_fail(SS_INVALID, "register %s is not declared as %s is", to->desc->name, from->desc->name);
    ss_switch *sw = to->instance->sw;
    ss_switch_hold(sw);
    uint8_t *cells = to->cells;
    to->cells = from->cells;
    from->cells = cells;
    ss_switch_release(sw);
    return SS_OK;
}
