/* The data-plane thread where there is one: takes a batch from each port in turn, runs it, sends the resulting frames,
 * and sleeps when idle. */
#ifndef SS_THREAD_H
#define SS_THREAD_H

#include "core/switch.h"

void ss_thread_run(ss_switch *sw); /* until sw->stop */

#endif
