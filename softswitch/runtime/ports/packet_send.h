/* Frames to AF_PACKET: many at a time with sendmmsg, what was split before merged again (merge.h).
 *
 * A payload that was received stays where it is until the batch is sent; only headers are rewritten. */
#ifndef SS_PACKET_SEND_H
#define SS_PACKET_SEND_H

#include "ports/port.h"

struct ss_packet_port;

void ss_packet_send(ss_port *port, uint32_t lane, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                    uint32_t payload_bytes, bool stable);
void ss_packet_flush(ss_port *port, uint32_t lane);
bool ss_packet_is_slow(ss_port *port, uint32_t lane); /* 64 KiB of sent frames wait for the interface */
void ss_packet_free_lanes(struct ss_packet_port *packet);

#endif
