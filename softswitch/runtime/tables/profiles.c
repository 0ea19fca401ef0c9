#include "tables/profiles.h"

#include "core/error.h"
#include "core/id_map.h"
#include "core/safe_point.h"
#include "ports/port.h"

typedef struct member {
    uint64_t id;
    uint32_t references;
    ss_entry **entries; /* one per table of the profile: tables may number the same action differently */
} member;

typedef struct seat { /* a member's place in a group */
    member *member;
    uint32_t weight;
    uint64_t watch_port; /* or SS_NO_WATCH_PORT */
} seat;

typedef struct group {
    uint64_t id;
    uint32_t references, seat_count, live_count, live_version;
    seat *seats;
    member **live; /* each member repeated by its weight, if its watch port is up */
} group;

struct ss_profile {
    ss_instance *instance;
    const ss_profile_desc *desc;
    ss_map members, groups;
    uint32_t table_count, data_words;
};

static const ss_entry nothing = {.action = SS_NO_ACTION, .slot = SS_DEFAULT_SLOT};

ss_profile *ss_profile_create(ss_instance *instance, const ss_profile_desc *desc)
{
    ss_profile *profile = calloc(1, sizeof *profile);
    if (profile) {
        profile->instance = instance;
        profile->desc = desc;
    }
    return profile;
}

uint32_t ss_profile_attach(ss_profile *profile, uint32_t data_words)
{
    if (data_words > profile->data_words)
        profile->data_words = data_words;
    return profile->table_count++;
}

static void free_entries(const ss_profile *profile, ss_entry **entries)
{
    for (uint32_t i = 0; entries && i < profile->table_count; i++)
        free(entries[i]);
    free(entries);
}

static ss_entry **make_entries(const ss_profile *profile, const uint32_t *actions, const uint64_t *data,
                               uint32_t data_words)
{
    ss_entry **entries = calloc(profile->table_count ? profile->table_count : 1, sizeof *entries);
    for (uint32_t i = 0; entries && i < profile->table_count; i++) {
        entries[i] = calloc(1, sizeof **entries + profile->data_words * sizeof *data);
        if (!entries[i]) {
            free_entries(profile, entries);
            return NULL;
        }
        entries[i]->action = actions[i];
        entries[i]->slot = SS_DEFAULT_SLOT;
        if (data_words)
            memcpy(entries[i]->data, data, data_words * sizeof *data);
    }
    return entries;
}

static int write_member(ss_profile *profile, uint32_t operation, uint64_t id, ss_entry ***entries)
{
    const char *name = profile->desc->name;
    member *old = ss_map_get(&profile->members, id);
    if (operation == SS_INSERT) {
        if (old)
            return ss_fail(SS_EXISTS, "profile %s has member %llu already", name, (unsigned long long)id);
        if (profile->desc->size && profile->members.count >= profile->desc->size)
            return ss_fail(SS_FULL, "profile %s is full: it was declared with size %u", name, profile->desc->size);
        member *made = calloc(1, sizeof *made);
        if (!made || !ss_map_put(&profile->members, id, made)) {
            free(made);
            return ss_fail(SS_NO_MEMORY, "no memory for a member of profile %s", name);
        }
        made->id = id;
        made->entries = *entries;
        *entries = NULL;
        return SS_OK;
    }
    if (!old)
        return ss_fail(SS_NOT_FOUND, "profile %s has no member %llu", name, (unsigned long long)id);
    if (operation == SS_MODIFY) {
        ss_entry **replaced = old->entries;
        old->entries = *entries;
        *entries = replaced; /* freed by the caller, outside the safe point */
        return SS_OK;
    }
    if (old->references)
        return ss_fail(SS_IN_USE, "member %llu of profile %s is still in use", (unsigned long long)id, name);
    ss_map_remove(&profile->members, id);
    *entries = old->entries;
    free(old);
    return SS_OK;
}

int ss_profile_write_member(ss_profile *profile, uint32_t operation, uint64_t id, const uint32_t *actions,
                            const uint64_t *data, uint32_t data_words)
{
    ss_entry **entries = NULL;
    if (data_words > profile->data_words)
        return ss_fail(SS_INVALID, "more parameters than any action of profile %s takes", profile->desc->name);
    if (operation != SS_DELETE && !(entries = make_entries(profile, actions, data, data_words)))
        return ss_fail(SS_NO_MEMORY, "no memory for a member of profile %s", profile->desc->name);
    ss_instance_lock(profile->instance);
    int status = write_member(profile, operation, id, &entries);
    ss_instance_unlock(profile->instance);
    free_entries(profile, entries);
    return status;
}

static void drop_seats(group *g)
{
    for (uint32_t i = 0; i < g->seat_count; i++)
        g->seats[i].member->references--;
    free(g->seats);
    free(g->live);
    g->seats = NULL;
    g->live = NULL;
    g->seat_count = g->live_count = 0;
}

static void find_live(const ss_switch *sw, group *g)
{
    g->live_count = 0;
    g->live_version = sw->port_version;
    for (uint32_t i = 0; i < g->seat_count; i++) {
        const seat *s = &g->seats[i];
        if (s->watch_port != SS_NO_WATCH_PORT) {
            const ss_port *port = ss_port_at(sw, s->watch_port);
            if (!port || !port->up)
                continue;
        }
        for (uint32_t n = 0; n < s->weight; n++)
            g->live[g->live_count++] = s->member;
    }
}

static int seat_members(ss_profile *profile, group *g, uint32_t count, const uint64_t *words)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!ss_map_get(&profile->members, words[3 * i]))
            return ss_fail(SS_NOT_FOUND, "profile %s has no member %llu", profile->desc->name,
                           (unsigned long long)words[3 * i]);
        total += words[3 * i + 1];
    }
    if (total > 1u << 20)
        return ss_fail(SS_INVALID, "the weights of group %llu add up to more than %u", (unsigned long long)g->id,
                       1u << 20);
    seat *seats = calloc(count ? count : 1, sizeof *seats);
    member **live = calloc(total ? total : 1, sizeof *live);
    if (!seats || !live) {
        free(seats);
        free(live);
        return ss_fail(SS_NO_MEMORY, "no memory for a group of profile %s", profile->desc->name);
    }
    drop_seats(g);
    g->seats = seats;
    g->live = live;
    g->seat_count = count;
    for (uint32_t i = 0; i < count; i++) {
        seats[i] = (seat){ss_map_get(&profile->members, words[3 * i]), (uint32_t)words[3 * i + 1], words[3 * i + 2]};
        seats[i].member->references++;
    }
    find_live(profile->instance->sw, g);
    return SS_OK;
}

static int write_group(ss_profile *profile, uint32_t operation, uint64_t id, uint32_t count, const uint64_t *words)
{
    const char *name = profile->desc->name;
    group *old = ss_map_get(&profile->groups, id);
    if (operation == SS_INSERT) {
        if (old)
            return ss_fail(SS_EXISTS, "profile %s has group %llu already", name, (unsigned long long)id);
        group *made = calloc(1, sizeof *made);
        if (!made)
            return ss_fail(SS_NO_MEMORY, "no memory for a group of profile %s", name);
        made->id = id;
        int status = seat_members(profile, made, count, words);
        if (status == SS_OK && !ss_map_put(&profile->groups, id, made))
            status = ss_fail(SS_NO_MEMORY, "no memory for a group of profile %s", name);
        if (status != SS_OK) {
            drop_seats(made);
            free(made);
        }
        return status;
    }
    if (!old)
        return ss_fail(SS_NOT_FOUND, "profile %s has no group %llu", name, (unsigned long long)id);
    if (operation == SS_MODIFY)
        return seat_members(profile, old, count, words);
    if (old->references)
        return ss_fail(SS_IN_USE, "group %llu of profile %s is still in use", (unsigned long long)id, name);
    ss_map_remove(&profile->groups, id);
    drop_seats(old);
    free(old);
    return SS_OK;
}

int ss_profile_write_group(ss_profile *profile, uint32_t operation, uint64_t id, uint32_t count,
                           const uint64_t *members)
{
    ss_instance_lock(profile->instance);
    int status = write_group(profile, operation, id, count, members);
    ss_instance_unlock(profile->instance);
    return status;
}

void ss_profile_counts(ss_profile *profile, uint32_t *members_groups)
{
    members_groups[0] = profile->members.count;
    members_groups[1] = profile->groups.count;
}

void *ss_profile_refer(ss_profile *profile, uint32_t kind, uint64_t id)
{
    if (kind == SS_BY_MEMBER) {
        member *m = ss_map_get(&profile->members, id);
        if (m)
            m->references++;
        return m;
    }
    group *g = ss_map_get(&profile->groups, id);
    if (g)
        g->references++;
    return g;
}

void ss_profile_unrefer(uint32_t kind, void *target)
{
    if (kind == SS_BY_MEMBER)
        ((member *)target)->references--;
    else
        ((group *)target)->references--;
}

const ss_entry *ss_profile_choose(ss_profile *profile, uint32_t kind, void *target, uint32_t position, uint64_t hash)
{
    const member *chosen = target;
    if (kind == SS_BY_GROUP) {
        group *g = target;
        if (g->live_version != profile->instance->sw->port_version)
            find_live(profile->instance->sw, g);
        if (!g->live_count)
            return &nothing;
        chosen = g->live[hash % g->live_count];
    }
    return chosen->entries[position];
}

/* Tables are cleared first, so nothing refers to members or groups any more. */
void ss_profile_clear(ss_profile *profile)
{
    for (uint32_t i = 0; i < profile->groups.capacity; i++)
        if (profile->groups.keys[i]) {
            group *g = profile->groups.values[i];
            drop_seats(g);
            free(g);
        }
    ss_map_free(&profile->groups);
    for (uint32_t i = 0; i < profile->members.capacity; i++)
        if (profile->members.keys[i]) {
            member *m = profile->members.values[i];
            free_entries(profile, m->entries);
            free(m);
        }
    ss_map_free(&profile->members);
}

void ss_profile_destroy(ss_profile *profile)
{
    if (profile) {
        ss_profile_clear(profile);
        free(profile);
    }
}
