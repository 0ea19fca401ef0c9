#include "plane/thread.h"

#include "core/clock.h"
#include "core/safe_point.h"
#include "packets/egress_queues.h"
#include "packets/output.h"
#include "packets/traffic.h"
#include "plane/batch.h"
#include "plane/polling.h"

/* One batch of one port; returns the packets. */
static uint32_t run_port(ss_switch *sw, ss_port *port)
{
    ss_frame frames[SS_BATCH];
    uint32_t count = port->ops->receive(port, frames, SS_BATCH);
    if (!count)
        return 0;
    ss_run_frames(sw, port, frames, count);
    ss_flush(sw);
    ss_release_frames(port, frames, count);
    return count;
}

/* One round over all ports; between two rounds, waiting threads get the safe point. */
static uint32_t run_round(ss_switch *sw)
{
    uint32_t packets = 0;
    if (sw->deferred.first) {
        ss_clock_update(sw);
        ss_resume_deferred(sw);
        ss_flush(sw);
    }
    if (ss_unlikely(sw->egress != NULL)) {
        ss_clock_update(sw);
        ss_resume_queued(sw, false);
        ss_flush(sw);
    }
    for (uint32_t i = 0; i < sw->port_count; i++) {
        packets += run_port(sw, sw->port_list[i]);
        if (ss_unlikely(atomic_load_explicit(&sw->waiting, memory_order_relaxed))) {
            ss_plane_leave(sw);
            ss_plane_enter(sw);
        }
    }
    return packets;
}

static void sleep_until_work(ss_switch *sw, const ss_poll_set *set, bool deferred, uint64_t queued_ns)
{
    uint64_t now = ss_clock_ns(), next = atomic_load(&sw->next_check_ns), wait = next > now ? next - now : 0;
    if (deferred && wait > SS_DEFERRED_NS)
        wait = SS_DEFERRED_NS;
    ss_poll_sleep(sw, set, wait < queued_ns ? wait : queued_ns);
}

void ss_thread_run(ss_switch *sw)
{
    ss_poll_set set = {0};
    ss_plane_enter(sw);
    while (!atomic_load(&sw->stop)) {
        if (ss_clock_ns() >= atomic_load(&sw->next_check_ns))
            ss_ports_check(sw);
        uint32_t packets = run_round(sw);
        ss_poll_build(sw, &set, 0);
        bool deferred = sw->deferred.first != NULL;
        uint64_t queued_ns = ss_egress_wait_ns(sw);
        ss_plane_leave(sw);
        if (!packets)
            sleep_until_work(sw, &set, deferred, queued_ns);
        ss_plane_enter(sw);
    }
    ss_plane_leave(sw);
    free(set.fds);
}
