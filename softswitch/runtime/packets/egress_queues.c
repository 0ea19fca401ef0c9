#include "packets/egress_queues.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/safe_point.h"
#include "packets/jobs.h"
#include "ports/port.h"

#define MAX_WAITING_BYTES (256ull << 20) /* in all queues together */
#define MAX_RATE 1000000000u             /* a packet a nanosecond */
#define SLOW_PORT_NS 200000              /* how often a slow port is looked at */

typedef struct egress_queue {
    ss_jobs jobs;
    uint64_t depth, delay_ns;
    uint64_t last_ns; /* when the last admitted packet leaves */
    bool used;        /* a packet was admitted before */
} egress_queue;

struct ss_egress {
    egress_queue queues[SS_MAX_PORT + 1][SS_PRIORITIES];
    uint32_t waiting[SS_MAX_PORT + 1]; /* by port */
    uint16_t busy[SS_MAX_PORT + 1];    /* the ports where any waits, in no order */
    uint32_t busy_count, count, priorities;
    uint64_t bytes;
};

static uint64_t delay_of(uint64_t rate) { return rate ? SS_SECOND / rate : 0; }

static struct ss_egress *new_queues(void)
{
    struct ss_egress *made = calloc(1, sizeof *made);
    if (made)
        made->priorities = SS_PRIORITIES;
    for (uint32_t port = 0; made && port <= SS_MAX_PORT; port++)
        for (uint32_t priority = 0; priority < SS_PRIORITIES; priority++) {
            egress_queue *queue = &made->queues[port][priority];
            queue->jobs.last = &queue->jobs.first;
            queue->depth = SS_DEFAULT_DEPTH;
        }
    return made;
}

/* Sets the depth or rate of the selected queues. */
static int configure(ss_switch *sw, uint32_t port, uint32_t priority, uint64_t number, bool is_rate)
{
    uint32_t priorities = sw->egress ? sw->egress->priorities : SS_PRIORITIES;
    if ((port > SS_MAX_PORT && port != SS_ALL_QUEUES) || (priority >= priorities && priority != SS_ALL_QUEUES))
        return ss_fail(SS_INDEX, "there is no queue of port %u and priority %u", port, priority);
    if (is_rate && number > MAX_RATE)
        return ss_fail(SS_INVALID, "a queue's rate is at most %u packets a second", MAX_RATE);
    ss_switch_hold(sw);
    if (!sw->egress)
        sw->egress = new_queues();
    struct ss_egress *egress = sw->egress;
    for (uint32_t i = 0; egress && i <= SS_MAX_PORT; i++)
        for (uint32_t j = 0; j < SS_PRIORITIES; j++) {
            if ((port != SS_ALL_QUEUES && port != i) || (priority != SS_ALL_QUEUES && priority != j))
                continue;
            if (is_rate)
                egress->queues[i][j].delay_ns = delay_of(number);
            else
                egress->queues[i][j].depth = number;
        }
    ss_switch_release(sw);
    return egress ? SS_OK : ss_fail(SS_NO_MEMORY, "no memory for queues");
}

int ss_egress_set_depth(ss_switch *sw, uint32_t port, uint32_t priority, uint64_t packets)
{
    return configure(sw, port, priority, packets, false);
}

int ss_egress_set_rate(ss_switch *sw, uint32_t port, uint32_t priority, uint64_t per_second)
{
    return configure(sw, port, priority, per_second, true);
}

int ss_egress_set_priorities(ss_switch *sw, uint32_t count)
{
    if (count < 1 || count > SS_PRIORITIES)
        return ss_fail(SS_INVALID, "a port has from 1 to %u queues, not %u", SS_PRIORITIES, count);
    ss_switch_hold(sw);
    if (!sw->egress)
        sw->egress = new_queues();
    if (sw->egress)
        sw->egress->priorities = count; /* what waits in others still leaves */
    bool made = sw->egress != NULL;
    ss_switch_release(sw);
    return made ? SS_OK : ss_fail(SS_NO_MEMORY, "no memory for queues");
}

static bool is_slow(const ss_switch *sw, uint32_t number)
{
    ss_port *port = ss_port_at(sw, number);
    return port && port->ops->is_slow(port, sw->lane);
}

enum ss_admission ss_egress_admit(ss_switch *sw, uint32_t port, uint32_t priority, uint64_t *send_ns, uint32_t *depth)
{
    if (priority >= sw->egress->priorities)
        return SS_NO_QUEUE;
    egress_queue *queue = &sw->egress->queues[port][priority];
    uint64_t now = sw->now_ns, next = queue->used ? queue->last_ns + queue->delay_ns : 0;
    if (queue->jobs.count >= queue->depth)
        return SS_FULL_QUEUE;
    *send_ns = queue->last_ns = next > now ? next : now;
    *depth = queue->jobs.count;
    queue->used = true;
    return *send_ns > now || queue->jobs.count || is_slow(sw, port) ? SS_WAITS : SS_GOES_ON;
}

bool ss_egress_push(ss_switch *sw, ss_job *job)
{
    struct ss_egress *egress = sw->egress;
    if (egress->bytes + job->bytes > MAX_WAITING_BYTES)
        return false;
    ss_jobs_push(&egress->queues[job->port][job->priority].jobs, job);
    egress->bytes += job->bytes;
    egress->count++;
    if (!egress->waiting[job->port]++)
        egress->busy[egress->busy_count++] = (uint16_t)job->port;
    return true;
}

static ss_job *take(struct ss_egress *egress, uint32_t at, egress_queue *queue)
{
    ss_job *job = ss_jobs_pop(&queue->jobs);
    job->depth_behind = queue->jobs.count;
    egress->bytes -= job->bytes;
    egress->count--;
    if (!--egress->waiting[job->port])
        egress->busy[at] = egress->busy[--egress->busy_count];
    return job;
}

ss_job *ss_egress_pop(ss_switch *sw, bool all)
{
    struct ss_egress *egress = sw->egress;
    for (uint32_t at = 0; at < egress->busy_count; at++) {
        if (!all && is_slow(sw, egress->busy[at]))
            continue;
        for (uint32_t priority = SS_PRIORITIES; priority-- > 0;) {
            egress_queue *queue = &egress->queues[egress->busy[at]][priority];
            if (queue->jobs.first && (all || queue->jobs.first->send_ns <= sw->now_ns))
                return take(egress, at, queue);
        }
    }
    return NULL;
}

uint32_t ss_egress_waiting(const ss_switch *sw) { return sw->egress ? sw->egress->count : 0; }

uint64_t ss_egress_wait_ns(const ss_switch *sw)
{
    const struct ss_egress *egress = sw->egress;
    uint64_t next = UINT64_MAX;
    for (uint32_t at = 0; egress && at < egress->busy_count; at++) {
        uint64_t free_ns = is_slow(sw, egress->busy[at]) ? sw->now_ns + SLOW_PORT_NS : 0;
        for (uint32_t priority = 0; priority < SS_PRIORITIES; priority++) {
            const ss_job *job = egress->queues[egress->busy[at]][priority].jobs.first;
            if (!job)
                continue;
            uint64_t leaves_ns = job->send_ns > free_ns ? job->send_ns : free_ns;
            next = leaves_ns < next ? leaves_ns : next;
        }
    }
    if (next == UINT64_MAX || next <= sw->now_ns)
        return next == UINT64_MAX ? next : 0;
    return sw->fixed_time_us == SS_REAL_TIME ? next - sw->now_ns : UINT64_MAX; /* else setting the time wakes us */
}

void ss_egress_free(ss_switch *sw)
{
    for (ss_job *job; sw->egress && (job = ss_egress_pop(sw, true));)
        free(job);
    free(sw->egress);
    sw->egress = NULL;
}
