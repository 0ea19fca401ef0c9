/* Stacks that are large enough for every program that the compiler accepts (softswitch/build/stack.py). */
#ifndef SS_STACK_H
#define SS_STACK_H

#include <pthread.h>

#include "core/base.h"
#include "include/api.h"

#define SS_RUNTIME_STACK (1u << 20) /* for the runtime's own functions, above and below those of the program */
#define SS_STACK (SS_PROGRAM_STACK + SS_RUNTIME_STACK)

/* As pthread_create with a stack of SS_STACK bytes, below which is a guard page, and with all signals blocked: they are
 * for the controller's threads, whose system calls they shall interrupt. Returns an errno. */
int ss_thread_create(pthread_t *thread, void *(*run)(void *), void *argument);

/* Calls `work`, which runs packets at a safe point that the caller holds: in this thread if the rest of its stack is
 * large enough, else in another one meanwhile. Returns SS_OK, or an error if that could not be started. */
int ss_with_stack(ss_switch *sw, void (*work)(void *), void *argument);

#endif
