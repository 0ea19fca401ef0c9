/* The AF_PACKET socket of a port, with its receive ring (TPACKET_V2). */
#ifndef SS_PACKET_SOCKET_H
#define SS_PACKET_SOCKET_H

#include <net/if.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "ports/merge.h"
#include "ports/port.h"

#define SS_TX_SLOTS 64u
#define SS_VLAN_ROOM 4u
#define SS_BIG_FRAME 65664u
#define SS_BIG_ROOM 64u              /* of these, before the frame: for a tag */
#define SS_PIECES_BYTES (192u << 10) /* of frames that super-frames were split into, in a batch */

typedef struct ss_tx_slot {
    uint8_t *own; /* headers, and payloads that would not stay */
    uint32_t capacity;
    struct iovec bytes[2]; /* the frame: `own`, and the rest where it was received */
} ss_tx_slot;

typedef struct ss_merged_head {
    struct virtio_net_hdr offload;
    uint8_t headers[SS_MERGE_HEADERS];
} ss_merged_head;

typedef struct ss_tx_lane { /* what one data-plane thread sends */
    uint32_t tx_count;
    ss_tx_slot slots[SS_TX_SLOTS];
    ss_part parts[SS_TX_SLOTS];
    struct mmsghdr messages[SS_TX_SLOTS];
    uint32_t frames[SS_TX_SLOTS]; /* in each message */
    ss_merged_head heads[SS_TX_SLOTS / 2];
    struct iovec pieces[SS_TX_SLOTS + SS_TX_SLOTS / 2]; /* of merged messages */
    uint32_t head_count, piece_count;
} ss_tx_lane;

typedef struct ss_packet_port {
    ss_port port;
    char name[IFNAMSIZ];
    int fd, index;        /* fd -1: the interface is gone */
    uint32_t frame_limit; /* the longest frame its MTU allows, with a tag */
    uint32_t ring_frames; /* as asked for, 0: the default; `frame_count` is what there is */
    bool offloads;        /* takes super-frames */
    uint32_t vnet_bytes;  /* before each frame, what the kernel says and is told about offloads; 0: nothing */

    uint8_t *ring;
    size_t ring_bytes;
    uint32_t frame_bytes, frame_count, head, borrowed;
    uint8_t *big[SS_BATCH]; /* frames that did not fit the ring */
    uint8_t *super;         /* the super-frame that is being split, after SS_BIG_ROOM bytes */
    ss_split split;
    bool splitting;
    uint8_t *pieces_memory; /* what came out of it in this batch */

    atomic_bool merge_tcp, merge_udp;  /* as the interface takes it */
    uint32_t refused;                  /* merged frames in a row */
    ss_tx_lane *tx[SS_MAX_IO_THREADS]; /* NULL: that thread has sent nothing yet */

    atomic_bool told_checksum, told_oversize, told_unsplit;
} ss_packet_port;

/* A notice in the log, once. */
void ss_packet_tell_once(ss_packet_port *packet, atomic_bool *told, const char *what);
int ss_packet_open(ss_packet_port *packet); /* on the interface `name` */
void ss_packet_close(ss_packet_port *packet);
bool ss_packet_link_up(ss_packet_port *packet);
bool ss_packet_read_mtu(ss_packet_port *packet); /* into `frame_limit` */
struct ifreq;
/* an ioctl about the interface */
int ss_packet_query(ss_packet_port *packet, unsigned long request, struct ifreq *answer);

#endif
