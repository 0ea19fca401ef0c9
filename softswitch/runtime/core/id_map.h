/* A map from ids to pointers: open addressing; grows. */
#ifndef SS_ID_MAP_H
#define SS_ID_MAP_H

#include "core/base.h"

typedef struct ss_map {
    uint64_t *keys;
    void **values;
    uint32_t capacity, count;
} ss_map;

void *ss_map_get(const ss_map *map, uint64_t id);
bool ss_map_put(ss_map *map, uint64_t id, void *value); /* replaces; false: no memory */
void *ss_map_remove(ss_map *map, uint64_t id);
void ss_map_free(ss_map *map); /* not the values */

#endif
