/* An AF_PACKET port, shared by port_packet.c (its life) and packet_io.c (its frames). */
#ifndef SS_PORT_PACKET_H
#define SS_PORT_PACKET_H

#include <net/if.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "core/internal.h"

#define SS_TX_SLOTS 64u
#define SS_BIG_FRAME 65600u

typedef struct ss_tx_slot {
    uint8_t *own; /* headers, and payloads that would not stay */
    uint32_t capacity;
} ss_tx_slot;

typedef struct ss_packet_port {
    ss_port port;
    char name[IFNAMSIZ];
    int fd, index; /* fd -1: the interface is gone */
    uint32_t frame_limit; /* the longest frame its MTU allows */
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

uint32_t ss_packet_receive(ss_port *port, ss_frame *frames, uint32_t most);
void ss_packet_release(ss_port *port);
void ss_packet_send(ss_port *port, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload, uint32_t payload_bytes,
                    bool stable);
void ss_packet_flush(ss_port *port);
bool ss_complete_checksum(uint8_t *frame, uint32_t length); /* false: no TCP or UDP in it */

#endif
