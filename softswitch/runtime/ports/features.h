/* Which segments of up to 64 KiB an interface takes: what `ethtool -k` shows. */
#ifndef SS_FEATURES_H
#define SS_FEATURES_H

#include "core/base.h"

typedef struct ss_features {
    bool tcp; /* over IPv4 and IPv6, also with ECN */
    bool udp;
} ss_features;

/* All false where the interface does not tell. It takes the kernel's lock of interfaces: not for the path of packets.
 */
ss_features ss_read_features(int fd, const char *name);

#endif
