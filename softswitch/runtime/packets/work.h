/* How long the passes of packets that multiply may keep everybody else waiting: a bound for each batch.
 *
 * Their number is bounded (traffic.c), but not what one of them costs: headers and metadata can be large, loops long,
 * what is emitted megabytes. Time is that of the thread's processor, so a busy machine drops nothing. */
#ifndef SS_WORK_H
#define SS_WORK_H

#include "core/switch.h"

#define SS_WORK_NS 1000000000ull

static inline void ss_work_begin(ss_switch *sw) { sw->work.passes = 0; }

/* Before a pass beyond a packet's first: whether the batch has had its time. */
bool ss_work_exceeded(ss_switch *sw);

#endif
