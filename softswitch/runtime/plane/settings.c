/* What a controller sets and reads of the switch as a whole. */
#include "core/clock.h"
#include "core/safe_point.h"
#include "core/wake.h"

void ss_switch_set_time(ss_switch *sw, uint64_t microseconds)
{
    ss_switch_hold(sw);
    sw->fixed_time_us = microseconds;
    ss_clock_update(sw);
    ss_switch_release(sw);
    ss_wake(sw); /* a packet that waits before egress may leave now */
}

void ss_switch_set_trace(ss_switch *sw, bool on)
{
    ss_switch_hold(sw);
    sw->tracing = on;
    ss_switch_release(sw);
}

void ss_switch_set_qdiscs(ss_switch *sw, bool on)
{
    ss_switch_hold(sw);
    sw->qdiscs = on;
    ss_switch_release(sw);
}

void ss_switch_set_packet_in(ss_switch *sw, uint32_t modes)
{
    ss_switch_hold(sw);
    sw->packet_in_modes = modes;
    ss_switch_release(sw);
}

/* Words that the data plane may be counting up: each is right, the set is of about now. */
__attribute__((no_sanitize("thread"))) static void copy_counts(const ss_switch_stats *from, ss_switch_stats *to)
{
    const volatile uint64_t *words = (const volatile uint64_t *)from;
    for (uint32_t i = 0; i < sizeof *to / sizeof *words; i++)
        ((uint64_t *)to)[i] = words[i];
}

void ss_switch_stats_read(ss_switch *sw, ss_switch_stats *out)
{
    pthread_mutex_lock(&sw->control);
    copy_counts(&sw->stats, out);
    pthread_mutex_unlock(&sw->control);
}

void ss_switch_stats_reset(ss_switch *sw)
{
    ss_switch_hold(sw);
    memset(&sw->stats, 0, sizeof sw->stats);
    ss_switch_release(sw);
}
