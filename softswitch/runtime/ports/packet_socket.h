/* The AF_PACKET socket of a port, with its receive ring (TPACKET_V2). */
#ifndef SS_PACKET_SOCKET_H
#define SS_PACKET_SOCKET_H

#include <net/if.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "ports/port.h"

#define SS_TX_SLOTS 64u
#define SS_BIG_FRAME 65600u

typedef struct ss_tx_slot {
    uint8_t *own; /* headers, and payloads that would not stay */
    uint32_t capacity;
} ss_tx_slot;

typedef struct ss_packet_port {
    ss_port port;
    char name[IFNAMSIZ];
    int fd, index;        /* fd -1: the interface is gone */
    uint32_t frame_limit; /* the longest frame its MTU allows */
    uint32_t ring_frames; /* as asked for, 0: the default; `frame_count` is what there is */
    uint8_t *ring;
    size_t ring_bytes;
    uint32_t frame_bytes, frame_count, head, borrowed;
    uint8_t *big[SS_BATCH]; /* frames that did not fit the ring */
    struct mmsghdr messages[SS_TX_SLOTS];
    struct iovec pieces[SS_TX_SLOTS][2];
    ss_tx_slot slots[SS_TX_SLOTS];
    uint32_t tx_count;
    bool told_checksum, told_oversize;
} ss_packet_port;

int ss_packet_open(ss_packet_port *packet); /* on the interface `name` */
void ss_packet_close(ss_packet_port *packet);
bool ss_packet_link_up(ss_packet_port *packet);
struct ifreq;
/* an ioctl about the interface */
int ss_packet_query(ss_packet_port *packet, unsigned long request, struct ifreq *answer);

#endif
