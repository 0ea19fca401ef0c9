/* Bounded message queues from the data plane to controllers: packet-ins, digests, log lines.
 *
 * They have a separate lock: a controller that takes messages never delays packets for longer than the copy of one
 * message. */
#ifndef SS_QUEUE_H
#define SS_QUEUE_H

#include "core/base.h"
#include "core/switch.h"

ss_queue *ss_queue_create(uint32_t max_messages);
void ss_queue_destroy(ss_queue *queue);
/* False when it is full, or there is no memory. `head` and `tail` are copied, one after the other. */
bool ss_queue_push(ss_queue *queue, uint32_t tag, uint64_t source, uint64_t time_us, const void *head,
                   uint32_t head_bytes, const void *tail, uint32_t tail_bytes);

#endif
