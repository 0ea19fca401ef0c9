#include "ports/deal.h"

#define FEW_FRAMES 1000u /* since the last time: whoever receives them does not matter */

static void change_hands(ss_port *port, uint32_t lane)
{
    port->receiver = lane;
    port->sw->port_version++;
}

uint32_t ss_fewest_ports(const ss_switch *sw)
{
    uint32_t ports[SS_MAX_IO_THREADS] = {0}, fewest = 0;
    for (uint32_t i = 0; i < sw->port_count; i++)
        ports[sw->port_list[i]->receiver]++;
    for (uint32_t lane = 1; lane < sw->io_threads; lane++)
        if (ports[lane] < ports[fewest])
            fewest = lane;
    return fewest;
}

void ss_deal_evenly(ss_switch *sw)
{
    for (uint32_t i = 0; i < sw->port_count; i++)
        change_hands(sw->port_list[i], i % sw->io_threads);
}

void ss_deal_by_load(ss_switch *sw)
{
    uint64_t loads[SS_MAX_IO_THREADS] = {0};
    for (uint32_t i = 0; i < sw->port_count; i++) {
        ss_port *port = sw->port_list[i];
        port->load = port->stats.rx_packets - port->dealt;
        port->dealt = port->stats.rx_packets;
        loads[port->receiver] += port->load;
    }
    uint32_t from = 0, to = 0;
    for (uint32_t lane = 1; lane < sw->io_threads; lane++) {
        from = loads[lane] > loads[from] ? lane : from;
        to = loads[lane] < loads[to] ? lane : to;
    }
    ss_port *best = NULL;
    uint64_t limit = loads[from] / 4 * 3; /* less than that is not worth it */
    for (uint32_t i = 0; loads[from] >= FEW_FRAMES && i < sw->port_count; i++) {
        ss_port *port = sw->port_list[i];
        uint64_t left = loads[from] - port->load, taken = loads[to] + port->load, after = left > taken ? left : taken;
        if (port->receiver == from && after <= limit) {
            best = port;
            limit = after;
        }
    }
    if (best)
        change_hands(best, to);
}
