/* The order in which data-plane threads send out of one port: that in which their batches went through the program.
 *
 * A thread takes its place while it has the pipeline, and sends, after it has given that up, when all before it have
 * sent. Nobody waits in a circle: of two batches the earlier one has the earlier place at every port. */
#ifndef SS_ORDER_H
#define SS_ORDER_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base.h"

typedef struct ss_order {
    uint64_t taken;       /* places so far; in the pipeline only */
    atomic_ullong served; /* the place whose turn it is */
    atomic_uint sleepers;
    pthread_mutex_t lock;
    pthread_cond_t next;
} ss_order;

#define SS_ORDER_BEGINS {.lock = PTHREAD_MUTEX_INITIALIZER, .next = PTHREAD_COND_INITIALIZER}

static inline uint64_t ss_order_take(ss_order *order) { return order->taken++; }

void ss_order_await(ss_order *order, uint64_t place); /* its turn */
void ss_order_done(ss_order *order, uint64_t place);  /* the next one's */

#endif
