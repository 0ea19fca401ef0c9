/* What happens to a packet between the generated parts of a program: v1model's order, as simple_switch does it.
 *
 * After ingress: clone, digest, then the first that applies of resubmit, multicast, drop, unicast. After egress: clone,
 * drop, recirculate, send. Clones of egress, resubmitted and recirculated packets go to a queue that is emptied before
 * the next packet. A packet that keeps coming back is deferred to the next batch after PASSES_AT_ONCE turns so it
 * cannot starve others; for injected packets, and for clones of clones, MAX_PASSES is the end. Where passes are slow,
 * the time that a batch may take ends them (work.h). */
#ifndef SS_TRAFFIC_H
#define SS_TRAFFIC_H

#include "core/switch.h"

void ss_receive(ss_switch *sw, uint32_t port, const uint8_t *data, uint32_t length);
void ss_resume_deferred(ss_switch *sw);         /* runs what earlier batches deferred */
void ss_resume_queued(ss_switch *sw, bool all); /* runs egress of some packets whose time has come, or of all */

#endif
