/* Time and chance: both can be set, so that tests repeat. */
#include <time.h>

#include "core/internal.h"

_Thread_local ss_switch *ss_current;

uint64_t ss_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SS_SECOND + (uint64_t)now.tv_nsec;
}

void ss_clock_update(ss_switch *sw)
{
    sw->now_ns = sw->fixed_time_us != UINT64_MAX ? sw->fixed_time_us * 1000 : ss_clock_ns() - sw->epoch_ns;
}

void ss_switch_set_time(ss_switch *sw, uint64_t microseconds)
{
    ss_switch_hold(sw);
    sw->fixed_time_us = microseconds;
    ss_clock_update(sw);
    ss_switch_release(sw);
}

uint64_t ss_switch_time(ss_switch *sw)
{
    uint64_t fixed = sw->fixed_time_us;
    return fixed != UINT64_MAX ? fixed : (ss_clock_ns() - sw->epoch_ns) / 1000;
}

/* xorshift128+: two words of state, seeded by ss_switch_create. */
uint64_t ss_random_next(ss_switch *sw)
{
    uint64_t a = sw->random[0], b = sw->random[1];
    sw->random[0] = b;
    a ^= a << 23;
    a ^= a >> 18 ^ b ^ b >> 5;
    sw->random[1] = a;
    return a + b;
}

uint64_t ss_random(uint64_t low, uint64_t high)
{
    if (high <= low)
        return low;
    uint64_t span = high - low + 1, value = ss_random_next(ss_current);
    if (!span)
        return value;
    return low + (uint64_t)((unsigned __int128)value * span >> 64);
}
