/* Where a finished frame goes: a port, the packet-in queue, or the caller that injected it. */
#ifndef SS_OUTPUT_H
#define SS_OUTPUT_H

#include "core/switch.h"

/* Sends header + payload out of a port number. `stable`: the payload stays valid until the end of the batch. */
void ss_output(ss_switch *sw, uint32_t port, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
               uint32_t payload_bytes, bool stable);
void ss_flush(ss_switch *sw); /* the end of what was sent at the safe point, or by the only data-plane thread */
void ss_flush_lane(ss_switch *sw, uint32_t lane); /* the end of a batch of one of several: outside of the pipeline */

#endif
