/* The runtime's own view of the switch: what its files share and nobody else sees. */
#ifndef SS_INTERNAL_H
#define SS_INTERNAL_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "include/api.h"
#include "ports/port.h"

#define SS_PORTS 65536u
#define SS_BATCH 32u
#define SS_MAX_FRAME 65536u
#define SS_SECOND 1000000000ull

#define ss_likely(x) __builtin_expect(!!(x), 1)
#define ss_unlikely(x) __builtin_expect(!!(x), 0)

/* ---- small things ---- */
int ss_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3))); /* keeps the text; returns status */

typedef struct ss_map { /* id -> pointer, open addressing; grows */
    uint64_t *keys;
    void **values;
    uint32_t capacity, count;
} ss_map;
void *ss_map_get(const ss_map *map, uint64_t id);
bool ss_map_put(ss_map *map, uint64_t id, void *value); /* replaces; false: no memory */
void *ss_map_remove(ss_map *map, uint64_t id);
void ss_map_free(ss_map *map);

typedef struct ss_queue ss_queue; /* bounded, between the data plane and controllers */
ss_queue *ss_queue_create(uint32_t most_messages);
void ss_queue_destroy(ss_queue *queue);
bool ss_queue_push(ss_queue *queue, uint32_t tag, uint64_t source, uint64_t time_us, const void *head, uint32_t head_bytes,
                   const void *tail, uint32_t tail_bytes);

typedef struct ss_text { /* grows; holds at most 1 MiB */
    char *bytes;
    size_t length, capacity;
} ss_text;
void ss_text_append(ss_text *text, const char *format, va_list arguments);

/* ---- replication ---- */
typedef struct ss_replica {
    uint32_t port, instance;
} ss_replica;
typedef struct ss_choice { /* a replica, or (backup) what stands in for the one before while its port is down */
    ss_replica replica;
    bool backup;
} ss_choice;
typedef struct ss_replicas {
    uint32_t count, truncate; /* truncate 0: none */
    ss_replica *replica;      /* what packets get now: one of each replica and its backups */
    uint32_t version;         /* port_version for which that was chosen */
    uint32_t choice_count;    /* equal to count without backups */
    ss_choice choices[];
} ss_replicas;

/* ---- work that is put off: clones of egress, resubmitted and recirculated packets ---- */
enum ss_stage { SS_STAGE_INGRESS, SS_STAGE_EGRESS };
typedef struct ss_job {
    struct ss_job *next;
    enum ss_stage stage;
    uint32_t passes, port; /* port: of egress */
    ss_packet packet;      /* data and user point into this block */
    uint64_t serial;       /* of the pipeline whose user memory this is */
} ss_job;
typedef struct ss_jobs {
    ss_job *first, **last;
    uint32_t count;
} ss_jobs;

enum ss_sink { SS_TO_PORTS, SS_CAPTURE, SS_DISCARD };

typedef struct ss_journal ss_journal; /* the last clones: handover.c */

struct ss_switch {
    /* the lock of the data plane: see switch.c */
    pthread_mutex_t control, plane;
    pthread_cond_t resume, turn_over;
    atomic_bool waiting;
    atomic_bool parked;
    atomic_ullong parked_since;
    bool plane_turn;
    uint32_t hold_depth;
    uint64_t hold_began;

    ss_instance *active;
    uint64_t next_serial;
    uint32_t cpu_port, drop_port, packet_in_modes;
    bool tracing;
    uint64_t epoch_ns, fixed_time_us, now_ns;
    uint64_t random[2];

    ss_port **ports;       /* by number */
    ss_port **port_list;   /* the ones there are */
    uint32_t port_count;
    uint32_t port_version; /* changes with port_list or a port's state */
    ss_port *dirty;        /* ports with frames to flush */

    ss_map sessions, groups;
    ss_queue *queues[SS_QUEUES];
    ss_jobs jobs, deferred;
    ss_text trace_text;

    enum ss_sink sink;
    uint8_t *capture;
    uint64_t capture_bytes, capture_capacity, outputs;

    pthread_t thread;
    bool running;
    atomic_bool stop;
    int wake_fd;
    uint32_t seen_version; /* port_version that the thread last built its poll set from */
    uint64_t next_check_ns;

    ss_journal *journal; /* NULL: clones are not kept */

    uint8_t *scratch; /* SS_MAX_FRAME bytes for a packet that must be put together */
    ss_switch_stats stats;
};

/* A loaded pipeline; generated code sees `pipeline`, whose `owner` points back here. */
struct ss_instance {
    ss_pipeline pipeline;
    ss_switch *sw;
    void *library;
    uint64_t serial; /* of loading: no two instances of a switch have the same */
    ss_profile **profiles;
    uint8_t *user[3]; /* headers and metadata of the packet, of its clone, of a replica */
    uint8_t *emit;    /* max_emit bytes for the deparser */
};

/* ---- clock.c ---- */
uint64_t ss_clock_ns(void);                 /* monotonic */
void ss_clock_update(ss_switch *sw);        /* sets now_ns */
uint64_t ss_random_next(ss_switch *sw);
extern _Thread_local ss_switch *ss_current; /* whose packets this thread runs */

/* ---- objects ---- */
ss_table *ss_table_create(ss_instance *instance, const ss_table_desc *desc, ss_profile *profile);
void ss_table_destroy(ss_table *table);
int ss_table_load_initial(ss_table *table);
void ss_table_clear_counters(ss_table *table); /* and the rates of its meters */
void ss_table_empty(ss_table *table);          /* of const entries, too */
ss_array *ss_array_create(ss_instance *instance, const ss_array_desc *desc);
void ss_array_destroy(ss_array *array);
void ss_array_clear(ss_array *array);
uint64_t ss_array_bytes(const ss_array *array);
/* Writes one cell (it must be there) with a big-endian value of a register of `width` bits, cut or extended as need be. The caller
 * has the lock. */
void ss_array_put(ss_array *array, uint64_t index, const uint8_t *value, uint32_t bytes, uint32_t width, bool is_signed);
ss_counter *ss_counter_create(ss_instance *instance, const ss_counter_desc *desc);
void ss_counter_destroy(ss_counter *counter);
void ss_counter_clear(ss_counter *counter);
uint64_t ss_counter_bytes(const ss_counter *counter);
const void *ss_counter_storage(const ss_counter *counter);
ss_meter *ss_meter_create(ss_instance *instance, const ss_counter_desc *desc);
void ss_meter_destroy(ss_meter *meter);
void ss_meter_clear(ss_meter *meter);
ss_profile *ss_profile_create(ss_instance *instance, const ss_profile_desc *desc);
void ss_profile_destroy(ss_profile *profile);
void ss_profile_clear(ss_profile *profile);
uint32_t ss_profile_attach(ss_profile *profile, uint32_t data_words); /* a table joins; returns its position */
void *ss_profile_refer(ss_profile *profile, uint32_t kind, uint64_t id);
void ss_profile_unrefer(uint32_t kind, void *target);
const ss_entry *ss_profile_choose(ss_profile *profile, uint32_t kind, void *target, uint32_t position, uint64_t hash);
ss_value_set *ss_value_set_create(ss_instance *instance, const ss_value_set_desc *desc);
void ss_value_set_destroy(ss_value_set *set);
void ss_value_set_clear(ss_value_set *set);

/* One token bucket pair (RFC 2698), shared by direct and indirect meters. */
typedef struct ss_meter_cell {
    uint64_t cir, cburst, pir, pburst;         /* per second; single rate: pburst is the excess burst, pir is not used */
    uint64_t committed, peak;                  /* tokens, in billionths */
    uint64_t last_ns;
    uint64_t counts[3][2];                     /* packets and bytes of each colour */
    uint32_t mode;                             /* ss_meter_mode */
} ss_meter_cell;
uint32_t ss_meter_cell_execute(ss_meter_cell *cell, uint64_t now_ns, uint32_t packet_bytes, bool in_bytes);
void ss_meter_cell_configure(ss_meter_cell *cell, uint64_t now_ns, const uint64_t *config); /* see SS_READ_HEAD; NULL: green */
void ss_meter_cell_read(const ss_meter_cell *cell, uint64_t *words);                        /* SS_METER_WORDS */

/* ---- locks: instance_lock holds the data plane only when packets use this pipeline ---- */
void ss_instance_lock(ss_instance *instance);
void ss_instance_unlock(ss_instance *instance);
void ss_plane_enter(ss_switch *sw); /* the data-plane thread takes the lock ... */
void ss_plane_leave(ss_switch *sw); /* ... and gives it up */

/* ---- pre.c ---- */
const ss_replicas *ss_pre_session(ss_switch *sw, uint32_t id);
const ss_replicas *ss_pre_group(ss_switch *sw, uint32_t id);
void ss_pre_clear(ss_switch *sw);

/* ---- traffic.c ---- */
void ss_receive(ss_switch *sw, uint32_t port, const uint8_t *data, uint32_t length);
void ss_resume_deferred(ss_switch *sw); /* runs what earlier batches put off */
void ss_jobs_push(ss_jobs *jobs, ss_job *job);
ss_job *ss_jobs_pop(ss_jobs *jobs);
void ss_jobs_clear(ss_jobs *jobs);

/* ---- output.c ---- */
/* Sends header + payload out of a port number. `stable`: the payload stays where it is until the end of the batch. */
void ss_output(ss_switch *sw, uint32_t port, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
               uint32_t payload_bytes, bool stable);
void ss_flush(ss_switch *sw);

/* ---- handover.c ---- */
void ss_journal_add(ss_journal *journal, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload, uint32_t payload_bytes);
void ss_journal_free(ss_journal *journal);

/* ---- dataplane.c ---- */
void ss_wake(ss_switch *sw);
void ss_notice(ss_switch *sw, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ss_trace_begin(ss_switch *sw, ss_packet *packet);
void ss_trace_end(ss_switch *sw);

#endif
