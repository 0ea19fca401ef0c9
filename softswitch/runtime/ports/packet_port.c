#include "ports/packet_port.h"

#include <linux/if_packet.h>
#include <sys/ioctl.h>

#include "core/error.h"
#include "core/log.h"
#include "ports/packet_receive.h"
#include "ports/packet_send.h"
#include "ports/packet_socket.h"

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
        if (ss_packet_open(packet) != SS_OK)
            return false;
        ss_notice(port->sw, "port %u: interface %s is back", port->number, packet->name);
        return true;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(packet->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error)
        port->stats.last_error = (uint64_t)error; /* reading it lets the socket sleep again */
    struct ifreq answer;
    if (ss_packet_query(packet, SIOCGIFINDEX, &answer) || answer.ifr_ifindex != packet->index) {
        collect(port);
        ss_packet_close(packet);
        ss_notice(port->sw, "port %u: interface %s is gone", port->number, packet->name);
        return true;
    }
    ss_packet_read_mtu(packet);
    port->up = ss_packet_link_up(packet);
    if (port->up != was_up)
        ss_notice(port->sw, "port %u: interface %s is %s", port->number, packet->name, port->up ? "up" : "down");
    return port->up != was_up;
}

static void close_port(ss_port *port)
{
    ss_packet_port *packet = (ss_packet_port *)port;
    ss_packet_close(packet);
    for (uint32_t i = 0; i < SS_BATCH; i++)
        free(packet->big[i]);
    ss_packet_free_lanes(packet);
    free(packet->super);
    free(packet->pieces_memory);
    free(packet);
}

static const ss_port_ops operations = {
    ss_packet_receive, ss_packet_release,     ss_packet_send,    ss_packet_flush, poll_fd, check,
    collect,           ss_packet_nearly_full, ss_packet_is_slow, close_port,
};

ss_port *ss_packet_port_open(ss_switch *sw, uint32_t number, const char *name, uint32_t ring_frames, bool offloads)
{
    if (strlen(name) >= IFNAMSIZ) {
        ss_fail(SS_NO_INTERFACE, "the name of an interface has at most %d characters, not %s", IFNAMSIZ - 1, name);
        return NULL;
    }
    if (!*name) {
        ss_fail(SS_NO_INTERFACE, "there is no interface %s in this network namespace", name);
        return NULL;
    }
    ss_packet_port *packet = calloc(1, sizeof *packet);
    if (!packet) {
        ss_fail(SS_NO_MEMORY, "no memory for port %u", number);
        return NULL;
    }
    packet->port = (ss_port){.ops = &operations, .sw = sw, .number = number, .order = SS_ORDER_BEGINS};
    memcpy(packet->name, name, strlen(name));
    packet->fd = -1;
    packet->ring_frames = ring_frames;
    packet->offloads = offloads;
    if (ss_packet_open(packet) != SS_OK) {
        close_port(&packet->port);
        return NULL;
    }
    return &packet->port;
}

const char *ss_packet_port_name(const ss_port *port)
{
    return port->ops == &operations ? ((const ss_packet_port *)port)->name : NULL;
}
