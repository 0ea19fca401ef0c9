/* Numbers packets in the order in which they go through the program. Their first bytes: 0 egress port, 1 session of a
 * clone (0: none), 2 how often they recirculate, 3 the port they came from, 4-7 their number there (not looked at
 * here), 8-15 their number, 16 whether it is a clone. Register 0: cell 0 the last number, cell 1 how many left egress.
 */
#include <string.h>

#include "pipeline.h"

/* DESCRIPTIONS */

#define HEAD 17

typedef struct user {
    uint8_t head[HEAD];
    uint32_t bytes;
} user;

static void reset(ss_packet *packet) { memset(packet->user, 0, sizeof(user)); }

static void reset_metadata(ss_packet *packet) { (void)packet; }

static void copy_fields(uint32_t list, void *to, const void *from, ss_std *to_std, const ss_std *from_std)
{
    (void)list, (void)to_std, (void)from_std;
    memcpy(((user *)to)->head + 8, ((const user *)from)->head + 8, 8);
    ((user *)to)->head[16] = 1;
}

static void parse(ss_pipeline *pipeline, ss_packet *packet)
{
    (void)pipeline;
    user *u = packet->user;
    u->bytes = packet->length < HEAD ? packet->length : HEAD;
    memcpy(u->head, packet->data, u->bytes);
    packet->consumed = u->bytes * 8;
}

static uint64_t *cells(ss_pipeline *pipeline) { return ss_array_cells(pipeline->arrays[0]); }

static void ingress(ss_pipeline *pipeline, ss_packet *packet)
{
    user *u = packet->user;
    uint64_t number = ++cells(pipeline)[0];
    memcpy(u->head + 8, &number, sizeof number);
    packet->std.egress_spec = u->head[0];
    if (u->head[1] && packet->std.instance_type == SS_NORMAL) {
        packet->requests.clone = true;
        packet->requests.clone_session = u->head[1];
        packet->requests.clone_fields = 0;
    }
}

static void egress(ss_pipeline *pipeline, ss_packet *packet)
{
    user *u = packet->user;
    if (u->head[2] && !u->head[16]) {
        u->head[2]--;
        packet->requests.recirculate = true;
        packet->requests.recirculate_fields = SS_NO_FIELDS;
    } else
        cells(pipeline)[1]++;
}

static uint32_t deparse(ss_pipeline *pipeline, ss_packet *packet, uint8_t *out)
{
    (void)pipeline;
    const user *u = packet->user;
    memcpy(out, u->head, u->bytes);
    return u->bytes;
}

const ss_program ss_program_main = {SS_ABI,         "numbered",  sizeof(user), HEAD,    COUNTS, LISTS,  reset,
                                    reset_metadata, copy_fields, parse,        ingress, egress, deparse};
