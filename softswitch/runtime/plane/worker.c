#include "plane/worker.h"

#include "core/clock.h"
#include "core/safe_point.h"
#include "core/wake.h"
#include "packets/egress_queues.h"
#include "packets/output.h"
#include "packets/traffic.h"
#include "plane/batch.h"
#include "plane/polling.h"
#include "ports/deal.h"

typedef struct worker {
    ss_switch *sw;
    uint32_t lane;
    ss_poll_set set;
    /* Of the first one, which runs the packets that wait for no frame: */
    bool deferred;
    uint64_t queued_ns; /* until the next one may leave its queue */
} worker;

/* Packets that the first thread has to run later on. */
static uint32_t put_off(const ss_switch *sw) { return sw->deferred.count + ss_egress_waiting(sw); }

static void tell_the_first(const worker *self)
{
    atomic_store(&self->sw->left_over, true);
    if (self->lane)
        ss_wake_one(self->sw, 0);
}

/* One batch of one port; returns the packets. */
static uint32_t run_port(const worker *self, ss_port *port)
{
    ss_switch *sw = self->sw;
    ss_frame frames[SS_BATCH];
    uint32_t count = port->ops->receive(port, frames, SS_BATCH);
    if (!count)
        return 0;
    ss_pipeline_enter(sw, self->lane);
    uint32_t before = put_off(sw);
    ss_run_frames(sw, port, frames, count);
    bool more = put_off(sw) > before;
    ss_pipeline_leave(sw);
    ss_flush_lane(sw, self->lane);
    ss_release_frames(port, frames, count);
    if (ss_unlikely(more))
        tell_the_first(self);
    return count;
}

static void run_put_off(worker *self)
{
    ss_switch *sw = self->sw;
    ss_pipeline_enter(sw, self->lane);
    atomic_store(&sw->left_over, false);
    ss_clock_update(sw);
    ss_resume_deferred(sw);
    ss_resume_queued(sw, false);
    self->deferred = sw->deferred.first != NULL;
    self->queued_ns = ss_egress_wait_ns(sw);
    ss_pipeline_leave(sw);
    ss_flush_lane(sw, self->lane);
}

static bool anything_put_off(const worker *self)
{
    return self->lane == 0 && (self->deferred || self->queued_ns != UINT64_MAX || atomic_load(&self->sw->left_over));
}

/* One round over the thread's ports. */
static uint32_t run_round(worker *self)
{
    ss_switch *sw = self->sw;
    uint32_t packets = 0;
    ss_batch_enter(sw);
    if (ss_unlikely(anything_put_off(self)))
        run_put_off(self);
    for (uint32_t i = 0; i < sw->port_count; i++) {
        if (sw->port_list[i]->receiver != self->lane)
            continue;
        packets += run_port(self, sw->port_list[i]);
        if (ss_unlikely(atomic_load_explicit(&sw->waiting, memory_order_relaxed))) {
            ss_batch_leave(sw);
            ss_batch_enter(sw);
        }
    }
    ss_poll_build(sw, &self->set, self->lane);
    ss_batch_leave(sw);
    return packets;
}

/* The first thread checks the ports from time to time, any thread does when an interface had an error. */
static bool check_is_due(const worker *self)
{
    uint64_t next = atomic_load(&self->sw->next_check_ns);
    return next == 0 || (self->lane == 0 && ss_clock_ns() >= next);
}

static void check(const worker *self)
{
    ss_switch *sw = self->sw;
    ss_plane_exclude(sw);
    uint32_t before = sw->port_version;
    if (check_is_due(self)) { /* still */
        ss_ports_check(sw);
        ss_deal_by_load(sw);
    }
    bool changed = sw->port_version != before;
    ss_plane_admit(sw);
    if (changed)
        ss_wake(sw); /* to sleep by the new ports */
}

static void sleep_until_work(const worker *self)
{
    ss_switch *sw = self->sw;
    uint64_t wait = SS_CHECK_NS;
    if (self->lane == 0) {
        uint64_t now = ss_clock_ns(), next = atomic_load(&sw->next_check_ns);
        wait = next > now ? next - now : 0;
        if (self->deferred && wait > SS_DEFERRED_NS)
            wait = SS_DEFERRED_NS;
        if (wait > self->queued_ns)
            wait = self->queued_ns;
        if (atomic_load(&sw->left_over))
            wait = 0;
    }
    ss_poll_sleep(sw, &self->set, wait);
}

void ss_worker_run(ss_switch *sw, uint32_t lane)
{
    worker self = {.sw = sw, .lane = lane, .queued_ns = UINT64_MAX};
    while (!atomic_load(&sw->stop)) {
        if (check_is_due(&self))
            check(&self);
        if (!run_round(&self))
            sleep_until_work(&self);
    }
    free(self.set.fds);
}
