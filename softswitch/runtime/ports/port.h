/* A port: the one interface between the data plane and whatever carries frames. Other kinds of port implement another
 * ss_port_ops. */
#ifndef SS_PORT_H
#define SS_PORT_H

#include "core/switch.h"

struct ss_frame { /* borrowed from the port until `release` */
    const uint8_t *data;
    uint32_t length;
    uint32_t payload_at;  /* in a segment of a super-frame: offset of the TCP or UDP payload; else 0 */
    uint32_t payload_sum; /* its ss_sum (checksum.h) */
};

typedef struct ss_port_ops {
    /* Frames that have arrived, at most `max_frames`; valid until release. */
    uint32_t (*receive)(ss_port *port, ss_frame *frames, uint32_t max_frames);
    void (*release)(ss_port *port);
    /* Takes one frame for sending. `stable`: the payload stays valid until flush; otherwise it is copied. */
    void (*send)(ss_port *port, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                 uint32_t payload_bytes, bool stable);
    void (*flush)(ss_port *port);
    int (*poll_fd)(ss_port *port); /* readable when frames wait; -1: never */
    /* Called from time to time: reopens an interface that reappeared, notes its link state; true when the port's state
     * changed. */
    bool (*check)(ss_port *port);
    void (*collect)(ss_port *port); /* brings counters that live elsewhere into port->stats */
    bool (*nearly_full)(
        ss_port *port);             /* three quarters of the room for arrived frames is taken; also while it is held */
    bool (*is_slow)(ss_port *port); /* so much of what was sent has not left yet that more had better wait */
    void (*close)(ss_port *port);   /* frees the port */
} ss_port_ops;

struct ss_port {
    const ss_port_ops *ops;
    ss_switch *sw;
    uint32_t number;
    bool up, dirty;
    ss_port *next_dirty;
    ss_port_stats stats;
};

/* The port of that number, NULL if there is none. */
static inline ss_port *ss_port_at(const ss_switch *sw, uint64_t number)
{
    return number <= SS_MAX_PORT ? sw->ports[number] : NULL;
}

#endif
