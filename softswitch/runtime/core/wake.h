/* Wakes data-plane threads from their sleep. */
#ifndef SS_WAKE_H
#define SS_WAKE_H

#include "core/switch.h"

void ss_wake(ss_switch *sw); /* all of them */
void ss_wake_one(ss_switch *sw, uint32_t lane);

#endif
