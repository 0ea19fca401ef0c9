/* The two clocks: the machine's, and the switch's, which tests can stop. */
#ifndef SS_CLOCK_H
#define SS_CLOCK_H

#include "core/switch.h"

#define SS_SECOND 1000000000ull

uint64_t ss_clock_ns(void);          /* CLOCK_MONOTONIC */
void ss_clock_update(ss_switch *sw); /* sets now_ns, the time of the packets that follow */

#endif
