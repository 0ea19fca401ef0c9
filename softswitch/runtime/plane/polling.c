#include "plane/polling.h"

#include <unistd.h>

#include "core/clock.h"
#include "ports/port.h"

void ss_poll_build(ss_switch *sw, ss_poll_set *set, uint32_t lane)
{
    if (ss_likely(set->count && set->version == sw->port_version))
        return;
    if (set->capacity < sw->port_count + 1) {
        struct pollfd *fds = realloc(set->fds, (sw->port_count + 1) * sizeof *fds);
        if (!fds)
            return; /* the old set, and a look every SS_CHECK_NS */
        set->fds = fds;
        set->capacity = sw->port_count + 1;
    }
    set->count = 0;
    set->fds[set->count++] = (struct pollfd){sw->wake_fds[lane], POLLIN, 0};
    for (uint32_t i = 0; i < sw->port_count; i++) {
        ss_port *port = sw->port_list[i];
        int fd = port->receiver == lane ? port->ops->poll_fd(port) : -1;
        if (fd >= 0)
            set->fds[set->count++] = (struct pollfd){fd, POLLIN, 0};
    }
    set->version = sw->port_version;
}

void ss_poll_sleep(ss_switch *sw, const ss_poll_set *set, uint64_t wait_ns)
{
    struct timespec timeout = {(time_t)(wait_ns / SS_SECOND), (long)(wait_ns % SS_SECOND)};
    if (ppoll(set->fds, set->count, &timeout, NULL) <= 0)
        return;
    uint64_t times;
    if (set->fds[0].revents & POLLIN && read(set->fds[0].fd, &times, sizeof times) < 0)
        return;
    for (uint32_t i = 1; i < set->count; i++)
        if (set->fds[i].revents & (POLLERR | POLLHUP | POLLNVAL))
            atomic_store(&sw->next_check_ns, 0); /* an interface went down or away */
}

void ss_ports_check(ss_switch *sw)
{
    for (uint32_t i = 0; i < sw->port_count; i++)
        if (sw->port_list[i]->ops->check(sw->port_list[i]))
            sw->port_version++;
    atomic_store(&sw->next_check_ns, ss_clock_ns() + SS_CHECK_NS);
}
