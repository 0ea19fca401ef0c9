/* A map from keys of a fixed number of words to pointers: one array with open addressing, keys next to their pointers.
 *
 * Finding a key, present or not, touches one cache line of the array. At most 5 of 8 slots are used, and the hash of a
 * key is recomputed when needed. */
#ifndef SS_KEY_MAP_H
#define SS_KEY_MAP_H

#include "matching/words.h"

typedef struct ss_key_map {
    uint64_t *slots; /* each: the pointer (0: free), then the key */
    uint32_t words, stride;
    uint32_t capacity, count; /* capacity: 0 or a power of two */
} ss_key_map;

void ss_key_map_init(ss_key_map *map, uint32_t words);
void ss_key_map_free(ss_key_map *map);
/* The place for the pointer of a key. It contains 0 if the key is new, which must be replaced before the next call.
 * NULL: no memory. */
uint64_t *ss_key_map_put(ss_key_map *map, const uint64_t *key);
void ss_key_map_remove(ss_key_map *map, const uint64_t *key); /* the key must be present */

static inline uint64_t *ss_key_map_slot(const ss_key_map *map, uint64_t number)
{
    return map->slots + (number & (map->capacity - 1)) * map->stride;
}

/* The place of the pointer of a key; NULL: not present. `hash`: of the key. */
static inline uint64_t *ss_key_map_find(const ss_key_map *map, uint64_t hash, const uint64_t *key)
{
    if (!map->count)
        return NULL;
    for (uint64_t number = hash;; number++) {
        uint64_t *slot = ss_key_map_slot(map, number);
        if (!slot[0])
            return NULL;
        if (ss_same_words(slot + 1, key, map->words))
            return slot;
    }
}

#endif
