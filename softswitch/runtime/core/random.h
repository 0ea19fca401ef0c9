/* The random numbers of programs: seeded when the switch is created, so that tests are repeatable. */
#ifndef SS_RANDOM_H
#define SS_RANDOM_H

#include "core/switch.h"

void ss_random_seed(ss_switch *sw, uint64_t seed);

#endif
