/* The data-plane threads: how many, started, stopped. */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/error.h"
#include "core/safe_point.h"
#include "core/stack.h"
#include "core/wake.h"
#include "plane/thread.h"
#include "plane/worker.h"
#include "ports/deal.h"

#define NICE (-10) /* packets go before the programs that control them; needs root, else as it is */

static void *run(void *argument)
{
    const ss_thread *thread = argument;
    ss_switch *sw = thread->sw;
    ss_current = sw;
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    if (sw->io_threads == 1)
        ss_thread_run(sw);
    else
        ss_worker_run(sw, thread->lane);
    return NULL;
}

static void join(ss_switch *sw, uint32_t count)
{
    atomic_store(&sw->stop, true);
    ss_wake(sw);
    for (uint32_t lane = 0; lane < count; lane++)
        pthread_join(sw->threads[lane].id, NULL);
}

static int create(ss_switch *sw)
{
    for (uint32_t lane = 0; lane < sw->io_threads; lane++) {
        ss_thread *thread = &sw->threads[lane];
        *thread = (ss_thread){.sw = sw, .lane = lane};
        int failed = ss_thread_create(&thread->id, run, thread);
        if (failed) {
            join(sw, lane);
            return ss_fail(SS_SYSTEM, "a data-plane thread could not be started: %s", strerror(failed));
        }
        pthread_setname_np(thread->id, "dataplane"); /* all of them: whoever counts their time adds it up */
    }
    return SS_OK;
}

int ss_switch_start(ss_switch *sw)
{
    pthread_mutex_lock(&sw->control);
    int status = SS_OK;
    if (!sw->running) {
        atomic_store(&sw->stop, false);
        atomic_store(&sw->next_check_ns, 0);
        atomic_store(&sw->left_over, true);
        status = create(sw);
        sw->running = status == SS_OK;
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
            ss_fail(SS_IN_USE, "the switch can't be stopped inside a safe point: its threads wait for the end of it");
    else if (sw->running) {
        join(sw, sw->io_threads);
        sw->running = false;
    }
    pthread_mutex_unlock(&sw->control);
    return status;
}

int ss_switch_set_io_threads(ss_switch *sw, uint32_t threads)
{
    if (!threads || threads > SS_MAX_IO_THREADS)
        return ss_fail(SS_INVALID, "packets are received and sent by 1 to %u threads, not %u", SS_MAX_IO_THREADS,
                       threads);
    int status = SS_OK;
    pthread_mutex_lock(&sw->control);
    if (sw->running)
        status = ss_fail(SS_IN_USE, "the number of threads can't change while they run");
    for (uint32_t lane = 0; lane < threads && status == SS_OK; lane++)
        if (sw->wake_fds[lane] < 0 && (sw->wake_fds[lane] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
            status = ss_fail(SS_SYSTEM, "a descriptor for a data-plane thread: %s", strerror(errno));
    if (status == SS_OK) {
        sw->io_threads = threads;
        ss_deal_evenly(sw);
    }
    pthread_mutex_unlock(&sw->control);
    return status;
}
