/* The trace of a packet: a textual account of what happens to it, as one message of the log queue. */
#ifndef SS_TRACE_H
#define SS_TRACE_H

#include "core/switch.h"

void ss_trace_begin(ss_switch *sw, ss_packet *packet);
void ss_trace_end(ss_switch *sw); /* delivers the text since ss_trace_begin of the outermost pass */

#endif
