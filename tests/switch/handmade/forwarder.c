/* Port 1 to port 2 and back; port 3 multicasts to group 1. Counts packets by ingress port in register 0. */
#include <string.h>

#include "pipeline.h"

/* DESCRIPTIONS */

typedef struct user {
    uint8_t ethernet[14];
    uint32_t bytes;
} user;

static void reset(ss_packet *packet) { ((user *)packet->user)->bytes = 0; }

static void copy_fields(uint32_t list, void *to, const void *from, ss_std *to_std, const ss_std *from_std)
{
    (void)list, (void)to, (void)from, (void)to_std, (void)from_std;
}

static void parse(ss_pipeline *pipeline, ss_packet *packet)
{
    (void)pipeline;
    user *u = packet->user;
    u->bytes = packet->length < 14 ? packet->length : 14;
    memcpy(u->ethernet, packet->data, u->bytes);
    packet->consumed = u->bytes * 8;
}

static void ingress(ss_pipeline *pipeline, ss_packet *packet)
{
    uint32_t port = packet->std.ingress_port;
    if (port < ss_array_count(pipeline->arrays[0]))
        ((uint64_t *)ss_array_cells(pipeline->arrays[0]))[port]++;
    packet->std.egress_spec = port == 1 ? 2 : port == 2 ? 1 : pipeline->drop_port;
    if (port == 3)
        packet->std.mcast_grp = 1;
}

static void egress(ss_pipeline *pipeline, ss_packet *packet) { (void)pipeline, (void)packet; }

static uint32_t deparse(ss_pipeline *pipeline, ss_packet *packet, uint8_t *out)
{
    (void)pipeline;
    const user *u = packet->user;
    memcpy(out, u->ethernet, u->bytes);
    return u->bytes;
}

const ss_program ss_program_main = {SS_ABI, "forwarder", sizeof(user), 14,      COUNTS, LISTS,  reset,
                                    reset,  copy_fields, parse,        ingress, egress, deparse};
