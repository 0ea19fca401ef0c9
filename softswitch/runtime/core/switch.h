/* The state of a switch, by folder; each part is defined in the folder that owns it. */
#ifndef SS_SWITCH_H
#define SS_SWITCH_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base.h"
#include "core/id_map.h"
#include "core/text.h"
#include "include/api.h"

#define SS_BATCH 64u        /* packets of one port that run before anybody else gets in */
#define SS_MAX_FRAME 65536u /* bytes */

typedef struct ss_queue ss_queue;     /* core/queue.h */
typedef struct ss_port ss_port;       /* ports/port.h */
typedef struct ss_frame ss_frame;     /* ports/port.h */
typedef struct ss_job ss_job;         /* packets/jobs.h */
typedef struct ss_journal ss_journal; /* packets/journal.h */
typedef struct ss_egress ss_egress;   /* packets/egress_queues.c */

typedef struct ss_jobs { /* packets that are on their way round: packets/jobs.h */
    ss_job *first, **last;
    uint32_t count;
    uint64_t bytes; /* memory of all of them */
} ss_jobs;

typedef struct ss_work { /* of a batch's further passes: packets/work.c */
    uint32_t passes;
    uint64_t began_ns, check_ns; /* processor time of its thread; when to look at that again */
} ss_work;

enum ss_sink { SS_TO_PORTS, SS_CAPTURE, SS_DISCARD };

typedef struct ss_thread { /* a data-plane thread: plane/start.c */
    ss_switch *sw;
    uint32_t lane;
    pthread_t id;
} ss_thread;

struct ss_switch {
    /* core/safe_point.c */
    pthread_mutex_t control, plane, pipeline;
    pthread_cond_t resume, turn_over;
    atomic_uint waiting; /* who wants the safe point */
    atomic_uint parked;  /* data-plane threads that wait for the end of one */
    atomic_ullong parked_since;
    uint32_t turns; /* batches that go before the next safe point */
    uint32_t busy;  /* of several data-plane threads those in a batch */
    uint32_t hold_depth;
    uint64_t hold_began;

    /* core/swap.c */
    ss_instance *active;
    uint64_t next_serial;

    /* core/clock.c, core/random.c */
    uint64_t epoch_ns, fixed_time_us, now_ns;
    uint64_t random[2];

    /* core/queue.c, core/log.c */
    ss_queue *queues[SS_QUEUES];

    /* ports/ */
    ss_port **ports;     /* by number */
    ss_port **port_list; /* the ones there are */
    uint32_t port_count;
    bool qdiscs;                       /* frames leave through queueing disciplines */
    uint32_t port_version;             /* changes with port_list, a port's state, or who receives from it */
    ss_port *dirty[SS_MAX_IO_THREADS]; /* by lane: ports with frames to flush */
    const ss_frame *received;          /* whose packet runs; NULL: one by hand */
    uint64_t lost_before;              /* rx_ring_drops of all ports when the hold began */

    /* packets/ */
    uint32_t cpu_port, drop_port, packet_in_modes;
    bool tracing;
    ss_text trace_text;
    ss_map sessions, groups;
    ss_jobs jobs, deferred;
    ss_work work;
    enum ss_sink sink;
    uint8_t *capture;
    uint64_t capture_bytes, capture_capacity, outputs;
    ss_journal *journal;  /* NULL: clones are not kept */
    ss_update_ring *ring; /* NULL: updates go by clones */
    ss_egress *egress;    /* NULL: there are no queues before egress */

    /* plane/ */
    ss_thread threads[SS_MAX_IO_THREADS];
    atomic_uint io_threads; /* as many; changes while none runs, and others may wake them */
    uint32_t lane;          /* of the thread whose packets are in the pipeline: where what it sends is collected */
    bool running;
    atomic_bool stop;
    atomic_bool left_over; /* packets may wait for the first of several threads that it has not seen */
    int wake_fds[SS_MAX_IO_THREADS];
    atomic_ullong next_check_ns; /* when ports are checked; 0: now */

    ss_switch_stats stats;
};

/* The switch whose packets this thread runs, or whose data plane it holds. */
extern _Thread_local ss_switch *ss_current;

#endif
