/* Deferred packets: clones of egress, resubmitted and recirculated packets, and packets that wait before egress. */
#ifndef SS_JOBS_H
#define SS_JOBS_H

#include "core/switch.h"

enum ss_stage { SS_STAGE_INGRESS, SS_STAGE_EGRESS };

struct ss_job {
    struct ss_job *next;
    enum ss_stage stage;
    uint32_t rounds, clones; /* of the packet: see traffic.c */
    uint32_t port;           /* egress port */
    ss_packet packet;        /* data and user point into this block */
    uint64_t serial;         /* serial number of the pipeline that owns the user memory */
    uint64_t bytes;          /* of this block */

    /* for packets that wait before egress */
    uint64_t send_ns;
    uint32_t priority, enq_us, depth_before, depth_behind;
};

void ss_jobs_push(ss_jobs *jobs, ss_job *job);
ss_job *ss_jobs_pop(ss_jobs *jobs); /* NULL: none */
void ss_jobs_clear(ss_jobs *jobs);

#endif
