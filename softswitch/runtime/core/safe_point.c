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
    pthread_cond_init(&sw->resume, NULL);
    pthread_cond_init(&sw->turn_over, NULL);
}

void ss_safe_point_destroy(ss_switch *sw)
{
    pthread_cond_destroy(&sw->resume);
    pthread_cond_destroy(&sw->turn_over);
    pthread_mutex_destroy(&sw->plane);
    pthread_mutex_destroy(&sw->control);
    if (ss_current == sw)
        ss_current = NULL;
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
