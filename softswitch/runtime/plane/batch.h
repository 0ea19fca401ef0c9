/* Frames of one port go through the program. */
#ifndef SS_BATCH_H
#define SS_BATCH_H

#include "ports/port.h"

void ss_run_frames(ss_switch *sw, const ss_port *port, const ss_frame *frames, uint32_t count);
/* After they were sent: gives the frames back to the port, and counts them. */
void ss_release_frames(ss_port *port, const ss_frame *frames, uint32_t count);

#endif
