/* The packet's first 16 bytes are a script:
 *  0 egress port   1 ingress asks   2 egress asks   3 session   4 multicast group   5 field list   6 truncate to   7
 * meta 15 how often egress may recirculate (255: without end) asks: 1 clone, 2 resubmit (ingress) or recirculate
 * (egress), 4 multicast, 8 drop, 16 digest, 32 truncate, 64 abort, 128 also when it is not a new packet (else only in
 * passes of instance type 0) `meta` is copied to metadata by ingress of a new packet; field lists preserve it. Egress
 * fills in 8 instance type, 9 egress port, 10 rid, 11 metadata, 12 packet length, 13 ingress port, 14 + 1 per egress.
 * Register 0 counts passes of ingress by instance type, register 1 passes of egress; counter 0 counts by ingress port;
 * meter 0 by ingress port. */
#include <string.h>

#include "pipeline.h"

/* DESCRIPTIONS */

#define HEAD 16

typedef struct user {
    uint8_t head[HEAD];
    uint32_t bytes; /* of the header that are valid */
    uint8_t meta;
} user;

static void reset(ss_packet *packet) { memset(packet->user, 0, sizeof(user)); }

static void reset_metadata(ss_packet *packet) { ((user *)packet->user)->meta = 0; }

static void copy_fields(uint32_t list, void *to, const void *from, ss_std *to_std, const ss_std *from_std)
{
    ((user *)to)->meta = ((const user *)from)->meta;
    if (list == 2)
        to_std->ingress_port = from_std->ingress_port;
}

static uint32_t field_list(const user *u) { return u->head[5] == 255 ? SS_NO_FIELDS : u->head[5]; }

static void parse(ss_pipeline *pipeline, ss_packet *packet)
{
    (void)pipeline;
    user *u = packet->user;
    u->bytes = packet->length < HEAD ? packet->length : HEAD;
    memcpy(u->head, packet->data, u->bytes);
    packet->consumed = u->bytes * 8;
}

static uint8_t asks(const ss_packet *packet, int at)
{
    uint8_t bits = ((const user *)packet->user)->head[at];
    return packet->std.instance_type == SS_NORMAL || packet->std.instance_type == SS_REPLICATED || bits & 128 ? bits
                                                                                                              : 0;
}

static void ingress(ss_pipeline *pipeline, ss_packet *packet)
{
    user *u = packet->user;
    ss_requests *requests = &packet->requests;
    uint8_t want = asks(packet, 1);
    ((uint32_t *)ss_array_cells(pipeline->arrays[0]))[packet->std.instance_type]++;
    ss_counter_count(pipeline->counters[0], packet->std.ingress_port, packet->length);
    if (ss_meter_execute(pipeline->meters[0], packet->std.ingress_port, packet->length) == 2)
        want |= 8;
    ss_trace(packet, "scripted ingress");
    packet->std.egress_spec = u->head[0];
    if (packet->std.instance_type == SS_NORMAL)
        u->meta = u->head[7];
    if (want & 1) {
        requests->clone = true;
        requests->clone_session = u->head[3];
        requests->clone_fields = field_list(u);
    }
    if (want & 2) {
        requests->resubmit = true;
        requests->resubmit_fields = field_list(u);
    }
    if (want & 4)
        packet->std.mcast_grp = u->head[4];
    if (want & 8)
        packet->std.egress_spec = pipeline->drop_port;
    if (want & 16) {
        ss_digest_message *digest = &requests->digests[requests->digest_count++];
        digest->digest = 0;
        digest->words = 3;
        digest->data[0] = u->meta;
        digest->data[1] = packet->length;
        digest->data[2] = 1;
    }
    if (want & 32)
        requests->truncate_to = u->head[6];
    if (want & 64)
        requests->aborted = true;
    if (u->meta == 99)
        ss_log(pipeline, "meta is %d", u->meta);
}

static void egress(ss_pipeline *pipeline, ss_packet *packet)
{
    user *u = packet->user;
    ss_requests *requests = &packet->requests;
    uint8_t want = asks(packet, 2);
    ((uint32_t *)ss_array_cells(pipeline->arrays[1]))[packet->std.instance_type]++;
    u->head[8] = (uint8_t)packet->std.instance_type;
    u->head[9] = (uint8_t)packet->std.egress_port;
    u->head[10] = (uint8_t)packet->std.egress_rid;
    u->head[11] = u->meta;
    u->head[12] = (uint8_t)packet->std.packet_length;
    u->head[13] = (uint8_t)packet->std.ingress_port;
    u->head[14]++;
    if (want & 1) {
        requests->clone = true;
        requests->clone_session = u->head[3];
        requests->clone_fields = field_list(u);
    }
    if (want & 2 && u->head[14] <= u->head[15]) {
        requests->recirculate = true;
        requests->recirculate_fields = field_list(u);
    }
    if (want & 8)
        packet->std.egress_spec = pipeline->drop_port;
    if (want & 32)
        requests->truncate_to = u->head[6];
    if (want & 64)
        requests->aborted = true;
}

static uint32_t deparse(ss_pipeline *pipeline, ss_packet *packet, uint8_t *out)
{
    (void)pipeline;
    const user *u = packet->user;
    memcpy(out, u->head, u->bytes);
    return u->bytes;
}

const ss_program ss_program_main = {SS_ABI,         "scripted",  sizeof(user), HEAD,    COUNTS, LISTS,  reset,
                                    reset_metadata, copy_fields, parse,        ingress, egress, deparse};
