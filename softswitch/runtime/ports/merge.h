/* Merges frames of one flow again, by the rules of GRO, so that the receiver's kernel gets them as one.
 *
 * A merged frame says how to split it (segmentation offload), and splitting it gives back the original frames, byte for
 * byte. Frames for which that does not hold are not merged. */
#ifndef SS_MERGE_H
#define SS_MERGE_H

#include "ports/split.h"

#define SS_MERGE_HEADERS 118u /* Ethernet, a VLAN tag, IPv6, TCP with options: more headers are not merged */
#define SS_MERGE_BYTES 65535u /* the longest merged frame */

typedef struct ss_part {    /* a frame that may become part of a merged one */
    const uint8_t *headers; /* `at.payload` bytes */
    ss_headers at;
    uint32_t payload; /* bytes after the headers; 0: this frame is sent alone */
} ss_part;

/* Whether a frame can be part of a merged one. `headers`: its first bytes, at least SS_MERGE_HEADERS or all of them. */
bool ss_part_headers(const uint8_t *headers, uint32_t available, uint32_t length, ss_headers *at);
/* Whether its checksums are what a network card would write. `payload_sum`: ss_sum of its payload. */
bool ss_part_summed(const uint8_t *headers, const ss_headers *at, uint32_t payload, uint32_t payload_sum);
/* How many of the frames, starting with the first, are sent as one. */
uint32_t ss_merge_count(const ss_part *parts, uint32_t count);
/* The headers of the merged frame (`at.payload` bytes of the first part) and the description for the kernel. */
void ss_merge_headers(const ss_part *parts, uint32_t count, uint8_t *headers, struct virtio_net_hdr *header);

#endif
