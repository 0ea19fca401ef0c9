#include "core/stack.h"

#include <signal.h>

#include "core/error.h"
#include "core/safe_point.h"

int ss_thread_create(pthread_t *thread, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed)
        return failed;
    failed = pthread_attr_setstacksize(&attributes, SS_STACK);
    if (!failed) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        failed = pthread_create(thread, &attributes, run, argument);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return failed;
}

/* Whether this thread has SS_STACK bytes left. */
static bool enough_here(void)
{
    static _Thread_local uintptr_t lowest; /* address of the stack; asking costs a system call */
    if (!lowest) {
        pthread_attr_t attributes;
        void *start;
        size_t bytes;
        if (pthread_getattr_np(pthread_self(), &attributes))
            return false;
        bool known = pthread_attr_getstack(&attributes, &start, &bytes) == 0;
        pthread_attr_destroy(&attributes);
        if (!known)
            return false;
        lowest = (uintptr_t)start;
    }
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return here > lowest && here - lowest >= SS_STACK;
}

typedef struct task {
    ss_switch *sw;
    void (*work)(void *);
    void *argument;
} task;

static void *run_task(void *argument)
{
    task *given = argument;
    ss_current = given->sw;
    given->work(given->argument);
    return NULL;
}

int ss_with_stack(ss_switch *sw, void (*work)(void *), void *argument)
{
    if (ss_likely(enough_here())) {
        work(argument);
        return SS_OK;
    }
    task given = {sw, work, argument};
    pthread_t thread;
    int failed = ss_thread_create(&thread, run_task, &given);
    if (failed)
        return ss_fail(SS_SYSTEM, "a thread for the packet could not be started: %s", strerror(failed));
    pthread_join(thread, NULL);
    return SS_OK;
}
