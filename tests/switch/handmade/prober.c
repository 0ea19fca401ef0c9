/* Packet: 8-byte words. First: table (low 8 bits) or 256 + value set; second: selector hash; then the key.
 * Comes out of port 1 with words: hit, action, slot, meter colour, then DATA words of action data. */
#include <string.h>

#include "pipeline.h"

/* DESCRIPTIONS */

#define DATA 8

typedef struct user {
    uint64_t answer[4 + DATA];
} user;

static void reset(ss_packet *packet) { memset(packet->user, 0, sizeof(user)); }

static void copy_fields(uint32_t list, void *to, const void *from, ss_std *to_std, const ss_std *from_std)
{
    (void)list, (void)to, (void)from, (void)to_std, (void)from_std;
}

static void parse(ss_pipeline *pipeline, ss_packet *packet)
{
    (void)pipeline;
    packet->consumed = packet->length * 8;
}

static void ingress(ss_pipeline *pipeline, ss_packet *packet)
{
    uint64_t words[64] = {0};
    user *u = packet->user;
    memcpy(words, packet->data, packet->length < sizeof words ? packet->length : sizeof words);
    packet->std.egress_spec = 1;
    if (words[0] >= 256) {
        u->answer[0] = ss_value_set_contains(pipeline->value_sets[words[0] - 256], words + 2);
        return;
    }
    const ss_table_desc *desc = &pipeline->program->tables[words[0]];
    ss_table *table = pipeline->tables[words[0]];
    bool hit;
    const ss_entry *entry = ss_table_lookup(table, words + 2, words[1], &hit);
    u->answer[0] = hit;
    u->answer[1] = entry->action;
    u->answer[2] = entry->slot;
    if (desc->direct_counter && hit)
        ss_table_count(table, entry, packet->length);
    if (desc->direct_meter && hit)
        u->answer[3] = ss_table_meter(table, entry, packet->length);
    if (entry->action < desc->action_count)
        memcpy(u->answer + 4, entry->data, desc->actions[entry->action].data_words * 8);
}

static void egress(ss_pipeline *pipeline, ss_packet *packet) { (void)pipeline, (void)packet; }

static uint32_t deparse(ss_pipeline *pipeline, ss_packet *packet, uint8_t *out)
{
    (void)pipeline;
    memcpy(out, packet->user, sizeof(user));
    return sizeof(user);
}

const ss_program ss_program_main = {SS_ABI, "prober",    sizeof(user), sizeof(user), COUNTS, LISTS,  reset,
                                    reset,  copy_fields, parse,        ingress,      egress, deparse};
