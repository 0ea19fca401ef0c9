/* The split and the merging of super-frames as flat functions, for tests: no port, no switch.
 *
 * Frames are copied to memory of exactly their size, so that a sanitizer sees each byte that is read beyond them. */
#include <stdlib.h>

#include "ports/checksum.h"
#include "ports/merge.h"

static uint8_t *copy_of(const uint8_t *bytes, uint32_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, bytes, length);
    return copy;
}

static uint8_t *append(uint8_t *out, const void *bytes, uint32_t length)
{
    memcpy(out, bytes, length);
    return out + length;
}

/* Frames, each after its length (uint32_t), at `out`; returns how many, -1: it cannot be split. */
int split_all(const uint8_t *bytes, uint32_t length, const struct virtio_net_hdr *header, uint8_t *out)
{
    uint8_t *frame = copy_of(bytes, length);
    ss_split split;
    int count = -1;
    if (ss_split_begin(&split, frame, length, header)) {
        count = 0;
        for (uint32_t room; (room = ss_split_room(&split)); count++) {
            uint8_t *piece = malloc(room);
            ss_piece made;
            ss_split_next(&split, piece, &made);
            if (made.length != room || ss_sum(piece + made.payload_at, room - made.payload_at) != made.payload_sum)
                abort();
            out = append(append(out, &room, sizeof room), piece, room);
            free(piece);
        }
    }
    free(frame);
    return count;
}

/* What is sent for frames (each after its length): how many frames are in it, its length, the header, the bytes. A
 * frame that goes alone has a header of zeros. Returns the bytes written. */
uint64_t merge_all(const uint8_t *frames, uint32_t count, uint8_t *out)
{
    const uint8_t *begin = out;
    uint8_t **copies = calloc(count, sizeof *copies);
    uint32_t *lengths = calloc(count, sizeof *lengths);
    ss_part *parts = calloc(count, sizeof *parts);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&lengths[i], frames, sizeof *lengths);
        copies[i] = copy_of(frames + sizeof *lengths, lengths[i]);
        frames += sizeof *lengths + lengths[i];
        ss_headers at;
        if (!ss_part_headers(copies[i], lengths[i], lengths[i], &at))
            continue;
        uint32_t payload = lengths[i] - at.payload;
        if (ss_part_summed(copies[i], &at, payload, ss_sum(copies[i] + at.payload, payload)))
            parts[i] = (ss_part){copies[i], at, payload};
    }
    for (uint32_t i = 0, merged; i < count; i += merged) {
        merged = ss_merge_count(&parts[i], count - i);
        struct virtio_net_hdr header = {0};
        uint8_t headers[SS_MERGE_HEADERS];
        uint32_t length = lengths[i];
        if (merged > 1) {
            length = parts[i].at.payload;
            for (uint32_t k = 0; k < merged; k++)
                length += parts[i + k].payload;
            ss_merge_headers(&parts[i], merged, headers, &header);
        }
        out = append(append(append(out, &merged, sizeof merged), &length, sizeof length), &header, sizeof header);
        if (merged == 1) {
            out = append(out, copies[i], length);
            continue;
        }
        out = append(out, headers, parts[i].at.payload);
        for (uint32_t k = 0; k < merged; k++)
            out = append(out, copies[i + k] + parts[i].at.payload, parts[i + k].payload);
    }
    for (uint32_t i = 0; i < count; i++)
        free(copies[i]);
    free(copies);
    free(lengths);
    free(parts);
    return (uint64_t)(out - begin);
}

/* In place; false: the place is outside of the frame. */
bool complete_partial(uint8_t *bytes, uint32_t length, uint32_t start, uint32_t offset)
{
    uint8_t *frame = copy_of(bytes, length);
    bool done = ss_complete_partial(frame, length, start, offset);
    memcpy(bytes, frame, length);
    free(frame);
    return done;
}

bool complete_found(uint8_t *bytes, uint32_t length)
{
    uint8_t *frame = copy_of(bytes, length);
    bool done = ss_complete_checksum(frame, length);
    memcpy(bytes, frame, length);
    free(frame);
    return done;
}
