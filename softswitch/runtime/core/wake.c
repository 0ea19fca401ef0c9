#include "core/wake.h"

#include <unistd.h>

void ss_wake(ss_switch *sw)
{
    uint64_t one = 1;
    if (write(sw->wake_fd, &one, sizeof one) < 0)
        return; /* the counter is full: it is awake already */
}
