/* How a data-plane thread sleeps until one of its ports has frames, or somebody wakes it. */
#ifndef SS_POLLING_H
#define SS_POLLING_H

#include <poll.h>

#include "core/switch.h"

#define SS_CHECK_NS (200 * 1000000ull) /* how often ports are checked */
#define SS_DEFERRED_NS 50000           /* the longest sleep while packets go round */

typedef struct ss_poll_set { /* all zero: to be built */
    struct pollfd *fds;
    uint32_t count, capacity;
    uint32_t version; /* port_version that it was built from */
} ss_poll_set;

/* Of the ports that `lane` receives from; while they can't change. Nothing to do: it is up to date. */
void ss_poll_build(ss_switch *sw, ss_poll_set *set, uint32_t lane);
/* At most for `wait_ns`. An error of an interface lets the ports be checked. */
void ss_poll_sleep(ss_switch *sw, const ss_poll_set *set, uint64_t wait_ns);
void ss_ports_check(ss_switch *sw); /* notes what became of them and sets the time of the next check */

#endif
