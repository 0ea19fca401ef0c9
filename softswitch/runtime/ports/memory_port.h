/* A port in memory: frames sent to it wait for ss_port_take. Frames enter by ss_inject and ss_submit. */
#ifndef SS_MEMORY_PORT_H
#define SS_MEMORY_PORT_H

#include "ports/port.h"

ss_port *ss_memory_port_open(ss_switch *sw, uint32_t number); /* NULL: ss_fail was called, see ss_error_code */
int64_t ss_memory_port_take(ss_port *port, void *out, uint64_t capacity);
bool ss_is_memory_port(const ss_port *port);

#endif
