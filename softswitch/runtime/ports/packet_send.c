#include "ports/packet_send.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "core/log.h"
#include "ports/checksum.h"
#include "ports/packet_socket.h"

#define SEND_TRIES 4
#define HEADER_ROOM 256u
#define MAX_REFUSED 8u /* merged frames in a row */
#define SLOW_BYTES (64u << 10)
#define FRAME_COST 2304u /* bytes that a frame of the usual MTU takes in the kernel */

/* What a thread sends that is not its turn counts as well: these two from both sides of the pipeline's lock. */
static void count_down(ss_port *port)
{
    __atomic_fetch_add(&port->sw->stats.drops[SS_DROP_PORT_DOWN], 1, __ATOMIC_RELAXED);
}

static void count_full(ss_port *port) { __atomic_fetch_add(&port->stats.tx_full, 1, __ATOMIC_RELAXED); }

/* Room for the header that the kernel wants before the frame, which is all zero for a frame of its own, and `bytes`. */
static bool make_room(const ss_packet_port *packet, ss_tx_slot *slot, uint32_t bytes)
{
    bytes += packet->vnet_bytes;
    if (bytes <= slot->capacity)
        return true;
    uint32_t capacity = bytes < HEADER_ROOM ? HEADER_ROOM : bytes;
    uint8_t *own = realloc(slot->own, capacity);
    if (!own)
        return false;
    memset(own, 0, packet->vnet_bytes);
    slot->own = own;
    slot->capacity = capacity;
    return true;
}

static ss_tx_lane *lane_of(ss_packet_port *packet, uint32_t lane)
{
    if (ss_unlikely(!packet->tx[lane]))
        packet->tx[lane] = calloc(1, sizeof **packet->tx);
    return packet->tx[lane];
}

void ss_packet_free_lanes(ss_packet_port *packet)
{
    for (uint32_t lane = 0; lane < SS_MAX_IO_THREADS; lane++) {
        for (uint32_t i = 0; packet->tx[lane] && i < SS_TX_SLOTS; i++)
            free(packet->tx[lane]->slots[i].own);
        free(packet->tx[lane]);
    }
}

/* Of a segment of a super-frame: its headers alone stay in `own`, if it can be part of a merged frame again. */
static bool make_part(ss_packet_port *packet, ss_part *part, uint8_t *own, uint32_t header_bytes,
                      const uint8_t *payload, uint32_t payload_bytes)
{
    const ss_frame *from = packet->port.sw->received;
    uint32_t length = header_bytes + payload_bytes, gathered = length < SS_MERGE_HEADERS ? length : SS_MERGE_HEADERS;
    if (gathered > header_bytes)
        memcpy(own + header_bytes, payload, gathered - header_bytes);
    if (!ss_part_headers(own, gathered, length, &part->at) || part->at.payload < header_bytes ||
        !(part->at.protocol == SS_TCP ? packet->merge_tcp : packet->merge_udp))
        return false;
    if (length > packet->frame_limit - (ss_get_16(own + 12) == 0x8100 ? 0 : SS_VLAN_ROOM))
        return false; /* alone the kernel refuses it */
    uint32_t more = part->at.payload - header_bytes, left = payload_bytes - more;
    const uint8_t *rest = payload + more;
    bool untouched = rest == from->data + from->payload_at && left == from->length - from->payload_at;
    if (!ss_part_summed(own, &part->at, left, untouched ? from->payload_sum : ss_sum(rest, left)))
        return false;
    part->headers = own;
    part->payload = left;
    return true;
}

/* More frames than there are slots, in the middle of a batch: those before go now. */
static void flush_early(ss_port *port, uint32_t lane)
{
    if (port->sw->io_threads > 1)
        ss_order_await(&port->order, port->lanes[lane].place);
    ss_packet_flush(port, lane);
}

void ss_packet_send(ss_port *port, uint32_t lane, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                    uint32_t payload_bytes, bool stable)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    if (ss_unlikely(packet->fd < 0)) {
        count_down(port);
        return;
    }
    ss_tx_lane *own_lane = lane_of(packet, lane);
    if (ss_unlikely(!own_lane)) {
        count_full(port);
        return;
    }
    if (own_lane->tx_count == SS_TX_SLOTS)
        flush_early(port, lane);
    uint32_t at = own_lane->tx_count, own_bytes = header_bytes + (stable ? 0 : payload_bytes);
    ss_tx_slot *slot = &own_lane->slots[at];
    const ss_frame *from = port->sw->received;
    bool piece = stable && from && from->payload_at && (packet->merge_tcp || packet->merge_udp);
    if (!make_room(packet, slot, own_bytes + (piece ? SS_MERGE_HEADERS : 0))) {
        count_full(port);
        return;
    }
    uint8_t *own = slot->own + packet->vnet_bytes;
    memcpy(own, header, header_bytes);
    if (!stable)
        memcpy(own + header_bytes, payload, payload_bytes);
    ss_part *part = &own_lane->parts[at];
    part->payload = 0;
    if (piece && make_part(packet, part, own, header_bytes, payload, payload_bytes)) {
        own_bytes = part->at.payload;
        payload += own_bytes - header_bytes;
        payload_bytes -= own_bytes - header_bytes;
    }
    slot->bytes[0] = (struct iovec){slot->own, packet->vnet_bytes + own_bytes};
    slot->bytes[1] = (struct iovec){(void *)payload, stable ? payload_bytes : 0};
    own_lane->tx_count++;
}

static uint32_t frame_length(const ss_packet_port *packet, const ss_tx_slot *slot)
{
    return (uint32_t)(slot->bytes[0].iov_len + slot->bytes[1].iov_len) - packet->vnet_bytes;
}

static void single_message(ss_tx_slot *slot, struct msghdr *message)
{
    message->msg_iov = slot->bytes;
    message->msg_iovlen = slot->bytes[1].iov_len ? 2 : 1;
}

static void merged_message(ss_tx_lane *lane, uint32_t first, uint32_t count, struct msghdr *message)
{
    ss_merged_head *head = &lane->heads[lane->head_count++];
    struct iovec *pieces = lane->pieces + lane->piece_count;
    ss_merge_headers(&lane->parts[first], count, head->headers, &head->offload);
    pieces[0] = (struct iovec){head, sizeof head->offload + lane->parts[first].at.payload};
    for (uint32_t i = 0; i < count; i++)
        pieces[i + 1] = lane->slots[first + i].bytes[1];
    message->msg_iov = pieces;
    message->msg_iovlen = count + 1;
    lane->piece_count += count + 1;
}

static uint32_t make_messages(ss_tx_lane *lane)
{
    uint32_t messages = 0;
    lane->head_count = lane->piece_count = 0;
    for (uint32_t at = 0, count; at < lane->tx_count; at += count) {
        count = ss_merge_count(&lane->parts[at], lane->tx_count - at);
        struct msghdr *message = &lane->messages[messages].msg_hdr;
        if (count > 1)
            merged_message(lane, at, count, message);
        else
            single_message(&lane->slots[at], message);
        lane->frames[messages++] = count;
    }
    return messages;
}

static void count_sent(ss_packet_port *packet, const ss_tx_slot *slots, uint32_t frames)
{
    packet->port.stats.tx_packets += frames;
    for (uint32_t i = 0; i < frames; i++)
        packet->port.stats.tx_bytes += frame_length(packet, &slots[i]);
}

static bool is_gone(int error) { return error == ENETDOWN || error == ENXIO || error == ENODEV; }

/* The kernel did not take the frame; nobody else will. */
static void count_failed(ss_packet_port *packet, int error)
{
    ss_port *port = &packet->port;
    port->stats.last_error = (uint64_t)error;
    if (is_gone(error)) {
        count_down(port);
        atomic_store(&port->sw->next_check_ns, 0);
    } else if (error == EMSGSIZE) {
        port->stats.tx_oversize++;
        ss_packet_tell_once(packet, &packet->told_oversize,
                            "a frame was longer than the MTU allows; turn segmentation offloads off "
                            "(ethtool -K IF tso off gso off gro off) at the senders, or raise the MTU");
    } else if (error == EAGAIN || error == ENOBUFS)
        count_full(port);
    else
        port->stats.tx_errors++;
}

/* sendmmsg, with some patience where the interface is busy; what it returns, or the error as a negative number. */
static int send_messages(const ss_packet_port *packet, struct mmsghdr *messages, uint32_t count)
{
    for (uint32_t tries = 0;;) {
        int got = sendmmsg(packet->fd, messages, count, MSG_DONTWAIT);
        if (got > 0)
            return got;
        if (errno == EINTR)
            continue;
        if ((errno != EAGAIN && errno != ENOBUFS) || ++tries == SEND_TRIES)
            return -errno;
        sched_yield();
    }
}

static void send_alone(ss_packet_port *packet, ss_tx_slot *slot)
{
    struct mmsghdr one = {0};
    single_message(slot, &one.msg_hdr);
    int got = send_messages(packet, &one, 1);
    if (got > 0)
        count_sent(packet, slot, 1);
    else
        count_failed(packet, -got);
}

/* The kernel did not take a merged frame: it gets the frames one by one. */
static void send_apart(ss_packet_port *packet, ss_tx_lane *lane, uint32_t at, uint32_t frames, int error)
{
    if (error == EINVAL && lane->parts[at].at.protocol == SS_UDP)
        packet->merge_udp = false; /* before Linux 6.2 */
    else if (!is_gone(error) && ++packet->refused == MAX_REFUSED) {
        packet->merge_tcp = packet->merge_udp = false;
        ss_notice(packet->port.sw,
                  "port %u, interface %s takes no merged frames (%s): they are sent one by one until the port is added "
                  "again",
                  packet->port.number, packet->name, strerror(error));
    }
    for (uint32_t i = 0; i < frames; i++)
        send_alone(packet, &lane->slots[at + i]);
}

void ss_packet_flush(ss_port *port, uint32_t number)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    ss_tx_lane *lane = packet->tx[number];
    if (!lane)
        return; /* nothing could be taken */
    uint32_t messages = make_messages(lane), sent = 0, at = 0;
    while (sent < messages) {
        int got = send_messages(packet, lane->messages + sent, messages - sent);
        for (uint32_t end = sent + (got > 0 ? (uint32_t)got : 0); sent < end; at += lane->frames[sent++]) {
            count_sent(packet, &lane->slots[at], lane->frames[sent]);
            if (lane->frames[sent] > 1) {
                port->stats.tx_superframes++;
                packet->refused = 0;
            }
        }
        if (got > 0)
            continue;
        if (lane->frames[sent] > 1)
            send_apart(packet, lane, at, lane->frames[sent], -got);
        else
            count_failed(packet, -got);
        at += lane->frames[sent++];
    }
    lane->tx_count = 0;
}

/* What waits in the interface's queueing disciplines belongs to the socket until it leaves. */
static uint32_t waiting_bytes(const ss_packet_port *packet)
{
    int waiting;
    return ioctl(packet->fd, SIOCOUTQ, &waiting) ? 0 : (uint32_t)waiting;
}

/* Frames of this batch, and of earlier ones that other threads still send, may leave at once or wait: they are sent
 * when that decides. Without queueing disciplines there is no queue. */
bool ss_packet_is_slow(ss_port *port, uint32_t number)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    if (!port->sw->qdiscs || packet->fd < 0)
        return false;
    bool dirty = port->lanes[number].dirty;
    if (port->sw->io_threads > 1)
        ss_order_await(&port->order, dirty ? port->lanes[number].place : port->order.taken);
    uint32_t own = dirty && packet->tx[number] ? packet->tx[number]->tx_count : 0;
    if (waiting_bytes(packet) + own * FRAME_COST <= SLOW_BYTES)
        return false;
    if (own)
        ss_packet_flush(port, number);
    return waiting_bytes(packet) > SLOW_BYTES;
}
