/* Queues between ingress and egress, one for each port and priority, as simple_switch has them: a packet of a queue
 * with a rate leaves no sooner than 1 / rate after the one before it, none leaves while its port is slow, and one that
 * finds `depth` others waiting is dropped.
 *
 * There are no queues until a depth or a rate is set; then a packet that need not wait goes on without being copied.
 * The highest priority of a port goes first. */
#ifndef SS_EGRESS_QUEUES_H
#define SS_EGRESS_QUEUES_H

#include "core/switch.h"

enum ss_admission { SS_GOES_ON, SS_WAITS, SS_FULL_QUEUE, SS_NO_QUEUE };

/* Whether a packet for a port must wait; then `*send_ns` is the earliest time at which it leaves, and `*depth` the
 * number of packets before it. */
enum ss_admission ss_egress_admit(ss_switch *sw, uint32_t port, uint32_t priority, uint64_t *send_ns, uint32_t *depth);

/* Puts a packet into the queue of its port and priority; false: all queues together take too much memory. */
bool ss_egress_push(ss_switch *sw, ss_job *job);

/* The next packet that may leave (`all`: the next packet, due or not), with the depth of the queue behind it. NULL:
 * none. */
ss_job *ss_egress_pop(ss_switch *sw, bool all);

uint32_t ss_egress_waiting(const ss_switch *sw);
uint64_t ss_egress_wait_ns(const ss_switch *sw); /* until the next one may leave, perhaps; UINT64_MAX: none waits */
void ss_egress_free(ss_switch *sw);

#endif
