#include "packets/update_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/instance.h"
#include "core/safe_point.h"
#include "packets/journal.h"
#include "packets/trace.h"

#define FIRST_RECORD 4096u /* the count of records has a page of its own */
#define HEAD_BYTES 16u     /* of a record, before the value */
#define MAX_SLOTS 126u     /* a count of 127 marks something else */
#define NAME_BYTES 320u
#define REST_AT_ONCE 16u

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

typedef struct place { /* of a field in user memory */
    uint32_t offset, bytes;
} place;

typedef struct slot {
    place component, index, value;
} slot;

typedef struct record {
    uint64_t index;
    uint32_t clone, component;
    uint8_t value[];
} record;

typedef struct rest { /* replicas of a session that are not the ring's */
    ss_replicas *replicas;
    uint32_t capacity;
} rest;

struct ss_update_ring {
    ss_switch *sw;   /* NULL: not attached */
    uint64_t serial; /* of the program */
    ss_update_ring_options options;
    ss_clone_format format;
    place sequence, egress, count;
    uint64_t written, mask;
    uint32_t record_bytes;
    int fd;
    size_t bytes;
    uint8_t *memory;
    uint8_t *frame; /* a clone in its form, for the journal */
    rest rests[2];  /* of clones of ingress, and of those that egress asks for while these are made */
    slot slots[];
};

_Static_assert(sizeof(record) == HEAD_BYTES, "as api.h says");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "user memory and records are little-endian");

/* ---- making one ---- */

static bool find(const ss_program *program, const char *prefix, const char *member, uint32_t number, place *found)
{
    char name[NAME_BYTES];
    int length = number == UINT32_MAX ? snprintf(name, sizeof name, "%s.%s", prefix, member)
                                      : snprintf(name, sizeof name, "%s.%s_%u", prefix, member, number);
    for (uint32_t i = 0; length < (int)sizeof name && i < program->field_count; i++)
        if (strcmp(program->fields[i].name, name) == 0) {
            *found = (place){program->fields[i].offset, program->fields[i].bytes};
            return true;
        }
    ss_fail(SS_NOT_FOUND, "the program preserves no metadata field %s", name);
    return false;
}

static bool find_number(const ss_program *program, const char *prefix, const char *member, uint32_t number,
                        place *found)
{
    if (!find(program, prefix, member, number, found))
        return false;
    if (found->bytes > 8)
        ss_fail(SS_INVALID, "%s.%s is wider than 64 bits", prefix, member);
    return found->bytes <= 8;
}

static bool find_all(ss_update_ring *ring, const ss_program *program, const char *prefix)
{
    if (!find_number(program, prefix, "seq", UINT32_MAX, &ring->sequence) ||
        !find_number(program, prefix, "egress", UINT32_MAX, &ring->egress) ||
        !find_number(program, prefix, "count", UINT32_MAX, &ring->count))
        return false;
    for (uint32_t k = 0; k < ring->format.slots; k++) {
        slot *at = &ring->slots[k];
        if (!find_number(program, prefix, "component", k, &at->component) ||
            !find_number(program, prefix, "index", k, &at->index) || !find(program, prefix, "value", k, &at->value))
            return false;
        if (at->value.bytes < ring->format.value_bytes) {
            ss_fail(SS_INVALID, "%s.value_%u has no %u bytes", prefix, k, ring->format.value_bytes);
            return false;
        }
    }
    return true;
}

/* Memory that nobody who gets the descriptor can change, shorten or map for writing. */
static bool make_memory(ss_update_ring *ring)
{
    ring->fd = memfd_create("softswitch-updates", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (ring->fd < 0 || fchmod(ring->fd, S_IRUSR | S_IWUSR) || ftruncate(ring->fd, (off_t)ring->bytes) ||
        fallocate(ring->fd, 0, 0, (off_t)ring->bytes)) { /* pages that are there already: no packet waits for one */
        ss_fail(errno == ENOMEM || errno == ENOSPC ? SS_NO_MEMORY : SS_SYSTEM, "no memory for an update ring: %s",
                strerror(errno));
        return false;
    }
    void *memory = mmap(NULL, ring->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, 0);
    if (memory == MAP_FAILED) {
        ss_fail(SS_NO_MEMORY, "no memory for an update ring: %s", strerror(errno));
        return false;
    }
    ring->memory = memory;
    if (fcntl(ring->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)) {
        ss_fail(SS_SYSTEM, "this kernel cannot seal an update ring: %s", strerror(errno));
        return false;
    }
    return true;
}

static uint32_t frame_bytes(const ss_clone_format *format)
{
    return 5 + SS_MARK_BYTES + format->slots * (format->component_bytes + format->index_bytes + format->value_bytes);
}

static bool make_room(rest *room, uint32_t replicas)
{
    if (replicas <= room->capacity)
        return true;
    ss_replica *more = realloc(room->replicas->replica, replicas * sizeof *more);
    if (!more)
        return false;
    room->replicas->replica = more;
    room->capacity = replicas;
    return true;
}

static bool make_rest(rest *room)
{
    room->replicas = calloc(1, sizeof *room->replicas);
    return room->replicas && make_room(room, REST_AT_ONCE);
}

static void free_rest(rest *room)
{
    if (room->replicas)
        free(room->replicas->replica);
    free(room->replicas);
}

static bool prepare(ss_update_ring *ring, const ss_program *program, const char *prefix)
{
    const ss_clone_format *format = &ring->format;
    uint64_t records = 4, wanted = ring->options.records ? ring->options.records : SS_DEFAULT_RECORDS;
    ring->record_bytes = HEAD_BYTES + (format->value_bytes + 7) / 8 * 8;
    while (records < wanted)
        records *= 2;
    while (!ring->options.records && FIRST_RECORD + records * ring->record_bytes > SS_MAX_RING_BYTES)
        records /= 2;
    while (records < 4 * format->slots)
        records *= 2;
    ring->mask = records - 1;
    ring->bytes = FIRST_RECORD + records * ring->record_bytes;
    if (ring->bytes > SS_MAX_RING_BYTES) {
        ss_fail(SS_INVALID, "an update ring has at most %u bytes; %llu records of %u bytes are more", SS_MAX_RING_BYTES,
                (unsigned long long)records, ring->record_bytes);
        return false;
    }
    ring->frame = calloc(1, frame_bytes(format));
    if (!ring->frame || !make_rest(&ring->rests[0]) || !make_rest(&ring->rests[1])) {
        ss_fail(SS_NO_MEMORY, "no memory for an update ring");
        return false;
    }
    return find_all(ring, program, prefix) && make_memory(ring);
}

ss_update_ring *ss_update_ring_create(ss_instance *instance, const ss_clone_format *format, const char *prefix,
                                      const ss_update_ring_options *options)
{
    if (!format->slots || format->slots > MAX_SLOTS || format->component_bytes > 8 || format->index_bytes > 8 ||
        !format->value_bytes || format->value_bytes > SS_MAX_FRAME || frame_bytes(format) > SS_MAX_FRAME) {
        ss_fail(SS_INVALID, "clones of that form do not exist");
        return NULL;
    }
    ss_update_ring *ring = calloc(1, sizeof *ring + format->slots * sizeof *ring->slots);
    if (!ring) {
        ss_fail(SS_NO_MEMORY, "no memory for an update ring");
        return NULL;
    }
    ring->fd = -1;
    ring->serial = instance->serial;
    ring->format = *format;
    ring->options = *options;
    if (!prepare(ring, instance->pipeline.program, prefix)) {
        ss_update_ring_free(ring);
        return NULL;
    }
    return ring;
}

int ss_update_ring_fd(const ss_update_ring *ring) { return ring->fd; }

void ss_update_ring_describe(const ss_update_ring *ring, ss_update_ring_shape *shape)
{
    *shape =
        (ss_update_ring_shape){ring->bytes, ring->mask + 1, 0, FIRST_RECORD, ring->record_bytes, ring->format.slots};
}

int ss_update_ring_attach(ss_switch *sw, ss_update_ring *ring)
{
    ss_switch_hold(sw);
    int status = sw->ring ? ss_fail(SS_IN_USE, "the switch writes updates to another ring") : SS_OK;
    if (status == SS_OK) {
        sw->ring = ring;
        ring->sw = sw;
    }
    ss_switch_release(sw);
    return status;
}

void ss_update_ring_leave(ss_switch *sw)
{
    if (sw->ring)
        sw->ring->sw = NULL;
    sw->ring = NULL;
}

void ss_update_ring_free(ss_update_ring *ring)
{
    ss_switch *sw = ring->sw;
    if (sw) {
        ss_switch_hold(sw);
        ss_update_ring_leave(sw);
        ss_switch_release(sw);
    }
    if (ring->memory)
        munmap(ring->memory, ring->bytes);
    if (ring->fd >= 0)
        close(ring->fd);
    free_rest(&ring->rests[0]);
    free_rest(&ring->rests[1]);
    free(ring->frame);
    free(ring);
}

/* ---- writing to it ---- */

static uint64_t load(const uint8_t *user, place field)
{
    const uint8_t *at = user + field.offset;
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (field.bytes) {
    case 1:
        return *at;
    case 2:
        return memcpy(&two, at, 2), two;
    case 4:
        return memcpy(&four, at, 4), four;
    default:
        return memcpy(&eight, at, 8), eight;
    }
}

static void write_records(ss_update_ring *ring, const uint8_t *user, uint32_t count)
{
    uint32_t sequence = (uint32_t)load(user, ring->sequence);
    uint32_t flags = (load(user, ring->egress) ? SS_UPDATE_EGRESS : 0) | SS_UPDATE_FIRST;
    for (uint32_t k = 0; k < count; k++) {
        const slot *from = &ring->slots[k];
        record *to = (record *)(ring->memory + FIRST_RECORD + (ring->written++ & ring->mask) * ring->record_bytes);
        to->index = load(user, from->index);
        to->clone = sequence;
        to->component = ((uint32_t)load(user, from->component) & ~(SS_UPDATE_FIRST | SS_UPDATE_EGRESS)) | flags;
        if (ring->format.value_bytes <= 8) {
            uint64_t value = load(user, (place){from->value.offset, from->value.bytes <= 8 ? from->value.bytes : 8});
            memcpy(to->value, &value, sizeof value);
        } else {
            memcpy(to->value, user + from->value.offset, ring->format.value_bytes);
        }
        flags &= ~SS_UPDATE_FIRST;
    }
    /* Whoever sees the count sees the records, and sees it before any record that is overwritten next. */
    atomic_store_explicit((atomic_ullong *)ring->memory, ring->written, memory_order_release);
    atomic_thread_fence(memory_order_release);
}

static uint8_t *put(uint8_t *to, const uint8_t *user, uint32_t offset, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        to[i] = user[offset + bytes - 1 - i];
    return to + bytes;
}

static uint8_t *put_number(uint8_t *to, uint64_t value, uint32_t bytes)
{
    return put(to, (const uint8_t *)&value, 0, bytes);
}

/* The clone that is not made, for the journal. */
static void write_frame(ss_update_ring *ring, const uint8_t *user, uint32_t count)
{
    const ss_clone_format *format = &ring->format;
    uint8_t *to = put_number(ring->frame, load(user, ring->sequence), 4);
    *to++ = (uint8_t)((load(user, ring->egress) ? 0x80u : 0) | count);
    memcpy(to, format->mark, SS_MARK_BYTES);
    to += SS_MARK_BYTES;
    for (uint32_t k = 0; k < count; k++) {
        to = put_number(to, load(user, ring->slots[k].component), format->component_bytes);
        to = put_number(to, load(user, ring->slots[k].index), format->index_bytes);
        to = put(to, user, ring->slots[k].value.offset, format->value_bytes);
    }
    memset(to, 0, (size_t)(ring->frame + frame_bytes(format) - to));
    ss_journal_add(ring->sw->journal, ring->frame, frame_bytes(format), NULL, 0);
}

static bool is_ours(const ss_update_ring *ring, uint32_t session, const ss_replica *replica)
{
    return session == ring->options.session || replica->instance == ring->options.replica;
}

/* Puts the replicas that are not the ring's into `room`; false: no memory. */
static bool leave_rest(const ss_update_ring *ring, rest *room, uint32_t number, const ss_replicas *session)
{
    if (!make_room(room, session->count))
        return false;
    room->replicas->truncate = session->truncate;
    room->replicas->count = 0;
    for (uint32_t i = 0; i < session->count; i++)
        if (!is_ours(ring, number, &session->replica[i]))
            room->replicas->replica[room->replicas->count++] = session->replica[i];
    return true;
}

const ss_replicas *ss_update_ring_take(ss_switch *sw, const ss_instance *instance, ss_packet *packet,
                                       const ss_replicas *session, bool egress)
{
    ss_update_ring *ring = sw->ring;
    if (instance->serial != ring->serial)
        return session;
    uint32_t number = packet->requests.clone_session, ours = 0;
    for (uint32_t i = 0; i < session->count; i++)
        ours += is_ours(ring, number, &session->replica[i]);
    if (!ours)
        return session;
    uint64_t count = load(packet->user, ring->count);
    if (count > ring->format.slots) /* no updates: the program says something else */
        return session;
    if (ours < session->count && !leave_rest(ring, &ring->rests[egress], number, session))
        return session; /* the frame says it */
    if (count) {        /* 0: it was asked for before it was known whether the packet writes */
        write_records(ring, packet->user, (uint32_t)count);
        if (ss_unlikely(sw->journal != NULL))
            write_frame(ring, packet->user, (uint32_t)count);
    }
    if (ss_unlikely(packet->trace))
        ss_trace(packet, "%u updates to the ring in place of a clone to session %u", (uint32_t)count, number);
    return ours < session->count ? ring->rests[egress].replicas : NULL;
}
