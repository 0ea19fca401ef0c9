/* The packet replication engine: clone sessions and multicast groups. They belong to the switch, not to a program. */
#include "internal.h"

const ss_replicas *ss_pre_session(const ss_switch *sw, uint32_t id) { return ss_map_get(&sw->sessions, id); }

const ss_replicas *ss_pre_group(const ss_switch *sw, uint32_t id) { return ss_map_get(&sw->groups, id); }

static int set(ss_switch *sw, ss_map *map, const char *what, uint32_t operation, uint32_t id, uint32_t count,
               const uint64_t *words, uint32_t truncate)
{
    ss_replicas *made = NULL;
    if (operation != SS_DELETE) {
        made = calloc(1, sizeof *made + count * sizeof(ss_replica));
        if (!made)
            return ss_fail(SS_NO_MEMORY, "no memory for %s %u", what, id);
        made->count = count;
        made->truncate = truncate;
        for (uint32_t i = 0; i < count; i++)
            made->replica[i] = (ss_replica){(uint32_t)words[2 * i], (uint32_t)words[2 * i + 1]};
    }
    int status = SS_OK;
    ss_switch_hold(sw);
    ss_replicas *old = ss_map_get(map, id);
    if (operation == SS_INSERT && old)
        status = ss_fail(SS_EXISTS, "%s %u exists already", what, id);
    else if (operation != SS_INSERT && !old)
        status = ss_fail(SS_NOT_FOUND, "there is no %s %u", what, id);
    else if (operation == SS_DELETE)
        ss_map_remove(map, id);
    else if (!ss_map_put(map, id, made))
        status = ss_fail(SS_NO_MEMORY, "no memory for %s %u", what, id);
    ss_switch_release(sw);
    free(status == SS_OK ? old : made);
    return status;
}

int ss_pre_set_session(ss_switch *sw, uint32_t operation, uint32_t id, uint32_t count, const uint64_t *replicas, uint32_t truncate)
{
    return set(sw, &sw->sessions, "clone session", operation, id, count, replicas, truncate);
}

int ss_pre_set_group(ss_switch *sw, uint32_t operation, uint32_t id, uint32_t count, const uint64_t *replicas)
{
    return set(sw, &sw->groups, "multicast group", operation, id, count, replicas, 0);
}

static void clear(ss_map *map)
{
    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->keys[i])
            free(map->values[i]);
    ss_map_free(map);
}

void ss_pre_clear(ss_switch *sw)
{
    clear(&sw->sessions);
    clear(&sw->groups);
}
