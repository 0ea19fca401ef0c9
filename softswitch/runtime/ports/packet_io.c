#include "ports/packet_io.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <sched.h>

#include "core/log.h"
#include "ports/checksum.h"
#include "ports/packet_socket.h"

#define SEND_TRIES 4
#define HEADER_ROOM 256u

static struct tpacket2_hdr *ring_frame(ss_packet_port *packet, uint32_t at)
{
    return (struct tpacket2_hdr *)(packet->ring + (size_t)(at % packet->frame_count) * packet->frame_bytes);
}

/* Puts a VLAN tag that the kernel took out back in: the addresses move into the room before the frame. */
static uint8_t *restore_tag(uint8_t *data, const struct tpacket2_hdr *header)
{
    uint16_t type = header->tp_status & TP_STATUS_VLAN_TPID_VALID ? header->tp_vlan_tpid : 0x8100;
    memmove(data - 4, data, 12);
    data[8] = (uint8_t)(type >> 8);
    data[9] = (uint8_t)type;
    data[10] = (uint8_t)(header->tp_vlan_tci >> 8);
    data[11] = (uint8_t)header->tp_vlan_tci;
    return data - 4;
}

/* A frame longer than the ring's frames waits whole in the socket's queue. */
static uint8_t *receive_big(ss_packet_port *packet, uint32_t at, uint32_t *length)
{
    if (!packet->big[at] && !(packet->big[at] = malloc(SS_BIG_FRAME)))
        return NULL;
    uint8_t *data = packet->big[at] + 64; /* room for a tag */
    ssize_t got = recv(packet->fd, data, SS_BIG_FRAME - 64, MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0 || (size_t)got > SS_BIG_FRAME - 64)
        return NULL;
    *length = (uint32_t)got;
    return data;
}

static void tell_once(ss_packet_port *packet, bool *told, const char *what)
{
    if (!*told)
        ss_notice(packet->port.sw, "port %u, interface %s: %s", packet->port.number, packet->name, what);
    *told = true;
}

static bool take_frame(ss_packet_port *packet, struct tpacket2_hdr *header, uint32_t at, ss_frame *frame)
{
    uint32_t status = header->tp_status, length = header->tp_snaplen;
    uint8_t *data = (uint8_t *)header + header->tp_mac;
    if (ss_unlikely(length < header->tp_len || (status & TP_STATUS_COPY))) {
        data = status & TP_STATUS_COPY ? receive_big(packet, at, &length) : NULL;
        if (!data || length < header->tp_len) {
            packet->port.stats.rx_oversize++;
            tell_once(packet, &packet->told_oversize,
                      "a frame was too long; turn segmentation offloads off (ethtool -K IF tso off gso off gro off) "
                      "at both ends");
            return false;
        }
    }
    if (ss_unlikely(status & TP_STATUS_VLAN_VALID) && length >= 12) {
        data = restore_tag(data, header);
        length += 4;
    }
    if (ss_unlikely(status & TP_STATUS_CSUMNOTREADY) && ss_complete_checksum(data, length)) {
        packet->port.stats.rx_no_checksum++;
        tell_once(packet, &packet->told_checksum,
                  "frames come without checksums, which costs time; turn the sender's checksum offload off "
                  "(ethtool -K IF tx off)");
    }
    frame->data = data;
    frame->length = length;
    return true;
}

bool ss_packet_nearly_full(ss_port *port)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    if (!packet->ring)
        return false;
    const struct tpacket2_hdr *header = ring_frame(packet, packet->head + packet->frame_count / 4 * 3);
    return __atomic_load_n(&header->tp_status, __ATOMIC_RELAXED) & TP_STATUS_USER;
}

uint32_t ss_packet_receive(ss_port *port, ss_frame *frames, uint32_t max_frames)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    uint32_t count = 0;
    if (!packet->ring)
        return 0;
    while (packet->borrowed < max_frames) {
        struct tpacket2_hdr *header = ring_frame(packet, packet->head + packet->borrowed);
        if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
            break;
        if (take_frame(packet, header, packet->borrowed, &frames[count]))
            count++;
        packet->borrowed++;
    }
    if (!count)
        ss_packet_release(port);
    return count;
}

void ss_packet_release(ss_port *port)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    for (uint32_t i = 0; i < packet->borrowed; i++)
        __atomic_store_n(&ring_frame(packet, packet->head + i)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    packet->head = (packet->head + packet->borrowed) % packet->frame_count;
    packet->borrowed = 0;
}

static bool make_room(ss_tx_slot *slot, uint32_t bytes)
{
    if (bytes <= slot->capacity)
        return true;
    uint32_t capacity = bytes < HEADER_ROOM ? HEADER_ROOM : bytes;
    uint8_t *own = realloc(slot->own, capacity);
    if (!own)
        return false;
    slot->own = own;
    slot->capacity = capacity;
    return true;
}

void ss_packet_send(ss_port *port, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                    uint32_t payload_bytes, bool stable)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    if (ss_unlikely(packet->fd < 0)) {
        port->sw->stats.drops[SS_DROP_PORT_DOWN]++;
        return;
    }
    if (packet->tx_count == SS_TX_SLOTS)
        ss_packet_flush(port);
    uint32_t at = packet->tx_count;
    ss_tx_slot *slot = &packet->slots[at];
    uint32_t own = header_bytes + (stable ? 0 : payload_bytes);
    if (!make_room(slot, own)) {
        port->stats.tx_full++;
        return;
    }
    memcpy(slot->own, header, header_bytes);
    if (!stable)
        memcpy(slot->own + header_bytes, payload, payload_bytes);
    packet->pieces[at][0] = (struct iovec){slot->own, own};
    packet->pieces[at][1] = (struct iovec){(void *)payload, stable ? payload_bytes : 0};
    struct msghdr *message = &packet->messages[at].msg_hdr;
    message->msg_iov = packet->pieces[at];
    message->msg_iovlen = packet->pieces[at][1].iov_len ? 2 : 1;
    packet->tx_count++;
}

static size_t length_of(const ss_packet_port *packet, uint32_t at)
{
    return packet->pieces[at][0].iov_len + packet->pieces[at][1].iov_len;
}

/* The kernel did not take the frame `at`; returns how many frames to give up. */
static uint32_t failed(ss_packet_port *packet, uint32_t at, int error)
{
    ss_port *port = &packet->port;
    port->stats.last_error = (uint64_t)error;
    if (error == ENETDOWN || error == ENXIO || error == ENODEV) {
        port->sw->stats.drops[SS_DROP_PORT_DOWN] += packet->tx_count - at;
        port->sw->next_check_ns = 0;
        return packet->tx_count - at;
    }
    if (error == EMSGSIZE) {
        port->stats.tx_oversize++;
        tell_once(packet, &packet->told_oversize,
                  "a frame was longer than the MTU allows; turn segmentation offloads off "
                  "(ethtool -K IF tso off gso off gro off) "
                  "at the senders, or raise the MTU");
    } else if (error == EAGAIN || error == ENOBUFS)
        port->stats.tx_full++;
    else
        port->stats.tx_errors++;
    return 1;
}

void ss_packet_flush(ss_port *port)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    uint32_t sent = 0, tries = 0;
    while (sent < packet->tx_count) {
        int got = sendmmsg(packet->fd, packet->messages + sent, packet->tx_count - sent, MSG_DONTWAIT);
        if (got > 0) {
            for (uint32_t end = sent + (uint32_t)got; sent < end; sent++) {
                port->stats.tx_packets++;
                port->stats.tx_bytes += length_of(packet, sent);
            }
            tries = 0;
        } else if (errno == EINTR) {
            continue;
        } else if ((errno == EAGAIN || errno == ENOBUFS) && ++tries < SEND_TRIES) {
            sched_yield();
        } else {
            sent += failed(packet, sent, errno);
            tries = 0;
        }
    }
    packet->tx_count = 0;
}
