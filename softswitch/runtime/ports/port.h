/* A port: the one interface between the data plane and whatever carries frames. Other kinds of port implement another
 * ss_port_ops. */
#ifndef SS_PORT_H
#define SS_PORT_H

#include "core/order.h"
#include "core/switch.h"

struct ss_frame { /* borrowed from the port until `release` */
    const uint8_t *data;
    uint32_t length;
    uint32_t payload_at;  /* in a segment of a super-frame: offset of the TCP or UDP payload; else 0 */
    uint32_t payload_sum; /* its ss_sum (checksum.h) */
};

/* Receiving is done by one thread at a time, whatever the others do. A `lane` is a data-plane thread's number: what it
 * sends is collected apart from what others send, under the pipeline's lock, and flushed outside of it, by one thread
 * at a time (core/order.h). The rest is called at the safe point. */
typedef struct ss_port_ops {
    /* Frames that have arrived, at most `max_frames`; valid until release. */
    uint32_t (*receive)(ss_port *port, ss_frame *frames, uint32_t max_frames);
    void (*release)(ss_port *port);
    /* Takes one frame for sending. `stable`: the payload stays valid until flush; otherwise it is copied. */
    void (*send)(ss_port *port, uint32_t lane, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                 uint32_t payload_bytes, bool stable);
    void (*flush)(ss_port *port, uint32_t lane);
    int (*poll_fd)(ss_port *port); /* readable when frames wait; -1: never */
    /* Called from time to time: reopens an interface that reappeared, notes its link state; true when the port's state
     * changed. */
    bool (*check)(ss_port *port);
    void (*collect)(ss_port *port); /* brings counters that live elsewhere into port->stats */
    bool (*nearly_full)(
        ss_port *port); /* three quarters of the room for arrived frames is taken; also while it is held */
    /* So much of what was sent has not left yet that more had better wait. With the pipeline, as `send`; may flush. */
    bool (*is_slow)(ss_port *port, uint32_t lane);
    void (*close)(ss_port *port); /* frees the port */
} ss_port_ops;

typedef struct ss_port_lane {
    bool dirty; /* has frames to flush */
    ss_port *next_dirty;
    uint64_t place; /* of these frames in the order */
} ss_port_lane;

struct ss_port {
    const ss_port_ops *ops;
    ss_switch *sw;
    uint32_t number;
    bool up;
    uint32_t receiver;    /* the lane of the thread that receives its frames */
    uint64_t load, dealt; /* ports/deal.c: frames of late, and before that */
    ss_port_lane lanes[SS_MAX_IO_THREADS];
    ss_order order;
    ss_port_stats stats; /* rx_*: by the receiver; tx_*: by whose turn it is to send */
};

/* Adds an open port under its number, or closes it and fails: SS_EXISTS, SS_NO_MEMORY. In ports.c. */
int ss_ports_add(ss_switch *sw, ss_port *port);

/* The port of that number, NULL if there is none. */
static inline ss_port *ss_port_at(const ss_switch *sw, uint64_t number)
{
    return number <= SS_MAX_PORT ? sw->ports[number] : NULL;
}

#endif
