/* Frames from AF_PACKET: read in place from the kernel's ring (TPACKET_V2), super-frames split (split.h). */
#ifndef SS_PACKET_RECEIVE_H
#define SS_PACKET_RECEIVE_H

#include "ports/port.h"

bool ss_packet_nearly_full(ss_port *port);
uint32_t ss_packet_receive(ss_port *port, ss_frame *frames, uint32_t max_frames);
void ss_packet_release(ss_port *port);

#endif
