/* Wakes the data-plane thread from its sleep. */
#ifndef SS_WAKE_H
#define SS_WAKE_H

#include "core/switch.h"

void ss_wake(ss_switch *sw);

#endif
