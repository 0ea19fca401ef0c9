/* A loaded pipeline; generated code sees `pipeline`, whose `owner` points back here. */
#ifndef SS_INSTANCE_H
#define SS_INSTANCE_H

#include "core/base.h"
#include "include/api.h"

struct ss_instance {
    ss_pipeline pipeline;
    ss_switch *sw;
    void *library;
    uint64_t serial; /* of loading, from 1 on: no two instances of a switch have the same */
    ss_profile **profiles;
    uint8_t *user[3]; /* headers and metadata of the packet, of its clone, of a replica */
    uint8_t *emit;    /* max_emit bytes for the deparser */
};

#endif
