/* The packet replication engine: clone sessions and multicast groups. They belong to the switch, not to a program. */
#ifndef SS_REPLICATION_H
#define SS_REPLICATION_H

#include "core/switch.h"

typedef struct ss_replica {
    uint32_t port, instance;
} ss_replica;
typedef struct ss_choice { /* a replica, or a backup of the previous one for while its port is down */
    ss_replica replica;
    bool backup;
} ss_choice;
typedef struct ss_replicas {
    uint32_t count, truncate; /* truncate 0: none */
    ss_replica *replica;      /* in use: for each replica, itself or a backup */
    uint32_t version;         /* port_version at the time of that choice */
    uint32_t choice_count;    /* equal to count without backups */
    ss_choice choices[];
} ss_replicas;

const ss_replicas *ss_pre_session(ss_switch *sw, uint32_t id); /* NULL: none */
const ss_replicas *ss_pre_group(ss_switch *sw, uint32_t id);
void ss_pre_clear(ss_switch *sw);

#endif
