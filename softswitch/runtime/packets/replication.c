#include "packets/replication.h"

#include "core/error.h"
#include "core/safe_point.h"
#include "ports/port.h"

/* Whether a port exists and is up, or is the CPU port of controllers that take packets from the queue. */
static bool works(const ss_switch *sw, uint32_t number)
{
    const ss_port *port = ss_port_at(sw, number);
    return port ? port->up : number == sw->cpu_port;
}

/* Chooses for each replica the first of it and its backups whose port works. If all are down it is the replica itself,
 * which is dropped at its port after its egress pass, like one without backups. */
static void choose(ss_replicas *replicas, const ss_switch *sw)
{
    uint32_t count = 0;
    bool found = true;
    for (uint32_t i = 0; i < replicas->choice_count; i++) {
        const ss_choice *choice = &replicas->choices[i];
        if (!choice->backup) {
            replicas->replica[count++] = choice->replica;
            found = works(sw, choice->replica.port);
        } else if (!found && works(sw, choice->replica.port)) {
            replicas->replica[count - 1] = choice->replica;
            found = true;
        }
    }
    replicas->version = sw->port_version;
}

static const ss_replicas *current(const ss_switch *sw, ss_replicas *replicas)
{
    if (ss_unlikely(replicas && replicas->version != sw->port_version))
        choose(replicas, sw);
    return replicas;
}

const ss_replicas *ss_pre_session(ss_switch *sw, uint32_t id) { return current(sw, ss_map_get(&sw->sessions, id)); }

const ss_replicas *ss_pre_group(ss_switch *sw, uint32_t id) { return current(sw, ss_map_get(&sw->groups, id)); }

static ss_replicas *make(uint32_t count, const uint64_t *words, uint32_t truncate)
{
    size_t head = sizeof(ss_replicas) + count * sizeof(ss_choice);
    ss_replicas *made = calloc(1, head + count * sizeof(ss_replica));
    if (!made)
        return NULL;
    made->truncate = truncate;
    made->choice_count = count;
    made->replica = (ss_replica *)((uint8_t *)made + head);
    for (uint32_t i = 0; i < count; i++) {
        ss_choice *choice = &made->choices[i];
        *choice = (ss_choice){{(uint32_t)words[3 * i], (uint32_t)words[3 * i + 1]}, i > 0 && words[3 * i + 2]};
        made->count += !choice->backup;
    }
    return made;
}

static int set(ss_switch *sw, ss_map *map, const char *what, uint32_t operation, uint32_t id, uint32_t count,
               const uint64_t *words, uint32_t truncate)
{
    for (uint32_t i = 0; i < count; i++)
        if (words[3 * i] > SS_MAX_PORT)
            return ss_fail(SS_INDEX, "%s %u: port numbers go up to %u, not %llu", what, id, SS_MAX_PORT,
                           (unsigned long long)words[3 * i]);
    ss_replicas *made = NULL;
    if (operation != SS_DELETE && !(made = make(count, words, truncate)))
        return ss_fail(SS_NO_MEMORY, "no memory for %s %u", what, id);
    int status = SS_OK;
    ss_switch_hold(sw);
    if (made)
        choose(made, sw);
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

int ss_pre_set_session(ss_switch *sw, uint32_t operation, uint32_t id, uint32_t count, const uint64_t *replicas,
                       uint32_t truncate)
{
    return set(sw, &sw->sessions, "clone session", operation, id, count, replicas, truncate);
}

int ss_pre_set_group(ss_switch *sw, uint32_t operation, uint32_t id, uint32_t count, const uint64_t *replicas)
{
    if (id > SS_MAX_GROUP)
        return ss_fail(SS_INDEX, "numbers of multicast groups go up to %u, not %u", SS_MAX_GROUP, id);
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
