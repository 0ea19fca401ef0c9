#include "ports/packet_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/error.h"
#include "core/log.h"
#include "ports/features.h"

#define BLOCK_BYTES (1u << 18)
#define DEFAULT_RING_BYTES (64ull << 20) /* at most, unless the frames are asked for */
#define MAX_RING_BYTES (1ull << 30)
#define SOCKET_BUFFER (4 << 20)
#define SUPER_FRAMES_BUFFER (32 << 20) /* which the kernel doubles: what waits, with what it costs the kernel */

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

void ss_packet_tell_once(ss_packet_port *packet, atomic_bool *told, const char *what)
{
    if (!atomic_exchange(told, true))
        ss_notice(packet->port.sw, "port %u, interface %s: %s", packet->port.number, packet->name, what);
}

void ss_packet_close(ss_packet_port *packet)
{
    if (packet->ring)
        munmap(packet->ring, packet->ring_bytes);
    if (packet->fd >= 0)
        close(packet->fd);
    packet->ring = NULL;
    packet->fd = -1;
    packet->index = 0;
    packet->head = packet->borrowed = 0;
    for (uint32_t lane = 0; lane < SS_MAX_IO_THREADS; lane++)
        if (packet->tx[lane])
            packet->tx[lane]->tx_count = 0;
    packet->splitting = false;
    packet->port.up = false;
}

int ss_packet_query(ss_packet_port *packet, unsigned long request, struct ifreq *answer)
{
    memset(answer, 0, sizeof *answer);
    memcpy(answer->ifr_name, packet->name, sizeof answer->ifr_name);
    return ioctl(packet->fd, request, answer);
}

bool ss_packet_link_up(ss_packet_port *packet)
{
    struct ifreq flags;
    return ss_packet_query(packet, SIOCGIFFLAGS, &flags) == 0 && (flags.ifr_flags & IFF_UP) &&
           (flags.ifr_flags & IFF_RUNNING);
}

bool ss_packet_read_mtu(ss_packet_port *packet)
{
    struct ifreq answer;
    if (ss_packet_query(packet, SIOCGIFMTU, &answer))
        return false;
    packet->frame_limit = (uint32_t)answer.ifr_mtu + ETH_HLEN + SS_VLAN_ROOM;
    return true;
}

static bool option(int fd, int name, int value) { return setsockopt(fd, SOL_PACKET, name, &value, sizeof value) == 0; }

/* The kernel allocates the whole ring: if it has no memory for so many frames, half of them has to do. */
static bool make_ring(ss_packet_port *packet)
{
    uint32_t need = TPACKET_ALIGN(TPACKET2_HDRLEN) + 64 + packet->frame_limit;
    packet->frame_bytes = 2048;
    while (packet->frame_bytes < need && packet->frame_bytes < BLOCK_BYTES)
        packet->frame_bytes *= 2;
    uint64_t frames = packet->ring_frames ? packet->ring_frames : SS_DEFAULT_RING_FRAMES;
    uint64_t most = packet->ring_frames ? MAX_RING_BYTES : DEFAULT_RING_BYTES;
    uint64_t bytes = frames * packet->frame_bytes;
    bytes = bytes > most ? most : (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    void *ring = MAP_FAILED;
    for (; ring == MAP_FAILED; bytes = bytes / 2 / BLOCK_BYTES * BLOCK_BYTES) {
        if (bytes < BLOCK_BYTES)
            return false;
        struct tpacket_req request = {BLOCK_BYTES, (uint32_t)(bytes / BLOCK_BYTES), packet->frame_bytes,
                                      (uint32_t)(bytes / packet->frame_bytes)};
        if (setsockopt(packet->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request)) {
            if (errno != ENOMEM)
                return false;
            continue;
        }
        ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, packet->fd, 0);
        if (ring == MAP_FAILED)
            return false;
        packet->ring = ring;
        packet->ring_bytes = bytes;
        packet->frame_count = request.tp_frame_nr;
    }
    if (packet->frame_count < packet->ring_frames)
        ss_notice(packet->port.sw, "port %u, interface %s: its ring has %u frames, not %u: too little memory",
                  packet->port.number, packet->name, packet->frame_count, packet->ring_frames);
    return true;
}

/* Super-frames come and go with a header that tells their segments. */
static bool turn_offloads_on(ss_packet_port *packet)
{
    if (!packet->pieces_memory && !(packet->pieces_memory = malloc(SS_PIECES_BYTES)))
        return false;
    ss_features takes = ss_read_features(packet->fd, packet->name);
    /* On the CPU port frames are counted, as clones are; and what `tc` limits, and a capture sees, are single frames.
     */
    bool single = packet->port.number == packet->port.sw->cpu_port || packet->port.sw->qdiscs;
    packet->merge_tcp = takes.tcp && !single;
    packet->merge_udp = takes.udp && !single;
    packet->refused = 0;
    packet->vnet_bytes = sizeof(struct virtio_net_hdr);
    return option(packet->fd, PACKET_VNET_HDR, 1);
}

static void set_buffer(int fd, int forced, int plain, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes))
        setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
}

/* Bound last, so that not a frame of another interface gets in. */
static bool attach(ss_packet_port *packet)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = packet->index};
    struct packet_mreq all = {.mr_ifindex = packet->index, .mr_type = PACKET_MR_PROMISC};
    if (!option(packet->fd, PACKET_VERSION, TPACKET_V2) || !option(packet->fd, PACKET_RESERVE, SS_VLAN_ROOM) ||
        !option(packet->fd, PACKET_IGNORE_OUTGOING, 1) || !option(packet->fd, PACKET_COPY_THRESH, 1) ||
        (packet->offloads && !turn_offloads_on(packet)))
        return false;
    if (!packet->port.sw->qdiscs)
        option(packet->fd, PACKET_QDISC_BYPASS, 1); /* only faster */
    set_buffer(packet->fd, SO_SNDBUFFORCE, SO_SNDBUF, SOCKET_BUFFER);
    set_buffer(packet->fd, SO_RCVBUFFORCE, SO_RCVBUF, packet->offloads ? SUPER_FRAMES_BUFFER : SOCKET_BUFFER);
    return make_ring(packet) && bind(packet->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           setsockopt(packet->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) == 0;
}

int ss_packet_open(ss_packet_port *packet)
{
    struct ifreq answer;
    packet->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (packet->fd < 0)
        return ss_fail(SS_SYSTEM, "a packet socket for interface %s: %s%s", packet->name, strerror(errno),
                       errno == EPERM ? " (run as root, or with CAP_NET_RAW)" : "");
    int status = SS_OK;
    if (ss_packet_query(packet, SIOCGIFINDEX, &answer))
        status = ss_fail(SS_NO_INTERFACE, "there is no interface %s in this network namespace", packet->name);
    else {
        packet->index = answer.ifr_ifindex;
        if (ss_packet_query(packet, SIOCGIFHWADDR, &answer) ||
            (answer.ifr_hwaddr.sa_family != ARPHRD_ETHER && answer.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK))
            status = ss_fail(SS_INVALID, "interface %s does not carry Ethernet frames", packet->name);
        else if (!ss_packet_read_mtu(packet))
            status = ss_fail(SS_SYSTEM, "the MTU of interface %s: %s", packet->name, strerror(errno));
        else if (!attach(packet))
            status = ss_fail(SS_SYSTEM, "interface %s as a port: %s", packet->name, strerror(errno));
    }
    if (status != SS_OK)
        ss_packet_close(packet);
    else
        packet->port.up = ss_packet_link_up(packet);
    return status;
}
