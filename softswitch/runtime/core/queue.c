#include "core/queue.h"

#include <errno.h>
#include <pthread.h>

#include "core/clock.h"
#include "core/error.h"

typedef struct message {
    uint32_t bytes, tag;
    uint64_t source, time_us;
    uint8_t *data;
} message;

#define MAX_BYTES (64u << 20)

struct ss_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    uint32_t capacity, first, count, waiters;
    uint64_t bytes;
    bool closed;
    message ring[];
};

ss_queue *ss_queue_create(uint32_t max_messages)
{
    ss_queue *queue = calloc(1, sizeof *queue + max_messages * sizeof(message));
    if (!queue)
        return NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    queue->capacity = max_messages;
    return queue;
}

void ss_queue_destroy(ss_queue *queue)
{
    if (!queue)
        return;
    for (; queue->count; queue->count--, queue->first = (queue->first + 1) % queue->capacity)
        free(queue->ring[queue->first].data);
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->filled);
    free(queue);
}

bool ss_queue_push(ss_queue *queue, uint32_t tag, uint64_t source, uint64_t time_us, const void *head,
                   uint32_t head_bytes, const void *tail, uint32_t tail_bytes)
{
    uint32_t bytes = head_bytes + tail_bytes;
    uint8_t *data = malloc(bytes ? bytes : 1);
    if (!data)
        return false;
    if (head_bytes)
        memcpy(data, head, head_bytes);
    if (tail_bytes)
        memcpy(data + head_bytes, tail, tail_bytes);
    pthread_mutex_lock(&queue->lock);
    bool room = queue->count < queue->capacity && queue->bytes + bytes <= MAX_BYTES;
    if (room) {
        queue->ring[(queue->first + queue->count) % queue->capacity] = (message){bytes, tag, source, time_us, data};
        queue->count++;
        queue->bytes += bytes;
        if (queue->waiters)
            pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->lock);
    if (!room)
        free(data);
    return room;
}

static bool wait_filled(ss_queue *queue, int64_t timeout_ns)
{
    uint64_t until = ss_clock_ns() + (uint64_t)(timeout_ns > 0 ? timeout_ns : 0);
    struct timespec deadline = {(time_t)(until / SS_SECOND), (long)(until % SS_SECOND)};
    queue->waiters++;
    while (!queue->count && timeout_ns && !queue->closed) {
        int failed = timeout_ns < 0 ? pthread_cond_wait(&queue->filled, &queue->lock)
                                    : pthread_cond_timedwait(&queue->filled, &queue->lock, &deadline);
        if (failed == ETIMEDOUT)
            break;
    }
    queue->waiters--;
    return queue->count > 0;
}

int64_t ss_queue_take(ss_switch *sw, uint32_t which, uint32_t max_messages, void *out, uint64_t capacity,
                      int64_t timeout_ns)
{
    if (which >= SS_QUEUES)
        return ss_fail(SS_INDEX, "there is no queue %u", which);
    ss_queue *queue = sw->queues[which];
    uint64_t used = 0;
    int64_t status = 0;
    pthread_mutex_lock(&queue->lock);
    if (wait_filled(queue, timeout_ns))
        for (; max_messages && queue->count; max_messages--) {
            message *next = &queue->ring[queue->first];
            uint64_t padded = (next->bytes + 7ull) & ~7ull;
            if (used + sizeof(ss_message) + padded > capacity) {
                if (!used)
                    status = ss_fail(SS_INDEX, "a message of %u bytes does not fit", next->bytes);
                break;
            }
            uint8_t *at = (uint8_t *)out + used, *body = at + sizeof(ss_message);
            memcpy(at, &(ss_message){next->bytes, next->tag, next->source, next->time_us}, sizeof(ss_message));
            memcpy(body, next->data, next->bytes);
            memset(body + next->bytes, 0, padded - next->bytes);
            free(next->data);
            queue->first = (queue->first + 1) % queue->capacity;
            queue->count--;
            queue->bytes -= next->bytes;
            used += sizeof(ss_message) + padded;
        }
    pthread_mutex_unlock(&queue->lock);
    return status < 0 ? status : (int64_t)used;
}

void ss_queues_close(ss_switch *sw)
{
    for (int i = 0; i < SS_QUEUES; i++) {
        pthread_mutex_lock(&sw->queues[i]->lock);
        sw->queues[i]->closed = true;
        pthread_cond_broadcast(&sw->queues[i]->filled);
        pthread_mutex_unlock(&sw->queues[i]->lock);
    }
}
