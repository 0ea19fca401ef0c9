/* Which segments of up to 64 KiB an interface accepts, as shown by `ethtool -k`. */
#ifndef SS_FEATURES_H
#define SS_FEATURES_H

#include "core/base.h"

typedef struct ss_features {
    bool tcp; /* over IPv4 and IPv6, also with ECN */
    bool udp;
} ss_features;

/* All false if the interface does not say. Takes the kernel's lock on interfaces: not for the packet path. */
ss_features ss_read_features(int fd, const char *name);

#endif
