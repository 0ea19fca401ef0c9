/* A data-plane thread where there are several: receives from its own ports and sends side by side with the others, and
 * takes turns with them only for its packets' way through the program. */
#ifndef SS_WORKER_H
#define SS_WORKER_H

#include "core/switch.h"

void ss_worker_run(ss_switch *sw, uint32_t lane); /* until sw->stop */

#endif
