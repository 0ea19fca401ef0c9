#include "packets/journal.h"

#include <sys/mman.h>

#include "core/error.h"
#include "core/safe_point.h"

#define SEQUENCE_BYTES 4u
#define COUNT_AT 4u
#define MARK_AT 5u
#define SLOTS_AT (MARK_AT + SS_MARK_BYTES)
#define JOURNAL_BYTES (16u << 20)
#define MAX_CLONES (1u << 16)

struct ss_journal {
    ss_clone_format format;
    const ss_array *sequence;
    uint32_t last[2]; /* numbers of the last clones of ingress and egress that were applied, or before it began */
    uint32_t frame_bytes, applied, count, capacity;
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
    uint32_t frame_bytes =
        SLOTS_AT + format->slots * (format->component_bytes + format->index_bytes + format->value_bytes);
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
    journal->capacity = JOURNAL_BYTES / frame_bytes < MAX_CLONES ? JOURNAL_BYTES / frame_bytes : MAX_CLONES;
    /* Not from the heap, which would keep memory that is needed only briefly; and pre-faulted: no packet may wait for a
     * page fault. */
    journal->frames =
        mmap(NULL, bytes_of(journal), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (journal->frames == MAP_FAILED) {
        free(journal);
        return ss_fail(SS_NO_MEMORY, "no memory for the last clones");
    }
    ss_switch_hold(sw);
    ss_journal *before = sw->journal;
    sw->journal = journal;
    read_sequences(sequence, journal->last);
    memcpy(begun, journal->last, sizeof journal->last);
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

void ss_journal_add(ss_journal *journal, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                    uint32_t payload_bytes)
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

static const uint8_t *frame_at(const ss_journal *journal, uint32_t i)
{
    return journal->frames + (size_t)i * journal->frame_bytes;
}

/* Whether the clones from the first one that was not applied up to `end` follow one another; `last` is moved on. */
static bool follow(const ss_journal *journal, uint32_t end, uint32_t *last)
{
    for (uint32_t i = journal->applied; i < end; i++) {
        const uint8_t *frame = frame_at(journal, i);
        if (big_endian(frame, SEQUENCE_BYTES) != ++last[frame[COUNT_AT] >> 7])
            return false;
    }
    return true;
}

bool ss_journal_complete(const ss_journal *journal)
{
    uint32_t now[2], last[2] = {journal->last[0], journal->last[1]};
    if (journal->full || !follow(journal, journal->count, last))
        return false;
    read_sequences(journal->sequence, now);
    return now[0] == last[0] && now[1] == last[1];
}

static void handle_updates(const ss_journal *journal, const uint8_t *frame, ss_update_handler *handle, void *argument)
{
    const ss_clone_format *format = &journal->format;
    uint32_t slot_bytes = format->component_bytes + format->index_bytes + format->value_bytes;
    const uint8_t *slot = frame + SLOTS_AT;
    uint32_t used = frame[COUNT_AT] & 0x7f;
    for (uint32_t k = 0; k < used && k < format->slots; k++, slot += slot_bytes)
        handle(argument, big_endian(slot, format->component_bytes),
               big_endian(slot + format->component_bytes, format->index_bytes),
               slot + format->component_bytes + format->index_bytes, format->value_bytes);
}

bool ss_journal_updates(ss_journal *journal, uint32_t most, ss_update_handler *handle, void *argument)
{
    uint32_t rest = ss_journal_rest(journal), end = journal->applied + (rest < most ? rest : most);
    uint32_t last[2] = {journal->last[0], journal->last[1]};
    if (!follow(journal, end, last))
        return false;
    memcpy(journal->last, last, sizeof last);
    while (journal->applied < end)
        handle_updates(journal, frame_at(journal, journal->applied++), handle, argument);
    return true;
}

uint32_t ss_journal_rest(const ss_journal *journal) { return journal->count - journal->applied; }

uint64_t ss_journal_clones(const ss_journal *journal) { return journal->count; }
