#include "core/order.h"

void ss_order_await(ss_order *order, uint64_t place)
{
    if (ss_likely(atomic_load(&order->served) == place))
        return;
    atomic_fetch_add(&order->sleepers, 1);
    pthread_mutex_lock(&order->lock);
    while (atomic_load(&order->served) != place)
        pthread_cond_wait(&order->next, &order->lock);
    pthread_mutex_unlock(&order->lock);
    atomic_fetch_sub(&order->sleepers, 1);
}

void ss_order_done(ss_order *order, uint64_t place)
{
    atomic_store(&order->served, place + 1);
    if (ss_likely(!atomic_load(&order->sleepers)))
        return; /* whoever goes to sleep from here on has seen the new turn */
    pthread_mutex_lock(&order->lock);
    pthread_cond_broadcast(&order->next);
    pthread_mutex_unlock(&order->lock);
}
