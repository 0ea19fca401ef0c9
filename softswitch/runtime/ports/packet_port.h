/* AF_PACKET ports: opened on an interface; monitored; reopened when the interface reappears; closed. */
#ifndef SS_PACKET_PORT_H
#define SS_PACKET_PORT_H

#include "ports/port.h"

/* NULL: ss_fail was called, see ss_error_code */
ss_port *ss_packet_port_open(ss_switch *sw, uint32_t number, const char *name, uint32_t ring_frames, bool offloads);
const char *ss_packet_port_name(const ss_port *port); /* of the interface; NULL for another kind of port */

#endif
