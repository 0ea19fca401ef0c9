/* The switch, and its lock: how controllers and the data plane take turns.
 *
 * The data-plane thread holds `plane` while it runs a batch and looks at `waiting` in between; that moment is the safe point. A
 * controller that wants in sets `waiting`, and the thread lets it in after the batch (SS_BATCH packets at most). Mutexes are not
 * fair, so two rules keep either side from starving the other: the thread waits while a controller is in; and once it has waited
 * for HOLD_SLICE_NS, the next controller waits until one batch is done (`plane_turn`). `control` keeps controllers apart. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/internal.h"

#define HOLD_SLICE_NS 200000u
#define PACKET_INS 8192u
#define DIGESTS 8192u
#define LOG_LINES 8192u

static void mix_seed(uint64_t *state, uint64_t seed)
{
    for (int i = 0; i < 2; i++) { /* splitmix64 */
        seed += 0x9e3779b97f4a7c15ull;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        state[i] = z ^ z >> 31;
    }
}

ss_switch *ss_switch_create(uint32_t cpu_port, uint32_t drop_port, uint64_t seed)
{
    if (cpu_port >= SS_PORTS) {
        ss_fail(SS_INDEX, "port numbers go up to %u", SS_PORTS - 1);
        return NULL;
    }
    ss_switch *sw = calloc(1, sizeof *sw);
    if (!sw)
        return NULL;
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&sw->control, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_mutex_init(&sw->plane, NULL);
    pthread_cond_init(&sw->resume, NULL);
    pthread_cond_init(&sw->turn_over, NULL);
    sw->cpu_port = cpu_port;
    sw->drop_port = drop_port;
    sw->epoch_ns = ss_clock_ns();
    sw->fixed_time_us = UINT64_MAX;
    mix_seed(sw->random, seed);
    sw->jobs.last = &sw->jobs.first;
    sw->deferred.last = &sw->deferred.first;
    sw->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sw->ports = calloc(SS_PORTS, sizeof *sw->ports);
    sw->scratch = malloc(SS_MAX_FRAME);
    sw->queues[SS_PACKET_INS] = ss_queue_create(PACKET_INS);
    sw->queues[SS_DIGESTS] = ss_queue_create(DIGESTS);
    sw->queues[SS_LOG] = ss_queue_create(LOG_LINES);
    if (!sw->ports || !sw->scratch || !sw->queues[0] || !sw->queues[1] || !sw->queues[2] || sw->wake_fd < 0) {
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
    ss_pre_clear(sw);
    for (int i = 0; i < SS_QUEUES; i++)
        ss_queue_destroy(sw->queues[i]);
    ss_journal_free(sw->journal);
    free(sw->trace_text.bytes);
    free(sw->capture);
    free(sw->scratch);
    if (sw->wake_fd >= 0)
        close(sw->wake_fd);
    pthread_cond_destroy(&sw->resume);
    pthread_cond_destroy(&sw->turn_over);
    pthread_mutex_destroy(&sw->plane);
    pthread_mutex_destroy(&sw->control);
    if (ss_current == sw)
        ss_current = NULL;
    free(sw);
}

void ss_switch_hold(ss_switch *sw)
{
    pthread_mutex_lock(&sw->control);
    if (sw->hold_depth++)
        return;
    atomic_store(&sw->waiting, true);
    pthread_mutex_lock(&sw->plane);
    while (sw->plane_turn)
        pthread_cond_wait(&sw->turn_over, &sw->plane);
    sw->hold_began = ss_clock_ns();
    ss_current = sw;
}

void ss_switch_release(ss_switch *sw)
{
    if (--sw->hold_depth == 0) {
        uint64_t now = ss_clock_ns(), held = now - sw->hold_began;
        sw->stats.holds++;
        sw->stats.held_ns += held;
        if (held > sw->stats.longest_hold_ns)
            sw->stats.longest_hold_ns = held;
        atomic_store(&sw->waiting, false);
        if (atomic_load(&sw->parked)) {
            if (now - atomic_load(&sw->parked_since) > HOLD_SLICE_NS)
                sw->plane_turn = true;
            pthread_cond_signal(&sw->resume);
        }
        pthread_mutex_unlock(&sw->plane);
    }
    pthread_mutex_unlock(&sw->control);
}

void ss_plane_enter(ss_switch *sw)
{
    atomic_store(&sw->parked_since, ss_clock_ns());
    atomic_store(&sw->parked, true);
    pthread_mutex_lock(&sw->plane);
    while (atomic_load(&sw->waiting) && !sw->plane_turn)
        pthread_cond_wait(&sw->resume, &sw->plane);
    atomic_store(&sw->parked, false);
}

void ss_plane_leave(ss_switch *sw)
{
    if (sw->plane_turn) { /* the turn was this batch */
        sw->plane_turn = false;
        pthread_cond_signal(&sw->turn_over);
    }
    pthread_mutex_unlock(&sw->plane);
}

/* A saved pipeline that no packet sees only needs controllers kept apart: loading it never stops traffic. */
void ss_instance_lock(ss_instance *instance)
{
    pthread_mutex_lock(&instance->sw->control);
    if (instance->sw->active == instance)
        ss_switch_hold(instance->sw);
}

void ss_instance_unlock(ss_instance *instance)
{
    if (instance->sw->active == instance)
        ss_switch_release(instance->sw);
    pthread_mutex_unlock(&instance->sw->control);
}

void ss_switch_set_packet_in(ss_switch *sw, uint32_t modes)
{
    ss_switch_hold(sw);
    sw->packet_in_modes = modes;
    ss_switch_release(sw);
}

void ss_switch_stats_read(ss_switch *sw, ss_switch_stats *out)
{
    pthread_mutex_lock(&sw->control);
    *out = sw->stats; /* words that the data plane may be counting up: each is right, the set is of about now */
    pthread_mutex_unlock(&sw->control);
}

void ss_switch_stats_reset(ss_switch *sw)
{
    ss_switch_hold(sw);
    memset(&sw->stats, 0, sizeof sw->stats);
    ss_switch_release(sw);
}
