#include "core/wake.h"

#include <unistd.h>

void ss_wake_one(ss_switch *sw, uint32_t lane)
{
    uint64_t one = 1;
    if (write(sw->wake_fds[lane], &one, sizeof one) < 0)
        return; /* the counter is full: it is awake already */
}

void ss_wake(ss_switch *sw)
{
    for (uint32_t lane = 0; lane < sw->io_threads; lane++)
        ss_wake_one(sw, lane);
}
