/* The data-plane thread: takes a batch from each port in turn, runs it, sends the resulting frames, and sleeps when
 * idle. */
#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/safe_point.h"
#include "core/stack.h"
#include "core/wake.h"
#include "packets/egress_queues.h"
#include "packets/output.h"
#include "packets/traffic.h"
#include "ports/port.h"

#define CHECK_NS (200 * 1000000ull) /* how often ports are checked */
#define NICE (-10)                  /* packets go before the programs that control them; needs root, else as it is */
#define DEFERRED_NS 50000           /* the longest sleep while packets go round */

/* One batch of one port; returns the packets. */
static uint32_t run_port(ss_switch *sw, ss_port *port)
{
    ss_frame frames[SS_BATCH];
    uint32_t count = port->ops->receive(port, frames, SS_BATCH);
    if (!count)
        return 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        ss_clock_update(sw);
        bytes += frames[i].length;
        sw->received = &frames[i];
        ss_receive(sw, port->number, frames[i].data, frames[i].length);
    }
    sw->received = NULL;
    ss_flush(sw);
    port->ops->release(port);
    port->stats.rx_packets += count;
    port->stats.rx_bytes += bytes;
    sw->stats.batches++;
    return count;
}

static void check_ports(ss_switch *sw)
{
    for (uint32_t i = 0; i < sw->port_count; i++)
        if (sw->port_list[i]->ops->check(sw->port_list[i]))
            sw->port_version++;
    sw->next_check_ns = ss_clock_ns() + CHECK_NS;
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

typedef struct poll_set {
    struct pollfd *fds;
    uint32_t count, capacity;
} poll_set;

static void build_poll_set(ss_switch *sw, poll_set *set)
{
    if (set->capacity < sw->port_count + 1) {
        struct pollfd *fds = realloc(set->fds, (sw->port_count + 1) * sizeof *fds);
        if (!fds)
            return; /* the old set, and a look every CHECK_NS */
        set->fds = fds;
        set->capacity = sw->port_count + 1;
    }
    set->count = 0;
    set->fds[set->count++] = (struct pollfd){sw->wake_fd, POLLIN, 0};
    for (uint32_t i = 0; i < sw->port_count; i++) {
        int fd = sw->port_list[i]->ops->poll_fd(sw->port_list[i]);
        if (fd >= 0)
            set->fds[set->count++] = (struct pollfd){fd, POLLIN, 0};
    }
    sw->seen_version = sw->port_version;
}

static void sleep_until_work(ss_switch *sw, poll_set *set, bool deferred, uint64_t queued_ns)
{
    uint64_t now = ss_clock_ns(), wait = sw->next_check_ns > now ? sw->next_check_ns - now : 0;
    if (deferred && wait > DEFERRED_NS)
        wait = DEFERRED_NS;
    if (wait > queued_ns)
        wait = queued_ns;
    struct timespec timeout = {(time_t)(wait / SS_SECOND), (long)(wait % SS_SECOND)};
    if (ppoll(set->fds, set->count, &timeout, NULL) <= 0)
        return;
    if (set->fds[0].revents & POLLIN) {
        uint64_t count;
        if (read(sw->wake_fd, &count, sizeof count) < 0)
            return;
    }
    for (uint32_t i = 1; i < set->count; i++)
        if (set->fds[i].revents & (POLLERR | POLLHUP | POLLNVAL))
            sw->next_check_ns = 0; /* an interface went down or away */
}

static void *run(void *argument)
{
    ss_switch *sw = argument;
    poll_set set = {0};
    ss_current = sw;
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    ss_plane_enter(sw);
    build_poll_set(sw, &set);
    while (!atomic_load(&sw->stop)) {
        if (ss_clock_ns() >= sw->next_check_ns)
            check_ports(sw);
        uint32_t packets = run_round(sw);
        if (sw->seen_version != sw->port_version)
            build_poll_set(sw, &set);
        bool deferred = sw->deferred.first != NULL;
        uint64_t queued_ns = ss_egress_wait_ns(sw);
        ss_plane_leave(sw);
        if (!packets)
            sleep_until_work(sw, &set, deferred, queued_ns);
        ss_plane_enter(sw);
    }
    ss_plane_leave(sw);
    free(set.fds);
    return NULL;
}

int ss_switch_start(ss_switch *sw)
{
    pthread_mutex_lock(&sw->control);
    int status = SS_OK;
    if (!sw->running) {
        atomic_store(&sw->stop, false);
        sw->next_check_ns = 0;
        int failed = ss_thread_create(&sw->thread, run, sw);
        if (failed)
            status = ss_fail(SS_SYSTEM, "the data-plane thread could not be started: %s", strerror(failed));
        else {
            pthread_setname_np(sw->thread, "dataplane");
            sw->running = true;
        }
    }
    pthread_mutex_unlock(&sw->control);
    return status;
}

int ss_switch_stop(ss_switch *sw)
{
    int status = SS_OK;
    pthread_mutex_lock(&sw->control);
    if (sw->hold_depth)
        status =
            ss_fail(SS_IN_USE, "the switch can't be stopped inside a safe point: its thread waits for the end of it");
    else if (sw->running) {
        atomic_store(&sw->stop, true);
        ss_wake(sw);
        pthread_join(sw->thread, NULL);
        sw->running = false;
    }
    pthread_mutex_unlock(&sw->control);
    return status;
}
