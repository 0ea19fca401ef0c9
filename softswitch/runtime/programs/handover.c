/* The end of a change of programs in one step, with no controller in the middle of it.
 *
 * A controller that follows updates by clones knows the last of them too late: they are on their way to it. So the switch keeps
 * the clones of the last moments itself (the journal). At the safe point it writes their updates into the new program, moves what
 * needs no copy, and changes programs. What is prepared before: which cells, which slots. What is left takes some microseconds. */
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tables/table.h"

#define SEQUENCE_BYTES 4u
#define COUNT_AT 4u
#define MARK_AT 5u
#define SLOTS_AT (MARK_AT + SS_MARK_BYTES)
#define JOURNAL_BYTES (16u << 20)
#define MOST_CLONES (1u << 16)
#define NICE (-10) /* as the data plane's */

struct ss_journal {
    ss_clone_format format;
    const ss_array *sequence;
    uint32_t begun[2];
    uint32_t frame_bytes, count, capacity;
    bool full;
    uint8_t *frames;
};

static size_t bytes_of(const ss_journal *journal) { return (size_t)journal->capacity * journal->frame_bytes; }

static uint64_t big_endian(const uint8_t *bytes, uint32_t count)
{
    uint64_t value = 0;
    while (count--)
        value = value << 8 | *bytes++;
    return value;
}

static void read_sequences(const ss_array *sequence, uint32_t *numbers)
{
    memcpy(numbers, ss_array_cells((ss_array *)sequence), 2 * sizeof *numbers);
}

int ss_journal_open(ss_switch *sw, const ss_clone_format *format, ss_array *sequence, uint32_t *begun)
{
    uint32_t frame_bytes = SLOTS_AT + format->slots * (format->component_bytes + format->index_bytes + format->value_bytes);
    if (ss_array_count(sequence) != 2 || ss_array_cell_bytes(sequence) != 4)
        return ss_fail(SS_INVALID, "the register of the numbers of clones has two cells of 32 bits");
    if (frame_bytes > SS_MAX_FRAME || format->component_bytes > 8 || format->index_bytes > 8)
        return ss_fail(SS_INVALID, "clones of that form do not exist");
    ss_journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return ss_fail(SS_NO_MEMORY, "no memory for the last clones");
    journal->format = *format;
    journal->sequence = sequence;
    journal->frame_bytes = frame_bytes;
    journal->capacity = JOURNAL_BYTES / frame_bytes < MOST_CLONES ? JOURNAL_BYTES / frame_bytes : MOST_CLONES;
    /* Not from the heap, which would keep what is needed for a moment; and with its pages: no packet shall wait for fresh ones. */
    journal->frames = mmap(NULL, bytes_of(journal), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (journal->frames == MAP_FAILED) {
        free(journal);
        return ss_fail(SS_NO_MEMORY, "no memory for the last clones");
    }
    ss_switch_hold(sw);
    ss_journal *before = sw->journal;
    sw->journal = journal;
    read_sequences(sequence, journal->begun);
    memcpy(begun, journal->begun, sizeof journal->begun);
    ss_switch_release(sw);
    ss_journal_free(before);
    return SS_OK;
}

void ss_journal_close(ss_switch *sw)
{
    ss_switch_hold(sw);
    ss_journal *journal = sw->journal;
    sw->journal = NULL;
    ss_switch_release(sw);
    ss_journal_free(journal);
}

void ss_journal_free(ss_journal *journal)
{
    if (journal)
        munmap(journal->frames, bytes_of(journal));
    free(journal);
}

void ss_journal_add(ss_journal *journal, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload, uint32_t payload_bytes)
{
    if (header_bytes + payload_bytes != journal->frame_bytes)
        return; /* something else for the controller; were it a clone, its number would be missing */
    if (journal->count == journal->capacity) {
        journal->full = true;
        return;
    }
    uint8_t *at = journal->frames + (size_t)journal->count * journal->frame_bytes;
    memcpy(at, header, header_bytes);
    memcpy(at + header_bytes, payload, payload_bytes);
    if (memcmp(at + MARK_AT, journal->format.mark, SS_MARK_BYTES) == 0)
        journal->count++;
}

/* Whether every clone that was asked for since the journal began is in it. */
static bool complete(const ss_journal *journal)
{
    uint32_t now[2], next[2] = {journal->begun[0], journal->begun[1]};
    if (journal->full)
        return false;
    for (uint32_t i = 0; i < journal->count; i++) {
        const uint8_t *frame = journal->frames + (size_t)i * journal->frame_bytes;
        if (big_endian(frame, SEQUENCE_BYTES) != ++next[frame[COUNT_AT] >> 7])
            return false;
    }
    read_sequences(journal->sequence, now);
    return now[0] == next[0] && now[1] == next[1];
}

static void write_updates(const ss_journal *journal, ss_handover *handover)
{
    const ss_clone_format *format = &journal->format;
    uint32_t slot_bytes = format->component_bytes + format->index_bytes + format->value_bytes;
    for (uint32_t i = 0; i < journal->count; i++) {
        const uint8_t *frame = journal->frames + (size_t)i * journal->frame_bytes, *slot = frame + SLOTS_AT;
        uint32_t used = frame[COUNT_AT] & 0x7f;
        for (uint32_t k = 0; k < used && k < format->slots; k++, slot += slot_bytes) {
            uint64_t component = big_endian(slot, format->component_bytes);
            uint64_t index = big_endian(slot + format->component_bytes, format->index_bytes);
            if (component >= handover->component_count || !handover->components[component].to)
                continue;
            const ss_component *target = &handover->components[component];
            if (index < target->cells && index < ss_array_count(target->to)) {
                ss_array_put(target->to, index, slot + format->component_bytes + format->index_bytes, format->value_bytes,
                             target->width, target->is_signed);
                handover->updates++;
            }
        }
    }
    handover->clones = journal->count;
}

static void move_counts(const ss_table_move *move)
{
    ss_table *to = move->to;
    const ss_table *from = move->from;
    for (uint32_t i = 0; i < move->count; i++) {
        uint32_t source = move->slots[2 * i], target = move->slots[2 * i + 1];
        if (move->counters && to->counters && from->counters)
            to->counters[target] = from->counters[source];
        if (move->meters && to->meters && from->meters)
            to->meters[target] = from->meters[source];
    }
    if (move->counters)
        to->default_counter = from->default_counter;
    if (move->meters)
        to->default_meter = from->default_meter;
}

/* Slots of the entries that are in both tables, which have the same key: pairs of (from, to). Returns how many there are; at most
 * `capacity` are filled in. They are right until a controller changes entries. */
uint32_t ss_table_pair(ss_table *to, ss_table *from, uint32_t *slots, uint32_t capacity)
{
    uint32_t found = 0;
    pthread_mutex_lock(&from->instance->sw->control); /* packets go on: they change no entry */
    for (uint32_t i = 0; i < from->slot_count; i++) {
        const ss_node *node = from->slots[i];
        const ss_node *other = node ? ss_table_like(to, node) : NULL;
        if (!other)
            continue;
        if (found < capacity) {
            slots[2 * found] = node->entry.slot;
            slots[2 * found + 1] = other->entry.slot;
        }
        found++;
    }
    pthread_mutex_unlock(&from->instance->sw->control);
    return found;
}

typedef struct urgency {
    int policy, nice;
    struct sched_param param;
} urgency;

/* Nobody may take the processor while packets wait: real time for these microseconds, else as urgent as the data plane. Both need
 * rights; without them everything is as it was. */
static urgency hurry(void)
{
    urgency before = {.nice = getpriority(PRIO_PROCESS, (id_t)gettid())};
    struct sched_param now = {.sched_priority = 1};
    pthread_getschedparam(pthread_self(), &before.policy, &before.param);
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &now))
        setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    return before;
}

static void calm_down(const urgency *before)
{
    pthread_setschedparam(pthread_self(), before->policy, &before->param);
    setpriority(PRIO_PROCESS, (id_t)gettid(), before->nice);
}

/* Moves what `handover` says and commits its program; or does nothing at all, when the journal is incomplete. */
int ss_handover_run(ss_switch *sw, ss_handover *handover)
{
    urgency before = hurry();
    int status = SS_OK;
    handover->updates = handover->clones = 0;
    ss_switch_hold(sw);
    handover->complete = !handover->use_journal || (sw->journal && complete(sw->journal));
    if (handover->complete) {
        if (handover->use_journal)
            write_updates(sw->journal, handover);
        for (uint32_t i = 0; i < handover->array_count && status == SS_OK; i++)
            status = ss_array_take_over(handover->arrays[2 * i], handover->arrays[2 * i + 1]);
        for (uint32_t i = 0; i < handover->counter_count && status == SS_OK; i++)
            status = ss_counter_take_over(handover->counters[2 * i], handover->counters[2 * i + 1]);
        for (uint32_t i = 0; i < handover->meter_count && status == SS_OK; i++)
            status = ss_meter_take_over(handover->meters[2 * i], handover->meters[2 * i + 1]);
        for (uint32_t i = 0; i < handover->table_count && status == SS_OK; i++)
            move_counts(&handover->tables[i]);
        if (status == SS_OK)
            status = ss_pipeline_commit(handover->to);
    }
    handover->held_ns = ss_clock_ns() - sw->hold_began;
    ss_switch_release(sw);
    calm_down(&before);
    return status;
}
