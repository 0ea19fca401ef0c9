#include "ports/packet_receive.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/sock_diag.h>
#include <sys/uio.h>

#include "core/log.h"
#include "ports/checksum.h"
#include "ports/packet_socket.h"

static struct tpacket2_hdr *ring_frame(ss_packet_port *packet, uint32_t at)
{
    return (struct tpacket2_hdr *)(packet->ring + (size_t)(at % packet->frame_count) * packet->frame_bytes);
}

static bool filled(const struct tpacket2_hdr *header)
{
    return __atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER;
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

/* The whole of a frame that is longer than the ring's frames waits in the socket's queue. `big` NULL: discards it. */
static uint8_t *receive_big(ss_packet_port *packet, uint8_t *big, uint32_t *length)
{
    struct virtio_net_hdr again; /* the ring's frame has the same */
    uint8_t nowhere[1], *data = big ? big + SS_BIG_ROOM : nowhere;
    uint32_t room = big ? SS_BIG_FRAME - SS_BIG_ROOM : sizeof nowhere;
    struct iovec pieces[] = {{&again, packet->vnet_bytes}, {data, room}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    ssize_t got = recvmsg(packet->fd, &message, MSG_DONTWAIT | MSG_TRUNC) - (ssize_t)packet->vnet_bytes;
    if (got < 0 || (size_t)got > room || !big)
        return NULL;
    *length = (uint32_t)got;
    return data;
}

static uint8_t *room_for(uint8_t **big)
{
    if (!*big)
        *big = malloc(SS_BIG_FRAME);
    return *big;
}

/* The frame of a place in the ring, whole; `at` of those that are borrowed. NULL: it was lost, and is counted. */
static uint8_t *whole_frame(ss_packet_port *packet, struct tpacket2_hdr *header, uint8_t **big, uint32_t *length)
{
    uint8_t *data = (uint8_t *)header + header->tp_mac;
    *length = header->tp_snaplen;
    if (ss_likely(*length >= header->tp_len && !(header->tp_status & TP_STATUS_COPY)))
        return data;
    data = header->tp_status & TP_STATUS_COPY ? receive_big(packet, room_for(big), length) : NULL;
    if (data && *length >= header->tp_len)
        return data;
    if (packet->vnet_bytes && header->tp_len <= SS_BIG_FRAME - SS_BIG_ROOM) {
        packet->port.stats.rx_ring_drops++; /* as many super-frames wait as the socket's queue takes */
        return NULL;
    }
    packet->port.stats.rx_oversize++;
    ss_packet_tell_once(
        packet, &packet->told_oversize,
        packet->vnet_bytes
            ? "a frame was longer than 64 KiB; lower the limits of the interfaces "
              "(ip link set IF gso_max_size 65536 gro_max_size 65536) at both ends"
            : "a frame was too long; turn segmentation offloads off "
              "(ethtool -K IF tso off gso off gro off) at both ends, or the switch's on (--offloads on)");
    return NULL;
}

static void complete_checksum(ss_packet_port *packet, uint8_t *data, uint32_t length,
                              const struct virtio_net_hdr *offload)
{
    if (packet->vnet_bytes) {
        packet->port.stats.rx_no_checksum +=
            ss_complete_partial(data, length, offload->csum_start, offload->csum_offset);
    } else if (ss_complete_checksum(data, length)) {
        packet->port.stats.rx_no_checksum++;
        ss_packet_tell_once(packet, &packet->told_checksum,
                            "frames come without checksums, which costs time; turn the sender's checksum offload off "
                            "(ethtool -K IF tx off)");
    }
}

static bool take_frame(ss_packet_port *packet, struct tpacket2_hdr *header, const struct virtio_net_hdr *offload,
                       ss_frame *frame)
{
    uint32_t length;
    uint8_t *data = whole_frame(packet, header, &packet->big[packet->borrowed], &length);
    if (!data)
        return false;
    bool partial = packet->vnet_bytes ? (offload->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0
                                      : (header->tp_status & TP_STATUS_CSUMNOTREADY) != 0;
    if (ss_unlikely(partial)) /* before the tag, which `csum_start` does not count */
        complete_checksum(packet, data, length, offload);
    if (ss_unlikely(header->tp_status & TP_STATUS_VLAN_VALID) && length >= 12) {
        data = restore_tag(data, header);
        length += 4;
    }
    *frame = (ss_frame){.data = data, .length = length};
    return true;
}

/* A super-frame leaves the ring: what of it does not fit the batch follows with the next one. */
static void take_super_frame(ss_packet_port *packet, struct tpacket2_hdr *header, struct virtio_net_hdr offload)
{
    uint32_t length;
    uint8_t *data = whole_frame(packet, header, &packet->super, &length);
    if (!data)
        return;
    if (data != packet->super + SS_BIG_ROOM) { /* small enough for the ring, whose frame goes back to the kernel */
        if (!room_for(&packet->super)) {
            packet->port.stats.rx_ring_drops++;
            return;
        }
        data = memcpy(packet->super + SS_BIG_ROOM, data, length);
    }
    if (header->tp_status & TP_STATUS_VLAN_VALID && length >= 12) {
        data = restore_tag(data, header);
        length += 4;
        offload.csum_start += 4;
    }
    packet->splitting = ss_split_begin(&packet->split, data, length, &offload);
    if (packet->splitting) {
        packet->port.stats.rx_superframes++;
        return;
    }
    packet->port.stats.rx_unsplit++;
    ss_packet_tell_once(packet, &packet->told_unsplit,
                        "a segment of up to 64 KiB cannot be split (a tunnel, perhaps); turn that offload off at the "
                        "sender (ethtool -k IF lists them: tx-*-segmentation)");
}

static uint32_t take_pieces(ss_packet_port *packet, ss_frame *frames, uint32_t max_frames, uint32_t *used)
{
    uint32_t count = 0, room;
    while (packet->splitting && count < max_frames) {
        room = ss_split_room(&packet->split);
        if (!room) {
            packet->splitting = false;
            break;
        }
        if (*used + room > SS_PIECES_BYTES)
            break;
        ss_piece piece;
        uint8_t *data = packet->pieces_memory + *used;
        ss_split_next(&packet->split, data, &piece);
        frames[count++] = (ss_frame){data, piece.length, piece.payload_at, piece.payload_sum};
        *used += (room + 63) & ~63u;
    }
    return count;
}

bool ss_packet_nearly_full(ss_port *port)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    if (!packet->ring)
        return false;
    const struct tpacket2_hdr *header = ring_frame(packet, packet->head + packet->frame_count / 4 * 3);
    if (__atomic_load_n(&header->tp_status, __ATOMIC_RELAXED) & TP_STATUS_USER)
        return true;
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t size = sizeof memory;
    return packet->vnet_bytes && getsockopt(packet->fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0 &&
           memory[SK_MEMINFO_RMEM_ALLOC] > memory[SK_MEMINFO_RCVBUF] / 4 * 3;
}

uint32_t ss_packet_receive(ss_port *port, ss_frame *frames, uint32_t max_frames)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    if (!packet->ring)
        return 0;
    uint32_t used = 0, count = take_pieces(packet, frames, max_frames, &used);
    while (!packet->splitting && count < max_frames && packet->borrowed < max_frames) {
        struct tpacket2_hdr *header = ring_frame(packet, packet->head + packet->borrowed);
        if (!filled(header))
            break;
        struct virtio_net_hdr offload = {0};
        if (packet->vnet_bytes)
            memcpy(&offload, (uint8_t *)header + header->tp_mac - sizeof offload, sizeof offload);
        if (offload.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
            take_super_frame(packet, header, offload);
            count += take_pieces(packet, frames + count, max_frames - count, &used);
        } else if (take_frame(packet, header, &offload, &frames[count]))
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
