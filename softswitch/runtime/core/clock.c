#include "core/clock.h"

#include <time.h>

uint64_t ss_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SS_SECOND + (uint64_t)now.tv_nsec;
}

void ss_clock_update(ss_switch *sw)
{
    sw->now_ns = sw->fixed_time_us != SS_REAL_TIME ? sw->fixed_time_us * 1000 : ss_clock_ns() - sw->epoch_ns;
}

uint64_t ss_switch_time(ss_switch *sw)
{
    uint64_t fixed = sw->fixed_time_us;
    return fixed != SS_REAL_TIME ? fixed : (ss_clock_ns() - sw->epoch_ns) / 1000;
}
