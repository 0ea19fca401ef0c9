/* Splits a super-frame into the frames that a network card would have sent for it (segmentation offload).
 *
 * A single frame of up to 64 KiB from a sender's kernel becomes frames with `gso_size` bytes of payload each, with the
 * lengths, IP identifications, sequence numbers, flags and checksums that Linux gives them when the offloads are
 * off. */
#ifndef SS_SPLIT_H
#define SS_SPLIT_H

#include <linux/virtio_net.h>

#include "ports/headers.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5 /* since Linux 6.2 */
#endif

typedef struct ss_split {
    const uint8_t *frame; /* the super-frame; owned by the caller */
    uint32_t length;
    ss_headers at;
    uint32_t segment, next; /* payload bytes of each frame; where the payload of the next one begins */
    uint32_t done;          /* number of frames so far */
    uint32_t pseudo;        /* sum of the pseudo header without its length */
    bool summed;            /* false: UDP without a checksum */
} ss_split;

typedef struct ss_piece { /* one of these frames */
    uint32_t length, payload_at;
    uint32_t payload_sum; /* ss_sum of the bytes from payload_at on */
} ss_piece;

/* `header`: from the kernel, with `csum_start` relative to the beginning of `frame`. false: this kind cannot be split
 * (tunnels, fragments, protocols other than TCP and UDP, inconsistent headers). */
bool ss_split_begin(ss_split *split, const uint8_t *frame, uint32_t length, const struct virtio_net_hdr *header);
uint32_t ss_split_room(const ss_split *split); /* bytes of the next frame; 0: none left */
void ss_split_next(ss_split *split, uint8_t *out, ss_piece *piece);

#endif
