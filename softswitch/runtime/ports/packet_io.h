/* Frames through AF_PACKET: read in place from the kernel's ring (TPACKET_V2), sent many at a time with sendmmsg.
 *
 * A payload that was received stays in the ring until the batch is sent; only headers are rewritten. */
#ifndef SS_PACKET_IO_H
#define SS_PACKET_IO_H

#include "ports/port.h"

bool ss_packet_nearly_full(ss_port *port);
uint32_t ss_packet_receive(ss_port *port, ss_frame *frames, uint32_t max_frames);
void ss_packet_release(ss_port *port);
void ss_packet_send(ss_port *port, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                    uint32_t payload_bytes, bool stable);
void ss_packet_flush(ss_port *port);

#endif
