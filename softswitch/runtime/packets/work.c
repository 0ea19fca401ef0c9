#include "packets/work.h"

#include <time.h>

#include "core/clock.h"

#define UNTIMED 16u /* most batches have no more, and pay nothing */

static uint64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * SS_SECOND + (uint64_t)now.tv_nsec;
}

/* Processor time costs a system call: it is asked for only when that much time has passed at all. */
bool ss_work_exceeded(ss_switch *sw)
{
    ss_work *work = &sw->work;
    if (work->passes < UNTIMED) {
        work->passes++;
        return false;
    }
    uint64_t now = ss_clock_ns();
    if (work->passes == UNTIMED) {
        work->passes++;
        work->began_ns = processor_ns();
        work->check_ns = now + SS_WORK_NS;
    }
    if (ss_likely(now < work->check_ns))
        return false;
    uint64_t used = processor_ns() - work->began_ns;
    if (used >= SS_WORK_NS)
        return true;
    work->check_ns = now + (SS_WORK_NS - used);
    return false;
}
