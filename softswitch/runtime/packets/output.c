#include "packets/output.h"

#include "core/instance.h"
#include "core/queue.h"
#include "packets/journal.h"
#include "ports/port.h"

static void capture(ss_switch *sw, uint32_t port, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                    uint32_t payload_bytes)
{
    uint32_t length = header_bytes + payload_bytes;
    uint64_t need = sw->capture_bytes + sizeof(ss_output_head) + length;
    if (need > sw->capture_capacity) {
        uint64_t capacity = 2 * need + 4096;
        uint8_t *bytes = realloc(sw->capture, capacity);
        if (!bytes) {
            sw->stats.drops[SS_DROP_QUEUE]++;
            return;
        }
        sw->capture = bytes;
        sw->capture_capacity = capacity;
    }
    uint8_t *at = sw->capture + sw->capture_bytes;
    memcpy(at, &(ss_output_head){port, length}, sizeof(ss_output_head));
    at += sizeof(ss_output_head);
    memcpy(at, header, header_bytes);
    memcpy(at + header_bytes, payload, payload_bytes);
    sw->capture_bytes = need;
}

static void packet_in(ss_switch *sw, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                      uint32_t payload_bytes)
{
    if (!ss_queue_push(sw->queues[SS_PACKET_INS], 0, sw->active ? sw->active->serial : 0, sw->now_ns / 1000, header,
                       header_bytes, payload, payload_bytes))
        sw->stats.drops[SS_DROP_CPU_QUEUE]++;
}

void ss_output(ss_switch *sw, uint32_t number, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
               uint32_t payload_bytes, bool stable)
{
    if (ss_unlikely(sw->sink == SS_DISCARD)) {
        sw->outputs++;
        return;
    }
    bool queued = false;
    if (number == sw->cpu_port) {
        if (ss_unlikely(sw->journal != NULL))
            ss_journal_add(sw->journal, header, header_bytes, payload, payload_bytes);
        queued = sw->packet_in_modes ? (sw->packet_in_modes & SS_PACKET_IN_QUEUE) != 0 : !ss_port_at(sw, number);
        if (queued)
            packet_in(sw, header, header_bytes, payload, payload_bytes);
    }
    if (ss_unlikely(sw->sink == SS_CAPTURE)) {
        capture(sw, number, header, header_bytes, payload, payload_bytes);
        return;
    }
    if (queued && sw->packet_in_modes == SS_PACKET_IN_QUEUE)
        return;
    ss_port *port = ss_port_at(sw, number);
    if (ss_unlikely(!port)) {
        if (!queued)
            sw->stats.drops[SS_DROP_NO_PORT]++;
        return;
    }
    uint32_t lane = sw->lane;
    ss_port_lane *own = &port->lanes[lane];
    if (!own->dirty) {
        own->dirty = true;
        own->next_dirty = sw->dirty[lane];
        sw->dirty[lane] = port;
        if (sw->io_threads > 1)
            own->place = ss_order_take(&port->order);
    }
    port->ops->send(port, lane, header, header_bytes, payload, payload_bytes, stable);
}

void ss_flush(ss_switch *sw) { ss_flush_lane(sw, 0); }

void ss_flush_lane(ss_switch *sw, uint32_t lane)
{
    bool ordered = sw->io_threads > 1;
    for (ss_port *port = sw->dirty[lane], *next; port; port = next) {
        ss_port_lane *own = &port->lanes[lane];
        next = own->next_dirty;
        own->dirty = false;
        if (ordered)
            ss_order_await(&port->order, own->place);
        port->ops->flush(port, lane);
        if (ordered)
            ss_order_done(&port->order, own->place);
    }
    sw->dirty[lane] = NULL;
}
