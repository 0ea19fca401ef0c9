/* AF_PACKET ports: opened on an interface, looked after while it goes down, away and comes back, closed. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ports/port_packet.h"

#define RING_BYTES (8u << 20)
#define BLOCK_BYTES (1u << 18)
#define VLAN_ROOM 4u
#define SOCKET_BUFFER (4 << 20)

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static void close_socket(ss_packet_port *packet)
{
    if (packet->ring)
        munmap(packet->ring, packet->ring_bytes);
    if (packet->fd >= 0)
        close(packet->fd);
    packet->ring = NULL;
    packet->fd = -1;
    packet->index = 0;
    packet->head = packet->borrowed = packet->tx_count = 0;
    packet->port.up = false;
}

static int query(ss_packet_port *packet, unsigned long request, struct ifreq *answer)
{
    memset(answer, 0, sizeof *answer);
    memcpy(answer->ifr_name, packet->name, sizeof answer->ifr_name);
    return ioctl(packet->fd, request, answer);
}

static bool is_up(ss_packet_port *packet)
{
    struct ifreq flags;
    return query(packet, SIOCGIFFLAGS, &flags) == 0 && (flags.ifr_flags & IFF_UP) && (flags.ifr_flags & IFF_RUNNING);
}

static bool option(int fd, int name, int value) { return setsockopt(fd, SOL_PACKET, name, &value, sizeof value) == 0; }

static bool make_ring(ss_packet_port *packet)
{
    uint32_t need = TPACKET_ALIGN(TPACKET2_HDRLEN) + 64 + packet->frame_limit;
    packet->frame_bytes = 2048;
    while (packet->frame_bytes < need && packet->frame_bytes < BLOCK_BYTES)
        packet->frame_bytes *= 2;
    struct tpacket_req request = {BLOCK_BYTES, RING_BYTES / BLOCK_BYTES, packet->frame_bytes, RING_BYTES / packet->frame_bytes};
    if (setsockopt(packet->fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request))
        return false;
    void *ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, packet->fd, 0);
    if (ring == MAP_FAILED)
        return false;
    packet->ring = ring;
    packet->ring_bytes = RING_BYTES;
    packet->frame_count = request.tp_frame_nr;
    return true;
}

/* Bound last, so that not a frame of another interface gets in. */
static bool attach(ss_packet_port *packet)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = packet->index};
    struct packet_mreq all = {.mr_ifindex = packet->index, .mr_type = PACKET_MR_PROMISC};
    int buffer = SOCKET_BUFFER;
    if (!option(packet->fd, PACKET_VERSION, TPACKET_V2) || !option(packet->fd, PACKET_RESERVE, VLAN_ROOM) ||
        !option(packet->fd, PACKET_IGNORE_OUTGOING, 1) || !option(packet->fd, PACKET_COPY_THRESH, 1))
        return false;
    option(packet->fd, PACKET_QDISC_BYPASS, 1); /* only faster */
    if (setsockopt(packet->fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer))
        setsockopt(packet->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (setsockopt(packet->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer))
        setsockopt(packet->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    return make_ring(packet) && bind(packet->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           setsockopt(packet->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) == 0;
}

static int open_socket(ss_packet_port *packet)
{
    struct ifreq answer;
    packet->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (packet->fd < 0)
        return ss_fail(SS_SYSTEM, "a packet socket for interface %s: %s%s", packet->name, strerror(errno),
                       errno == EPERM ? " (run as root, or with CAP_NET_RAW)" : "");
    int status = SS_OK;
    if (query(packet, SIOCGIFINDEX, &answer))
        status = ss_fail(SS_NO_INTERFACE, "there is no interface %s in this network namespace", packet->name);
    else {
        packet->index = answer.ifr_ifindex;
        if (query(packet, SIOCGIFHWADDR, &answer) ||
            (answer.ifr_hwaddr.sa_family != ARPHRD_ETHER && answer.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK))
            status = ss_fail(SS_INVALID, "interface %s does not carry Ethernet frames", packet->name);
        else if (query(packet, SIOCGIFMTU, &answer))
            status = ss_fail(SS_SYSTEM, "the MTU of interface %s: %s", packet->name, strerror(errno));
        else {
            packet->frame_limit = (uint32_t)answer.ifr_mtu + ETH_HLEN + VLAN_ROOM;
            if (!attach(packet))
                status = ss_fail(SS_SYSTEM, "interface %s as a port: %s", packet->name, strerror(errno));
        }
    }
    if (status != SS_OK)
        close_socket(packet);
    else
        packet->port.up = is_up(packet);
    return status;
}

static int poll_fd(ss_port *port) { return ((ss_packet_port *)port)->fd; }

static void collect(ss_port *port)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    struct tpacket_stats counted; /* since the last time */
    socklen_t size = sizeof counted;
    if (packet->fd >= 0 && getsockopt(packet->fd, SOL_PACKET, PACKET_STATISTICS, &counted, &size) == 0)
        port->stats.rx_ring_drops += counted.tp_drops;
}

static bool check(ss_port *port)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    bool was_up = port->up;
    if (packet->fd < 0) {
        if (open_socket(packet) != SS_OK)
            return false;
        ss_notice(port->sw, "port %u: interface %s is back", port->number, packet->name);
        return true;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(packet->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error)
        port->stats.last_error = (uint64_t)error; /* reading it lets the socket sleep again */
    struct ifreq answer;
    if (query(packet, SIOCGIFINDEX, &answer) || answer.ifr_ifindex != packet->index) {
        collect(port);
        close_socket(packet);
        ss_notice(port->sw, "port %u: interface %s is gone", port->number, packet->name);
        return true;
    }
    port->up = is_up(packet);
    if (port->up != was_up)
        ss_notice(port->sw, "port %u: interface %s is %s", port->number, packet->name, port->up ? "up" : "down");
    return port->up != was_up;
}

static void close_port(ss_port *port)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    close_socket(packet);
    for (uint32_t i = 0; i < SS_BATCH; i++)
        free(packet->big[i]);
    for (uint32_t i = 0; i < SS_TX_SLOTS; i++)
        free(packet->slots[i].own);
    free(packet);
}

static const ss_port_ops operations = {
    ss_packet_receive, ss_packet_release, ss_packet_send, ss_packet_flush, poll_fd, check, collect, close_port,
};

ss_port *ss_packet_port_open(ss_switch *sw, uint32_t number, const char *name)
{
    if (strlen(name) >= IFNAMSIZ || !*name) {
        ss_fail(SS_NO_INTERFACE, "there is no interface %s in this network namespace", name);
        return NULL;
    }
    ss_packet_port *packet = calloc(1, sizeof *packet);
    if (!packet) {
        ss_fail(SS_NO_MEMORY, "no memory for port %u", number);
        return NULL;
    }
    packet->port = (ss_port){.ops = &operations, .sw = sw, .number = number};
    memcpy(packet->name, name, strlen(name));
    packet->fd = -1;
    if (open_socket(packet) != SS_OK) {
        free(packet);
        return NULL;
    }
    return &packet->port;
}
