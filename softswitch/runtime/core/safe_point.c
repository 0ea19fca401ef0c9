#include "core/safe_point.h"

#include "core/clock.h"

#define HOLD_SLICE_NS 200000u

_Thread_local ss_switch *ss_current;

void ss_safe_point_init(ss_switch *sw)
{
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&sw->control, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_mutex_init(&sw->plane, NULL);
    pthread_mutexattr_t short_waits; /* less than a sleep takes: some turns of a loop before it */
    pthread_mutexattr_init(&short_waits);
    pthread_mutexattr_settype(&short_waits, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&sw->pipeline, &short_waits);
    pthread_mutexattr_destroy(&short_waits);
    pthread_cond_init(&sw->resume, NULL);
    pthread_cond_init(&sw->turn_over, NULL);
}

void ss_safe_point_destroy(ss_switch *sw)
{
    pthread_cond_destroy(&sw->resume);
    pthread_cond_destroy(&sw->turn_over);
    pthread_mutex_destroy(&sw->pipeline);
    pthread_mutex_destroy(&sw->plane);
    pthread_mutex_destroy(&sw->control);
    if (ss_current == sw)
        ss_current = NULL;
}

void ss_plane_exclude(ss_switch *sw)
{
    atomic_fetch_add(&sw->waiting, 1);
    pthread_mutex_lock(&sw->plane);
    while (sw->turns || sw->busy)
        pthread_cond_wait(&sw->turn_over, &sw->plane);
}

static void admit(ss_switch *sw, uint64_t now)
{
    atomic_fetch_sub(&sw->waiting, 1);
    uint32_t parked = atomic_load(&sw->parked);
    if (parked) {
        if (now - atomic_load(&sw->parked_since) > HOLD_SLICE_NS)
            sw->turns = parked; /* each of them comes in for sure */
        pthread_cond_broadcast(&sw->resume);
    }
    pthread_mutex_unlock(&sw->plane);
}

void ss_plane_admit(ss_switch *sw) { admit(sw, ss_clock_ns()); }

void ss_switch_hold(ss_switch *sw)
{
    pthread_mutex_lock(&sw->control);
    if (sw->hold_depth++)
        return;
    ss_plane_exclude(sw);
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
        atomic_store(&sw->left_over, true); /* a packet run by hand, perhaps */
        admit(sw, now);
    }
    pthread_mutex_unlock(&sw->control);
}

/* Takes `plane` when no controller has access or wants it, or it is a thread's turn. */
static void enter(ss_switch *sw)
{
    if (!atomic_fetch_add(&sw->parked, 1))
        atomic_store(&sw->parked_since, ss_clock_ns());
    pthread_mutex_lock(&sw->plane);
    while (atomic_load(&sw->waiting) && !sw->turns)
        pthread_cond_wait(&sw->resume, &sw->plane);
    atomic_fetch_sub(&sw->parked, 1);
}

void ss_plane_enter(ss_switch *sw) { enter(sw); }

void ss_plane_leave(ss_switch *sw)
{
    if (sw->turns) { /* the turn was this batch */
        sw->turns = 0;
        pthread_cond_signal(&sw->turn_over);
    }
    pthread_mutex_unlock(&sw->plane);
}

void ss_batch_enter(ss_switch *sw)
{
    enter(sw);
    if (sw->turns)
        sw->turns--;
    sw->busy++;
    pthread_mutex_unlock(&sw->plane);
}

void ss_batch_leave(ss_switch *sw)
{
    pthread_mutex_lock(&sw->plane);
    if (!--sw->busy)
        pthread_cond_broadcast(&sw->turn_over);
    pthread_mutex_unlock(&sw->plane);
}

void ss_pipeline_enter(ss_switch *sw, uint32_t lane)
{
    pthread_mutex_lock(&sw->pipeline);
    sw->lane = lane;
}

void ss_pipeline_leave(ss_switch *sw)
{
    sw->lane = 0; /* which controllers use */
    pthread_mutex_unlock(&sw->pipeline);
}

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
