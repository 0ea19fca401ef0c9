/* Adding and removing the ports of a switch, and their counters. */
#include "core/error.h"
#include "core/safe_point.h"
#include "core/wake.h"
#include "ports/deal.h"
#include "ports/memory_port.h"
#include "ports/packet_port.h"

int ss_ports_add(ss_switch *sw, ss_port *port)
{
    uint32_t number = port->number;
    int status = SS_OK;
    ss_switch_hold(sw);
    ss_port **list = realloc(sw->port_list, (sw->port_count + 1) * sizeof *list);
    if (!list)
        status = ss_fail(SS_NO_MEMORY, "no memory for port %u", number);
    else {
        sw->port_list = list;
        if (sw->ports[number])
            status = ss_fail(SS_EXISTS, "port %u is in use: remove it first", number);
    }
    if (status == SS_OK) {
        port->receiver = ss_fewest_ports(sw);
        sw->port_list[sw->port_count++] = port;
        sw->ports[number] = port;
        sw->port_version++;
    }
    ss_switch_release(sw);
    ss_wake(sw);
    if (status != SS_OK)
        port->ops->close(port);
    return status;
}

static int check_number(ss_switch *sw, uint32_t number)
{
    if (number > SS_MAX_PORT)
        return ss_fail(SS_INDEX, "port numbers go up to %u", SS_MAX_PORT);
    if (number == sw->drop_port)
        return ss_fail(SS_INVALID, "port %u is the drop port", number);
    return sw->ports[number] ? ss_fail(SS_EXISTS, "port %u is in use: remove it first", number) : SS_OK;
}

int ss_port_add_interface(ss_switch *sw, uint32_t number, const char *name, uint32_t ring_frames, bool offloads)
{
    int status = check_number(sw, number);
    if (status == SS_OK && ring_frames && (ring_frames < SS_MIN_RING_FRAMES || ring_frames > SS_MAX_RING_FRAMES))
        status = ss_fail(SS_INVALID, "a ring has from %u to %u frames", SS_MIN_RING_FRAMES, SS_MAX_RING_FRAMES);
    if (status != SS_OK)
        return status;
    for (uint32_t other = 0; other <= SS_MAX_PORT; other++) {
        const char *used = sw->ports[other] ? ss_packet_port_name(sw->ports[other]) : NULL;
        if (used && strcmp(used, name) == 0)
            return ss_fail(SS_EXISTS, "interface %s is port %u already", name, other);
    }
    ss_port *port = ss_packet_port_open(sw, number, name, ring_frames, offloads);
    return port ? ss_ports_add(sw, port) : ss_error_code();
}

int ss_port_add_memory(ss_switch *sw, uint32_t number)
{
    int status = check_number(sw, number);
    if (status != SS_OK)
        return status;
    ss_port *port = ss_memory_port_open(sw, number);
    return port ? ss_ports_add(sw, port) : ss_error_code();
}

int ss_port_remove(ss_switch *sw, uint32_t number)
{
    if (number > SS_MAX_PORT)
        return ss_fail(SS_NOT_FOUND, "there is no port %u", number);
    ss_switch_hold(sw);
    ss_port *port = sw->ports[number];
    if (port) {
        uint32_t at = 0;
        while (sw->port_list[at] != port)
            at++;
        memmove(sw->port_list + at, sw->port_list + at + 1, (sw->port_count - at - 1) * sizeof *sw->port_list);
        sw->port_count--;
        sw->ports[number] = NULL;
        sw->port_version++;
    }
    ss_switch_release(sw);
    if (!port)
        return ss_fail(SS_NOT_FOUND, "there is no port %u", number);
    /* a thread may still wait on its descriptor, which the kernel keeps for as long as it does */
    port->ops->close(port);
    ss_wake(sw);
    return SS_OK;
}

static uint64_t lost_frames(ss_switch *sw)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < sw->port_count; i++) {
        sw->port_list[i]->ops->collect(sw->port_list[i]);
        lost += sw->port_list[i]->stats.rx_ring_drops;
    }
    return lost;
}

void ss_switch_hold_ports(ss_switch *sw)
{
    ss_switch_hold(sw);
    sw->lost_before = lost_frames(sw);
}

void ss_switch_release_ports(ss_switch *sw)
{
    sw->stats.hold_drops += lost_frames(sw) - sw->lost_before;
    ss_switch_release(sw);
}

uint32_t ss_switch_nearly_full(ss_switch *sw)
{
    for (uint32_t i = 0; i < sw->port_count; i++)
        if (sw->port_list[i]->ops->nearly_full(sw->port_list[i]))
            return sw->port_list[i]->number;
    return SS_NO_PORT;
}

int ss_port_stats_read(ss_switch *sw, uint32_t number, ss_port_stats *out)
{
    ss_switch_hold(sw);
    ss_port *port = ss_port_at(sw, number);
    if (port) {
        port->ops->collect(port);
        *out = port->stats;
        out->up = port->up;
    }
    ss_switch_release(sw);
    return port ? SS_OK : ss_fail(SS_NOT_FOUND, "there is no port %u", number);
}

int64_t ss_port_take(ss_switch *sw, uint32_t number, void *out, uint64_t capacity)
{
    ss_switch_hold(sw);
    ss_port *port = ss_port_at(sw, number);
    int64_t bytes;
    if (!port)
        bytes = ss_fail(SS_NOT_FOUND, "there is no port %u", number);
    else if (!ss_is_memory_port(port))
        bytes = ss_fail(SS_INVALID, "port %u is an interface, not a memory port", number);
    else
        bytes = ss_memory_port_take(port, out, capacity);
    ss_switch_release(sw);
    return bytes;
}
