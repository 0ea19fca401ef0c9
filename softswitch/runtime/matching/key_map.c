#include "matching/key_map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_CAPACITY 4u
#define HUGE_PAGE (2ull << 20) /* bytes; larger arrays use such pages, or each key would also cost a TLB miss */

void ss_key_map_init(ss_key_map *map, uint32_t words) { *map = (ss_key_map){.words = words, .stride = words + 1}; }

void ss_key_map_free(ss_key_map *map)
{
    free(map->slots);
    *map = (ss_key_map){.words = map->words, .stride = map->stride};
}

static uint64_t *allocate(uint64_t bytes)
{
    if (bytes < 2 * HUGE_PAGE)
        return calloc(1, bytes);
    bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uint64_t *slots = aligned_alloc(HUGE_PAGE, bytes);
    if (!slots)
        return NULL;
    madvise(slots, bytes, MADV_HUGEPAGE);
    memset(slots, 0, bytes);
    return slots;
}

/* The slot of a key, or the free slot where it belongs. */
static uint64_t *place(const ss_key_map *map, const uint64_t *key)
{
    for (uint64_t number = ss_hash_words(key, map->words);; number++) {
        uint64_t *slot = ss_key_map_slot(map, number);
        if (!slot[0] || ss_same_words(slot + 1, key, map->words))
            return slot;
    }
}

static bool grow(ss_key_map *map)
{
    ss_key_map larger = *map;
    larger.capacity = map->capacity ? 2 * map->capacity : FIRST_CAPACITY;
    if (!larger.capacity || !(larger.slots = allocate((uint64_t)larger.capacity * map->stride * sizeof *map->slots)))
        return false;
    for (uint32_t i = 0; i < map->capacity; i++) {
        const uint64_t *slot = map->slots + (uint64_t)i * map->stride;
        if (slot[0])
            memcpy(place(&larger, slot + 1), slot, map->stride * sizeof *slot);
    }
    free(map->slots);
    *map = larger;
    return true;
}

uint64_t *ss_key_map_put(ss_key_map *map, const uint64_t *key)
{
    if ((uint64_t)(map->count + 1) * 8 > (uint64_t)map->capacity * 5 && !grow(map))
        return NULL;
    uint64_t *slot = place(map, key);
    if (!slot[0]) {
        memcpy(slot + 1, key, map->words * sizeof *key);
        map->count++;
    }
    return slot;
}

void ss_key_map_remove(ss_key_map *map, const uint64_t *key)
{
    uint64_t mask = map->capacity - 1;
    uint64_t hole = (uint64_t)(place(map, key) - map->slots) / map->stride;
    for (uint64_t next = hole;;) { /* an entry that could no longer be found behind the hole moves into it */
        next = (next + 1) & mask;
        uint64_t *slot = ss_key_map_slot(map, next);
        if (!slot[0])
            break;
        uint64_t home = ss_hash_words(slot + 1, map->words) & mask;
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        memcpy(ss_key_map_slot(map, hole), slot, map->stride * sizeof *slot);
        hole = next;
    }
    ss_key_map_slot(map, hole)[0] = 0;
    map->count--;
}
