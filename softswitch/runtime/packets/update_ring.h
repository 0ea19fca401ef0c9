/* The update ring: updates of state for a controller on this machine, written to memory that it has mapped.
 *
 * A clone that carries updates costs a second parse, a pass through egress, a deparse and a frame. A ring gets the same
 * updates straight from the metadata that the clone would preserve. The switch never reads that memory, and nobody else
 * can write to it: a reader that is slow, dead or hostile changes nothing here. It is overwritten, the oldest record
 * first, so a reader finds out by the count of all records how many it has missed. */
#ifndef SS_UPDATE_RING_H
#define SS_UPDATE_RING_H

#include "core/switch.h"
#include "packets/replication.h"

/* Writes the updates of a packet that asked for a clone to `session`, if the ring is for that program and session.
 * Returns the replicas that are left to be made (valid until the next clone of that pass), NULL:
 * none. */
const ss_replicas *ss_update_ring_take(ss_switch *sw, const ss_instance *instance, ss_packet *packet,
                                       const ss_replicas *session, bool egress);
void ss_update_ring_leave(ss_switch *sw); /* the switch is freed before the ring */

#endif
