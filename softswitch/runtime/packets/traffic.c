#include "packets/traffic.h"

#include "core/instance.h"
#include "core/queue.h"
#include "packets/egress_queues.h"
#include "packets/jobs.h"
#include "packets/output.h"
#include "packets/replication.h"
#include "packets/trace.h"
#include "packets/update_ring.h"
#include "packets/work.h"
#include "ports/port.h"

#define PASSES_AT_ONCE 16u
#define MAX_PASSES 1000u
#define MAX_JOBS 8192u
#define MAX_JOB_BYTES (512ull << 20) /* of them: headers and metadata of a program can be large */
#define JOBS_AT_ONCE 65536u
#define QUEUED_AT_ONCE 256u
#define REPLICAS_AT_ONCE 16u
#define MAX_QDEPTH 0x7ffffu                            /* 19 bits */
#define SS_RARE static __attribute__((noinline, cold)) /* kept out of the way of packets that do not wait */

typedef struct ss_pass { /* what all passes of one packet share */
    ss_switch *sw;
    ss_instance *instance;
    const ss_program *program;
    uint32_t rounds; /* how often it came back to ingress */
    uint32_t clones; /* a clone of egress of a clone of egress ...: how many in a row */
    bool stable;     /* the packet's bytes stay where they are until the end of the batch */
    ss_job *queued;  /* the packet has waited before egress */
} ss_pass;

/* The requests of ingress are carried out before egress, except truncation and recirculation, which follow egress. */
static void clear_requests(ss_requests *requests)
{
    requests->clone = requests->resubmit = requests->aborted = false;
    requests->clone_session = 0;
    requests->clone_fields = requests->resubmit_fields = SS_NO_FIELDS;
    requests->digest_count = 0;
}

static void begin_packet(ss_packet *packet, const uint8_t *data, uint32_t length, void *user, void *trace)
{
    packet->data = data;
    packet->length = length;
    packet->consumed = 0;
    packet->length_change = 0;
    packet->user = user;
    packet->trace = trace;
    memset(&packet->std, 0, sizeof packet->std);
    clear_requests(&packet->requests);
    packet->requests.recirculate = false;
    packet->requests.recirculate_fields = SS_NO_FIELDS;
    packet->requests.truncate_to = UINT32_MAX;
}

static void count_drop(const ss_pass *pass, ss_packet *packet, enum ss_drop reason, const char *words)
{
    pass->sw->stats.drops[reason]++;
    if (ss_unlikely(packet->trace))
        ss_trace(packet, "dropped: %s", words);
}

/* Room for a packet: bytes of `head` and `tail`, and user memory. NULL: no memory. */
static ss_job *room_for(const ss_pass *pass, const ss_packet *packet, enum ss_stage stage, const void *head,
                        uint32_t head_bytes, const void *tail, uint32_t tail_bytes)
{
    size_t user_at = (sizeof(ss_job) + 63) & ~(size_t)63,
           data_at = (user_at + pass->program->user_size + 63) & ~(size_t)63;
    size_t bytes = (data_at + head_bytes + tail_bytes + 64) & ~(size_t)63;
    ss_job *job = aligned_alloc(64, bytes);
    if (!job)
        return NULL;
    uint8_t *data = (uint8_t *)job + data_at;
    if (head_bytes)
        memcpy(data, head, head_bytes);
    if (tail_bytes)
        memcpy(data + head_bytes, tail, tail_bytes);
    job->stage = stage;
    job->serial = pass->instance->serial;
    job->rounds = pass->rounds;
    job->clones = pass->clones;
    job->port = 0;
    job->bytes = bytes;
    begin_packet(&job->packet, data, head_bytes + tail_bytes, (uint8_t *)job + user_at, packet->trace);
    return job;
}

/* Room for a packet that comes back or is cloned. NULL (and counted) when there is none, or after too many rounds. */
static ss_job *new_job(const ss_pass *pass, ss_packet *packet, enum ss_stage stage, const void *head,
                       uint32_t head_bytes, const void *tail, uint32_t tail_bytes)
{
    ss_switch *sw = pass->sw;
    bool round_again = stage == SS_STAGE_INGRESS;
    if (round_again ? pass->rounds >= MAX_PASSES && sw->sink != SS_TO_PORTS : pass->clones >= MAX_PASSES) {
        count_drop(pass, packet, SS_DROP_PASSES, "it went round too often");
        return NULL;
    }
    bool full = sw->jobs.count + sw->deferred.count >= MAX_JOBS || sw->jobs.bytes + sw->deferred.bytes >= MAX_JOB_BYTES;
    ss_job *job = !full ? room_for(pass, packet, stage, head, head_bytes, tail, tail_bytes) : NULL;
    if (!job) {
        count_drop(pass, packet, SS_DROP_QUEUE, "too many packets go round");
        return NULL;
    }
    job->rounds = pass->rounds + round_again;
    job->clones = round_again ? 0 : pass->clones + 1;
    return job;
}

static void copy_list(const ss_pass *pass, uint32_t list, ss_packet *to, const ss_packet *from)
{
    if (list != SS_NO_FIELDS)
        pass->program->copy_fields(list, to->user, from->user, &to->std, &from->std);
}

static void run_egress(ss_pass *pass, ss_packet *packet, uint32_t port);

/* One egress pass per replica. The packet itself is used up by the last one; the others run on copies in `spare`. */
static void replicate(ss_pass *pass, ss_packet *packet, const ss_replicas *replicas, uint8_t *spare)
{
    for (uint32_t i = 0; i < replicas->count; i++) {
        if (i % REPLICAS_AT_ONCE == REPLICAS_AT_ONCE - 1 && ss_unlikely(ss_work_exceeded(pass->sw))) {
            pass->sw->stats.drops[SS_DROP_PASSES] += replicas->count - i;
            return;
        }
        const ss_replica *replica = &replicas->replica[i];
        ss_packet copy, *one = packet;
        if (i + 1 < replicas->count) {
            begin_packet(&copy, packet->data, packet->length, spare, packet->trace);
            memcpy(spare, packet->user, pass->program->user_size);
            copy.consumed = packet->consumed;
            copy.length_change = packet->length_change;
            copy.std = packet->std;
            copy.requests.truncate_to = packet->requests.truncate_to;
            one = &copy;
        }
        one->std.egress_rid = replica->instance;
        run_egress(pass, one, replica->port);
    }
}

/* Where a packet's clones go, without those whose updates the ring takes. NULL: nowhere. */
static const ss_replicas *clone_session(const ss_pass *pass, ss_packet *packet, bool egress)
{
    const ss_replicas *session = ss_pre_session(pass->sw, packet->requests.clone_session);
    if (ss_unlikely(pass->sw->ring != NULL) && session)
        return ss_update_ring_take(pass->sw, pass->instance, packet, session, egress);
    return session;
}

static void clone_ingress(ss_pass *pass, ss_packet *packet, const ss_replicas *session)
{
    ss_instance *instance = pass->instance;
    ss_packet copy;
    begin_packet(&copy, packet->data, packet->length, instance->user[1], packet->trace);
    if (ss_unlikely(packet->trace))
        ss_trace(packet, "cloned to session %u; the clone:", packet->requests.clone_session);
    copy.std.ingress_port = packet->std.ingress_port; /* parsers may look at it */
    pass->program->reset(&copy);
    pass->program->parse(&instance->pipeline, &copy);
    pass->program->reset_metadata(&copy);
    memset(&copy.std, 0, sizeof copy.std);
    copy_list(pass, packet->requests.clone_fields, &copy, packet);
    copy.std.instance_type = SS_INGRESS_CLONE;
    if (session->truncate)
        copy.requests.truncate_to = session->truncate;
    replicate(pass, &copy, session, instance->user[2]);
    if (ss_unlikely(packet->trace))
        ss_trace(packet, "the original:");
}

static void clone_egress(ss_pass *pass, ss_packet *packet, const ss_replicas *session)
{
    for (uint32_t i = 0; i < session->count; i++) {
        ss_job *job = new_job(pass, packet, SS_STAGE_EGRESS, packet->data, packet->length, NULL, 0);
        if (!job)
            return;
        ss_packet *copy = &job->packet;
        memcpy(copy->user, packet->user, pass->program->user_size);
        copy->consumed = packet->consumed;
        copy->length_change = packet->length_change;
        pass->program->reset_metadata(copy);
        copy_list(pass, packet->requests.clone_fields, copy, packet);
        copy->std.instance_type = SS_EGRESS_CLONE;
        copy->std.egress_rid = session->replica[i].instance;
        if (session->truncate)
            copy->requests.truncate_to = session->truncate;
        job->port = session->replica[i].port;
        ss_jobs_push(&pass->sw->jobs, job);
    }
    if (ss_unlikely(packet->trace))
        ss_trace(packet, "cloned to session %u", packet->requests.clone_session);
}

/* Sends the packet back to ingress: as it came (resubmit) or as the deparser left it (recirculate). */
static void again(ss_pass *pass, ss_packet *packet, uint32_t type, uint32_t list, const void *head, uint32_t head_bytes,
                  const void *tail, uint32_t tail_bytes)
{
    ss_job *job = new_job(pass, packet, SS_STAGE_INGRESS, head, head_bytes, tail, tail_bytes);
    if (!job)
        return;
    pass->program->reset(&job->packet);
    copy_list(pass, list, &job->packet, packet);
    job->packet.std.instance_type = type;
    job->packet.std.packet_length = job->packet.length;
    ss_jobs_push(job->rounds % PASSES_AT_ONCE || pass->sw->sink != SS_TO_PORTS ? &pass->sw->jobs : &pass->sw->deferred,
                 job);
    if (ss_unlikely(packet->trace))
        ss_trace(packet, type == SS_RESUBMITTED ? "resubmitted" : "recirculated");
}

/* A copy of a packet, with what the rest of egress needs of it, that leaves later. */
SS_RARE void put_off(const ss_pass *pass, ss_packet *packet, uint32_t port, uint32_t priority, uint64_t send_ns,
                     uint32_t depth)
{
    ss_job *job = room_for(pass, packet, SS_STAGE_EGRESS, packet->data, packet->length, NULL, 0);
    if (job) {
        ss_packet *copy = &job->packet;
        memcpy(copy->user, packet->user, pass->program->user_size);
        copy->consumed = packet->consumed;
        copy->length_change = packet->length_change;
        copy->std = packet->std;
        copy->requests.truncate_to = packet->requests.truncate_to;
        copy->requests.recirculate = packet->requests.recirculate;
        copy->requests.recirculate_fields = packet->requests.recirculate_fields;
        job->port = port;
        job->priority = priority;
        job->send_ns = send_ns;
        job->enq_us = (uint32_t)(pass->sw->now_ns / 1000);
        job->depth_before = depth;
    }
    if (!job || !ss_egress_push(pass->sw, job)) {
        free(job);
        count_drop(pass, packet, SS_DROP_QUEUE, "too many packets wait before egress");
    } else if (ss_unlikely(packet->trace)) {
        ss_trace(packet, "waits before egress, port %u, behind %u others", port, depth);
    }
}

/* Whether a packet goes no further for now: it waits, or there is no room. One that has waited is told how long. */
SS_RARE bool is_held_up(const ss_pass *pass, ss_packet *packet, uint32_t port)
{
    ss_std *std = &packet->std;
    uint32_t priority = std->priority % SS_PRIORITIES, depth;
    uint64_t send_ns;
    if (pass->queued) {
        const ss_job *job = pass->queued;
        std->enq_timestamp = job->enq_us;
        std->deq_timedelta = (uint32_t)(pass->sw->now_ns / 1000) - job->enq_us;
        std->enq_qdepth = job->depth_before & MAX_QDEPTH;
        std->deq_qdepth = job->depth_behind & MAX_QDEPTH;
        return false;
    }
    if (port > SS_MAX_PORT || pass->sw->sink == SS_DISCARD)
        return false;
    enum ss_admission admission = ss_egress_admit(pass->sw, port, priority, &send_ns, &depth);
    if (admission == SS_FULL_QUEUE)
        count_drop(pass, packet, SS_DROP_EGRESS_QUEUE, "the queue of its port is full");
    else if (admission == SS_NO_QUEUE)
        count_drop(pass, packet, SS_DROP_EGRESS_QUEUE, "its priority has no queue (--priority-queues)");
    else if (admission == SS_WAITS)
        put_off(pass, packet, port, priority, send_ns, depth);
    return admission != SS_GOES_ON;
}

static void run_egress(ss_pass *pass, ss_packet *packet, uint32_t port)
{
    ss_switch *sw = pass->sw;
    ss_pipeline *pipeline = &pass->instance->pipeline;
    ss_std *std = &packet->std;
    ss_requests *requests = &packet->requests;
    std->egress_port = port;
    std->egress_spec = (sw->drop_port + 1) % (SS_MAX_PORT + 1); /* any port but the one that drops */
    std->packet_length = (uint32_t)((int32_t)packet->length + packet->length_change);
    std->egress_global_timestamp = sw->now_ns / 1000 & 0xffffffffffffull;
    std->enq_timestamp = (uint32_t)std->egress_global_timestamp;
    std->enq_qdepth = std->deq_timedelta = std->deq_qdepth = 0;
    clear_requests(requests);
    if (ss_unlikely(sw->egress != NULL) && is_held_up(pass, packet, port))
        return;
    if (ss_unlikely(packet->trace))
        ss_trace(packet, "egress, port %u", port);
    pass->program->egress(pipeline, packet);
    if (ss_unlikely(requests->aborted)) {
        count_drop(pass, packet, SS_DROP_ABORTED, "a failed assertion");
        return;
    }
    if (requests->clone) {
        const ss_replicas *session = clone_session(pass, packet, true);
        if (session)
            clone_egress(pass, packet, session);
    }
    if (std->egress_spec == sw->drop_port) {
        count_drop(pass, packet, SS_DROP_EGRESS, "at the end of egress");
        return;
    }
    uint32_t header_bytes = pass->program->deparse(pipeline, packet, pass->instance->emit);
    if (ss_unlikely(requests->aborted)) {
        count_drop(pass, packet, SS_DROP_ABORTED, "a failed assertion");
        return;
    }
    uint32_t parsed = packet->consumed / 8;
    const uint8_t *payload = packet->data + parsed;
    uint32_t payload_bytes = packet->length > parsed ? packet->length - parsed : 0;
    if (requests->recirculate && (uint64_t)header_bytes + payload_bytes > SS_MAX_FRAME) {
        count_drop(pass, packet, SS_DROP_PASSES, "it came back longer than a frame can be");
        return;
    }
    if (requests->recirculate) { /* truncation does not survive, as in simple_switch */
        again(pass, packet, SS_RECIRCULATED, requests->recirculate_fields, pass->instance->emit, header_bytes, payload,
              payload_bytes);
        return;
    }
    if (requests->truncate_to < header_bytes + payload_bytes) {
        if (requests->truncate_to < header_bytes)
            header_bytes = requests->truncate_to;
        payload_bytes = requests->truncate_to - header_bytes;
    }
    if (ss_unlikely(packet->trace)) {
        if (sw->sink == SS_TO_PORTS && port != sw->cpu_port && !ss_port_at(sw, port))
            ss_trace(packet, "dropped: there is no port %u", port);
        else
            ss_trace(packet, "sent out of port %u, %u bytes", port, header_bytes + payload_bytes);
    }
    ss_output(sw, port, pass->instance->emit, header_bytes, payload, payload_bytes, pass->stable);
}

static void send_digests(const ss_pass *pass, const ss_requests *requests)
{
    for (uint32_t i = 0; i < requests->digest_count; i++) {
        const ss_digest_message *digest = &requests->digests[i];
        if (!ss_queue_push(pass->sw->queues[SS_DIGESTS], digest->digest, pass->instance->serial,
                           pass->sw->now_ns / 1000, digest->data, digest->words * (uint32_t)sizeof *digest->data, NULL,
                           0))
            pass->sw->stats.drops[SS_DROP_DIGEST_QUEUE]++;
    }
}

static void run_ingress(ss_pass *pass, ss_packet *packet)
{
    ss_switch *sw = pass->sw;
    ss_requests *requests = &packet->requests;
    pass->program->parse(&pass->instance->pipeline, packet);
    pass->program->ingress(&pass->instance->pipeline, packet);
    if (ss_unlikely(requests->aborted)) {
        count_drop(pass, packet, SS_DROP_ABORTED, "a failed assertion");
        return;
    }
    if (requests->clone) {
        const ss_replicas *session = clone_session(pass, packet, false);
        if (session)
            clone_ingress(pass, packet, session);
    }
    if (requests->digest_count)
        send_digests(pass, requests);
    if (requests->resubmit) {
        again(pass, packet, SS_RESUBMITTED, requests->resubmit_fields, packet->data, packet->length, NULL, 0);
        return;
    }
    if (packet->std.mcast_grp) {
        const ss_replicas *group = ss_pre_group(sw, packet->std.mcast_grp);
        if (!group || !group->count) {
            count_drop(pass, packet, SS_DROP_NO_GROUP, "its multicast group has no replicas");
            return;
        }
        if (ss_unlikely(packet->trace))
            ss_trace(packet, "multicast to group %u", packet->std.mcast_grp);
        packet->std.instance_type = SS_REPLICATED;
        packet->requests.truncate_to = UINT32_MAX; /* replicas know of no request of ingress, as in simple_switch */
        packet->requests.recirculate = false;
        replicate(pass, packet, group, pass->instance->user[1]);
        return;
    }
    if (packet->std.egress_spec == sw->drop_port) {
        count_drop(pass, packet, SS_DROP_INGRESS, "at the end of ingress");
        return;
    }
    packet->std.instance_type = SS_NORMAL;
    run_egress(pass, packet, packet->std.egress_spec);
}

/* Deferred from before a swap: the new program starts with just the frame, in user memory of its own size. */
static void adopt(const ss_pass *pass, ss_packet *packet)
{
    uint32_t type = packet->std.instance_type, length = packet->length;
    begin_packet(packet, packet->data, length, pass->instance->user[0], packet->trace);
    pass->program->reset(packet);
    packet->std.instance_type = type;
    packet->std.packet_length = length;
}

static void run_job(ss_switch *sw, ss_job *job)
{
    ss_instance *instance = sw->active;
    ss_packet *packet = &job->packet;
    ss_pass pass = {sw, instance, instance->pipeline.program, job->rounds, job->clones, false, NULL};
    sw->stats.passes++;
    ss_trace_begin(sw, packet);
    if (job->serial != instance->serial)
        adopt(&pass, packet);
    if (ss_unlikely(packet->trace))
        ss_trace(packet, job->stage == SS_STAGE_INGRESS ? "ingress again, %u bytes" : "clone of egress, %u bytes",
                 packet->length);
    if (job->stage == SS_STAGE_INGRESS)
        run_ingress(&pass, packet);
    else
        run_egress(&pass, packet, job->port);
}

static void run_jobs(ss_switch *sw)
{
    uint32_t left = JOBS_AT_ONCE;
    for (ss_job *job; (job = ss_jobs_pop(&sw->jobs));) {
        if (left == 0 || ss_unlikely(ss_work_exceeded(sw))) { /* a program that multiplies packets without end */
            sw->stats.drops[SS_DROP_PASSES]++;
        } else {
            run_job(sw, job);
            left--;
        }
        free(job);
    }
}

void ss_resume_deferred(ss_switch *sw)
{
    if (ss_likely(!sw->deferred.first))
        return;
    if (!sw->active) {
        ss_jobs_clear(&sw->deferred);
        return;
    }
    ss_work_begin(sw);
    sw->jobs = sw->deferred;
    sw->deferred = (ss_jobs){NULL, &sw->deferred.first, 0, 0};
    run_jobs(sw);
    if (sw->tracing)
        ss_trace_end(sw);
}

static void run_queued(ss_switch *sw, ss_job *job)
{
    ss_instance *instance = sw->active;
    ss_pass pass = {sw, instance, instance->pipeline.program, job->rounds, job->clones, false, job};
    ss_trace_begin(sw, &job->packet);
    if (job->serial != instance->serial)
        adopt(&pass, &job->packet);
    run_egress(&pass, &job->packet, job->port);
    if (sw->jobs.first)
        run_jobs(sw);
    if (sw->tracing)
        ss_trace_end(sw);
}

void ss_resume_queued(ss_switch *sw, bool all)
{
    uint32_t left = all ? ss_egress_waiting(sw) + JOBS_AT_ONCE : QUEUED_AT_ONCE;
    ss_work_begin(sw);
    for (ss_job *job; sw->egress && (job = ss_egress_pop(sw, all));) {
        if (left == 0 || !sw->active) /* clones of clones without end; or the program is gone */
            sw->stats.drops[sw->active ? SS_DROP_PASSES : SS_DROP_NO_PIPELINE]++;
        else
            run_queued(sw, job);
        free(job);
        left -= left > 0;
        if (!all && left == 0)
            return;
    }
}

void ss_receive(ss_switch *sw, uint32_t port, const uint8_t *data, uint32_t length)
{
    ss_instance *instance = sw->active;
    sw->stats.packets++;
    if (ss_unlikely(!instance)) {
        sw->stats.drops[SS_DROP_NO_PIPELINE]++;
        return;
    }
    ss_pass pass = {sw, instance, instance->pipeline.program, 0, 0, true, NULL};
    ss_packet packet;
    begin_packet(&packet, data, length, instance->user[0], NULL);
    packet.std.ingress_port = port;
    packet.std.packet_length = length;
    packet.std.ingress_global_timestamp = sw->now_ns / 1000 & 0xffffffffffffull;
    if (ss_unlikely(sw->tracing)) {
        ss_trace_begin(sw, &packet);
        ss_trace(&packet, "received on port %u, %u bytes", port, length);
    }
    pass.program->reset(&packet);
    run_ingress(&pass, &packet);
    if (ss_unlikely(sw->jobs.first != NULL))
        run_jobs(sw);
    if (ss_unlikely(sw->tracing))
        ss_trace_end(sw);
}
