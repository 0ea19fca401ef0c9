/* The switch: made and freed with everything in it. */
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/queue.h"
#include "core/random.h"
#include "core/safe_point.h"
#include "packets/egress_queues.h"
#include "packets/jobs.h"
#include "packets/journal.h"
#include "packets/replication.h"
#include "packets/update_ring.h"
#include "ports/port.h"

#define PACKET_INS 8192u
#define DIGESTS 8192u
#define LOG_LINES 8192u

ss_switch *ss_switch_create(uint32_t cpu_port, uint32_t drop_port, uint64_t seed)
{
    if (cpu_port > SS_MAX_PORT || drop_port > SS_MAX_PORT) {
        ss_fail(SS_INDEX, "port numbers go up to %u", SS_MAX_PORT);
        return NULL;
    }
    ss_switch *sw = calloc(1, sizeof *sw);
    if (!sw)
        return NULL;
    ss_safe_point_init(sw);
    sw->cpu_port = cpu_port;
    sw->drop_port = drop_port;
    sw->epoch_ns = ss_clock_ns();
    sw->fixed_time_us = SS_REAL_TIME;
    ss_random_seed(sw, seed);
    sw->jobs.last = &sw->jobs.first;
    sw->deferred.last = &sw->deferred.first;
    for (uint32_t lane = 0; lane < SS_MAX_IO_THREADS; lane++)
        sw->wake_fds[lane] = -1;
    bool threads = ss_switch_set_io_threads(sw, 1) == SS_OK;
    sw->ports = calloc(SS_MAX_PORT + 1, sizeof *sw->ports);
    sw->queues[SS_PACKET_INS] = ss_queue_create(PACKET_INS);
    sw->queues[SS_DIGESTS] = ss_queue_create(DIGESTS);
    sw->queues[SS_LOG] = ss_queue_create(LOG_LINES);
    if (!sw->ports || !sw->queues[0] || !sw->queues[1] || !sw->queues[2] || !threads) {
        ss_fail(SS_NO_MEMORY, "no memory for a switch");
        ss_switch_destroy(sw);
        return NULL;
    }
    return sw;
}

void ss_switch_destroy(ss_switch *sw)
{
    ss_switch_stop(sw);
    for (uint32_t i = 0; sw->ports && i < sw->port_count; i++)
        sw->port_list[i]->ops->close(sw->port_list[i]);
    free(sw->ports);
    free(sw->port_list);
    ss_jobs_clear(&sw->jobs);
    ss_jobs_clear(&sw->deferred);
    ss_egress_free(sw);
    ss_pre_clear(sw);
    for (int i = 0; i < SS_QUEUES; i++)
        ss_queue_destroy(sw->queues[i]);
    ss_journal_free(sw->journal);
    ss_update_ring_leave(sw);
    free(sw->trace_text.bytes);
    free(sw->capture);
    for (uint32_t lane = 0; lane < SS_MAX_IO_THREADS; lane++)
        if (sw->wake_fds[lane] >= 0)
            close(sw->wake_fds[lane]);
    ss_safe_point_destroy(sw);
    free(sw);
}
