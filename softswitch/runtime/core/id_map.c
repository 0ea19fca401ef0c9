#include "core/id_map.h"

/* Keys are kept as id + 1 so that 0 marks a free place; removal shifts the rest of the run back. */
static uint32_t place(const ss_map *map, uint64_t key)
{
    uint64_t mixed = key * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 32) & (map->capacity - 1);
}

void *ss_map_get(const ss_map *map, uint64_t id)
{
    if (!map->count)
        return NULL;
    uint64_t key = id + 1;
    for (uint32_t at = place(map, key);; at = (at + 1) & (map->capacity - 1)) {
        if (map->keys[at] == key)
            return map->values[at];
        if (!map->keys[at])
            return NULL;
    }
}

static void put_new(ss_map *map, uint64_t key, void *value)
{
    uint32_t at = place(map, key);
    while (map->keys[at] && map->keys[at] != key)
        at = (at + 1) & (map->capacity - 1);
    if (!map->keys[at])
        map->count++;
    map->keys[at] = key;
    map->values[at] = value;
}

bool ss_map_put(ss_map *map, uint64_t id, void *value)
{
    if (map->count >= map->capacity / 2) {
        ss_map bigger = {.capacity = map->capacity ? 2 * map->capacity : 16};
        bigger.keys = calloc(bigger.capacity, sizeof *bigger.keys);
        bigger.values = calloc(bigger.capacity, sizeof *bigger.values);
        if (!bigger.keys || !bigger.values) {
            free(bigger.keys);
            free(bigger.values);
            return false;
        }
        for (uint32_t i = 0; i < map->capacity; i++)
            if (map->keys[i])
                put_new(&bigger, map->keys[i], map->values[i]);
        ss_map_free(map);
        *map = bigger;
    }
    put_new(map, id + 1, value);
    return true;
}

void *ss_map_remove(ss_map *map, uint64_t id)
{
    if (!map->count)
        return NULL;
    uint32_t mask = map->capacity - 1, at = place(map, id + 1);
    while (map->keys[at] != id + 1) {
        if (!map->keys[at])
            return NULL;
        at = (at + 1) & mask;
    }
    void *value = map->values[at];
    map->keys[at] = 0;
    map->count--;
    for (uint32_t next = (at + 1) & mask; map->keys[next]; next = (next + 1) & mask) {
        uint64_t key = map->keys[next];
        map->keys[next] = 0;
        map->count--;
        put_new(map, key, map->values[next]);
    }
    return value;
}

void ss_map_free(ss_map *map)
{
    free(map->keys);
    free(map->values);
    memset(map, 0, sizeof *map);
}
