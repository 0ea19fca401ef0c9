/* What libssrt.so offers to its controller (softswitch/dataplane/native.py): the switch, its ports, and the objects of
 * a loaded pipeline.
 *
 * Every call is safe from any thread. A call that touches what packets use waits for the safe point
 * (core/safe_point.c). Functions that return `int` give SS_OK or a negative ss_status, and ss_error_text() then tells
 * more. */
#ifndef SS_API_H
#define SS_API_H

#include "pipeline.h"

enum ss_status {
    SS_OK = 0,
    SS_FULL = -1,
    SS_EXISTS = -2,
    SS_NOT_FOUND = -3,
    SS_INDEX = -4,
    SS_INVALID = -5,
    SS_NO_MEMORY = -6,
    SS_NO_INTERFACE = -7,
    SS_SYSTEM = -8,
    SS_IN_USE = -9,
    SS_LOAD = -10,
    SS_CONSTANT = -11,
};

enum ss_operation { SS_INSERT, SS_MODIFY, SS_DELETE };
/* Where frames to the CPU port go; 0: to its interface if there is one, else to the queue. */
enum ss_packet_in { SS_PACKET_IN_QUEUE = 1, SS_PACKET_IN_INTERFACE = 2 }; /* bits */
enum ss_queue_id { SS_PACKET_INS, SS_DIGESTS, SS_LOG, SS_QUEUES };
enum ss_log_kind { SS_LOG_MESSAGE, SS_LOG_TRACE, SS_LOG_NOTICE };

#define SS_MAX_PORT 511u    /* as wide as v1model's PortId_t */
#define SS_MAX_GROUP 65535u /* as wide as mcast_grp */

#define SS_PROGRAM_STACK 4194304u /* bytes of stack for a compiled program, in each thread that runs packets */

typedef struct ss_switch ss_switch;
typedef struct ss_instance ss_instance; /* a loaded pipeline */
typedef struct ss_profile ss_profile;

/* Why a packet went no further. */
enum ss_drop {
    SS_DROP_INGRESS,      /* mark_to_drop in ingress */
    SS_DROP_EGRESS,       /* mark_to_drop in egress */
    SS_DROP_NO_PIPELINE,  /* no pipeline was committed yet */
    SS_DROP_NO_PORT,      /* egress_spec names a port that does not exist */
    SS_DROP_PORT_DOWN,    /* the interface is down or gone */
    SS_DROP_ABORTED,      /* a failed assert or assume */
    SS_DROP_NO_GROUP,     /* multicast group without replicas, or unknown */
    SS_DROP_PASSES,       /* recirculated, resubmitted or cloned without end, for too long, or longer than a frame */
    SS_DROP_QUEUE,        /* too many packets recirculate at once, or no memory for one more */
    SS_DROP_CPU_QUEUE,    /* packet-ins were not taken in time */
    SS_DROP_DIGEST_QUEUE, /* digests were not taken in time (the packet itself continued) */
    SS_DROP_EGRESS_QUEUE, /* the queue of its port and priority was full, or its priority has none */
    SS_DROP_REASONS
};

typedef struct ss_port_stats {
    uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
    uint64_t rx_ring_drops;  /* no free slot in our ring or, for super-frames, no room in SO_RCVBUF */
    uint64_t rx_oversize;    /* longer than 64 KiB, or lost its tail: not received */
    uint64_t rx_no_checksum; /* came with a checksum left to the card: its offload is on */
    uint64_t rx_superframes; /* up to 64 KiB that were split; the counts above are of single frames */
    uint64_t rx_unsplit;     /* super-frames that cannot be split: not received */
    uint64_t tx_superframes; /* sent as one; the counts above are of the frames merged into them */
    uint64_t tx_errors;      /* the kernel refused */
    uint64_t tx_oversize;    /* longer than the interface's MTU allows */
    uint64_t tx_full;        /* the interface took no more for a while */
    uint64_t up;             /* 1 or 0 */
    uint64_t last_error;     /* errno of the latest failure */
} ss_port_stats;

typedef struct ss_switch_stats {
    uint64_t batches, packets, passes; /* passes: runs of ingress or egress beyond the first of a packet */
    uint64_t holds, held_ns, longest_hold_ns, swaps;
    uint64_t hold_drops; /* of the ports' rx_ring_drops: frames that came while the data plane was held */
    uint64_t drops[SS_DROP_REASONS];
} ss_switch_stats;

/* Of the last failed call in this thread. */
const char *ss_error_text(void);
int ss_error_code(void); /* ss_status */

/* ---- the switch ---- */
ss_switch *ss_switch_create(uint32_t cpu_port, uint32_t drop_port, uint64_t seed);
/* stops the threads, closes ports and frees; loaded pipelines must be unloaded first */
void ss_switch_destroy(ss_switch *sw);
/* How many threads receive and send packets, which the program then gets one after the other: 1 unless set. Each has
 * some of the ports. SS_IN_USE while they run. */
#define SS_MAX_IO_THREADS 16u
int ss_switch_set_io_threads(ss_switch *sw, uint32_t threads);
int ss_switch_start(ss_switch *sw);
int ss_switch_stop(ss_switch *sw);
void ss_switch_hold(ss_switch *sw);    /* the data plane waits from here ... */
void ss_switch_release(ss_switch *sw); /* ... to here; nestable within one thread */
/* A hold that may be long: frames lost by its ports during it count as hold_drops. Not nestable. */
void ss_switch_hold_ports(ss_switch *sw);
void ss_switch_release_ports(ss_switch *sw);
/* The number of a port whose ring is three quarters full of waiting frames, SS_NO_PORT: none. For another thread than
 * the one that holds, which must not release until then. */
#define SS_NO_PORT UINT32_MAX
uint32_t ss_switch_nearly_full(ss_switch *sw);
#define SS_REAL_TIME UINT64_MAX /* for ss_switch_set_time: the clock runs */
void ss_switch_set_time(ss_switch *sw, uint64_t microseconds);
uint64_t ss_switch_time(ss_switch *sw); /* microseconds */
void ss_switch_set_packet_in(ss_switch *sw, uint32_t modes);
void ss_switch_set_trace(ss_switch *sw, bool on);
/* Whether frames leave ports that are added from now on through the queueing disciplines of their interfaces (tc),
 * where captures see them, too; else they go straight to the device, which is faster. */
void ss_switch_set_qdiscs(ss_switch *sw, bool on);
void ss_switch_stats_read(ss_switch *sw, ss_switch_stats *out);
void ss_switch_stats_reset(ss_switch *sw);
/* Before each message that ss_queue_take gives. */
typedef struct ss_message {
    uint32_t bytes, tag; /* bytes: of the message */
    uint64_t source, time_us;
} ss_message;
/* Copies waiting messages: each is an ss_message, then
 * the bytes padded to 8. Returns the bytes written, 0 after the time-out (negative: none), SS_INDEX when the first
 * message does not fit. Packet-ins: tag 0. Digests: tag: the digest's index. Source of both: ss_pipeline_serial.
 * Log: tag: ss_log_kind. */
int64_t ss_queue_take(ss_switch *sw, uint32_t queue, uint32_t max_messages, void *out, uint64_t capacity,
                      int64_t timeout_ns);

void ss_queues_close(ss_switch *sw); /* wakes all waiters in ss_queue_take; later calls return at once */

/* ---- ports ---- */
/* `ring_frames`: how many frames can wait for the data plane; 0: the default, or fewer where frames are so long that it
 * would take more than 64 MiB. */
#define SS_DEFAULT_RING_FRAMES 4096u
#define SS_MIN_RING_FRAMES 64u
#define SS_MAX_RING_FRAMES 1048576u
/* `offloads`: frames that a sender left to its network card to segment are split into those that would be on a wire,
 * and what comes of them is merged again on its way out, but not to the CPU port. */
int ss_port_add_interface(ss_switch *sw, uint32_t port, const char *name, uint32_t ring_frames, bool offloads);
int ss_port_add_memory(ss_switch *sw, uint32_t port);
int ss_port_remove(ss_switch *sw, uint32_t port);
int ss_port_stats_read(ss_switch *sw, uint32_t port, ss_port_stats *out);
/* one frame of a memory port; 0: none */
int64_t ss_port_take(ss_switch *sw, uint32_t port, void *out, uint64_t capacity);
int ss_port_send(ss_switch *sw, uint32_t port, const uint8_t *frame, uint32_t length); /* straight out of the port */

/* ---- queues between ingress and egress: none until one of them is set ---- */
/* A packet waits in one if that has a rate, or while its port is an interface with queueing disciplines whose frames
 * have not left. */
#define SS_PRIORITIES 8u
#define SS_DEFAULT_DEPTH 64u
#define SS_ALL_QUEUES UINT32_MAX /* as a port or a priority */
int ss_egress_set_depth(ss_switch *sw, uint32_t port, uint32_t priority, uint64_t packets);
int ss_egress_set_rate(ss_switch *sw, uint32_t port, uint32_t priority, uint64_t per_second); /* 0: no limit */
/* Queues of each port, from 1 to SS_PRIORITIES, which is the default. Packets of other priorities are dropped. */
int ss_egress_set_priorities(ss_switch *sw, uint32_t count);
/* Nothing waits any more: all goes through egress and out of the ports now. */
void ss_egress_flush(ss_switch *sw);

/* ---- packets by hand ---- */
/* Before the bytes of each frame that ss_inject gives. */
typedef struct ss_output_head {
    uint32_t port, length;
} ss_output_head;
/* Runs one packet to its end. Outputs come as an ss_output_head and the bytes, in order, and go nowhere else
 * except to the packet-in queue. `*out` stays valid until the next call. */
int ss_inject(ss_switch *sw, uint32_t port, const uint8_t *frame, uint32_t length, const uint8_t **out,
              uint64_t *out_bytes);
/* Runs packets whose time in a queue is over; outputs as of ss_inject. */
int ss_egress_run(ss_switch *sw, const uint8_t **out, uint64_t *out_bytes);
/* as if received: outputs go to the ports */
/* `serial`: of the pipeline that the frame is for, SS_NOT_FOUND if another one is committed by now; 0: for any. */
int ss_submit(ss_switch *sw, uint32_t port, const uint8_t *frame, uint32_t length, uint64_t serial);
/* Runs `packets` packets, taking `frames` (uint32_t length, bytes) in turn; outputs are counted and thrown away. */
int ss_bench(ss_switch *sw, uint32_t port, const uint8_t *frames, uint64_t frames_bytes, uint64_t packets, uint64_t *ns,
             uint64_t *outputs);

/* ---- pipelines ---- */
ss_instance *ss_pipeline_load(ss_switch *sw, const char *path);
int ss_pipeline_commit(ss_instance *instance);
int ss_pipeline_unload(ss_instance *instance); /* SS_IN_USE while it is the active one of a running switch */
void ss_pipeline_deactivate(ss_switch *sw);
/* Registers, counters and meters as after loading; with `entries` also tables, profiles and value sets. */
void ss_pipeline_reset(ss_instance *instance, bool entries);
ss_table *ss_pipeline_table(ss_instance *instance, uint32_t index);
ss_array *ss_pipeline_array(ss_instance *instance, uint32_t index);
ss_counter *ss_pipeline_counter(ss_instance *instance, uint32_t index);
ss_meter *ss_pipeline_meter(ss_instance *instance, uint32_t index);
ss_profile *ss_pipeline_profile(ss_instance *instance, uint32_t index);
ss_value_set *ss_pipeline_value_set(ss_instance *instance, uint32_t index);
/* The sizes of the program's lists in the order of ss_program: 7 counts. */
void ss_pipeline_shape(ss_instance *instance, uint32_t *counts);
uint64_t ss_pipeline_serial(ss_instance *instance); /* of loading, unique within the switch */
/* The parameters of a CRC of ss_program.crcs: polynomial, initial remainder, final xor, and whether data and remainder
 * are reflected. */
#define SS_CRC_WORDS 5u
int ss_pipeline_set_crc(ss_instance *instance, uint32_t index, const uint32_t *parameters);
int ss_pipeline_get_crc(ss_instance *instance, uint32_t index, uint32_t *parameters);

/* ---- tables ---- */
/* A row that is written, in words: these, then value words, mask words and data words. */
enum ss_row {
    SS_ROW_PRIORITY,
    SS_ROW_KIND,      /* ss_reference: to an action, or to a member or group of the table's profile */
    SS_ROW_REFERENCE, /* the index of the action, or the id of the member or group */
    SS_ROW_IDLE_NS,   /* the idle time-out; 0: none */
    SS_ROW_HEAD
};
enum ss_reference { SS_BY_ACTION, SS_BY_MEMBER, SS_BY_GROUP };
/* A row that is read: these, then as above; then, in a table with a direct meter, SS_METER_WORDS. */
enum ss_read_row {
    SS_READ_ORDER, /* of insertion, unique within the table */
    SS_READ_SLOT,
    SS_READ_PRIORITY,
    SS_READ_KIND,
    SS_READ_REFERENCE,
    SS_READ_IDLE_NS,
    SS_READ_UNUSED_NS, /* since the last hit */
    SS_READ_PACKETS,
    SS_READ_BYTES,
    SS_READ_CONST, /* 1: given by the program, not to be changed */
    SS_READ_HEAD
};
/* A meter: its configuration (ss_meter_mode, cir, cburst, pir, pburst), then packets and bytes that were green, yellow,
 * red. */
#define SS_METER_CONFIG_WORDS 5u
#define SS_METER_COUNT_WORDS 6u
#define SS_METER_WORDS (SS_METER_CONFIG_WORDS + SS_METER_COUNT_WORDS)
/* Two rates: RFC 2698. Single rate: RFC 2697; the word of pburst is the excess burst. */
enum ss_meter_mode { SS_NOT_CONFIGURED, SS_TWO_RATES, SS_SINGLE_RATE };
uint32_t ss_table_row_words(const ss_table *table);
uint32_t ss_table_data_words(const ss_table *table);
int ss_table_write(ss_table *table, uint32_t operation, uint32_t count, const uint64_t *rows, uint32_t *done,
                   uint64_t *orders);
uint32_t ss_table_entry_count(ss_table *table);
uint32_t ss_table_read(ss_table *table, uint64_t *rows, uint32_t capacity, bool expired_only);
int ss_table_find(ss_table *table, const uint64_t *row, uint64_t *read_row);
int ss_table_set_default(ss_table *table, uint32_t action, const uint64_t *data);
void ss_table_reset_default(ss_table *table);
/* A member or group of the table's profile in the place of its default action, until ss_table_reset_default. */
int ss_table_refer_default(ss_table *table, uint32_t kind, uint64_t id);
void ss_table_get_default(ss_table *table, uint32_t *action, uint64_t *data, uint64_t *packets_bytes,
                          uint64_t *kind_reference);
void ss_table_clear(ss_table *table); /* const entries stay */
void ss_table_stats(ss_table *table, uint64_t *hits_misses);
/* Entries of one table for one with the same keys, of a pipeline that packets do not use. `actions`: for the number of
 * each action in `from` that in `to`, or SS_NO_ACTION if `to` does not have it. */
typedef struct ss_table_carry {
    ss_table *to, *from;
    const uint32_t *actions;
    uint32_t idle_timeouts, counters, meters; /* whether they go over, too; of meters the configuration */
    uint32_t carried;                         /* result */
} ss_table_carry;
/* `to` gets all entries of `from` but the const ones, in the order of their insertion: an entry with the same key is
 * modified, a const one stays. What an earlier call has brought and `from` has no more is removed. SS_FULL,
 * SS_NOT_FOUND (a member or group), SS_INVALID (an action that `to` does not have); entries before that one stay.
 * Packets go on. */
int ss_table_carry_entries(ss_table_carry *carry);
/* `slot`: of an entry that was read, or this for the default entry. */
#define SS_DEFAULT_SLOT UINT32_MAX
int ss_table_set_counter(ss_table *table, uint64_t slot, const uint64_t *packets_bytes);
/* SS_METER_CONFIG_WORDS, or NULL: always green */
int ss_table_set_meter(ss_table *table, uint64_t slot, const uint64_t *config);
int ss_table_get_meter(ss_table *table, uint64_t slot, uint64_t *words);               /* SS_METER_WORDS */
int ss_table_set_meter_counts(ss_table *table, uint64_t slot, const uint64_t *counts); /* SS_METER_COUNT_WORDS */

/* ---- arrays: whole ranges of cells, packed as stored ---- */
uint32_t ss_array_cell_bytes(const ss_array *array);
int ss_array_read(ss_array *array, uint64_t start, uint64_t count, void *out);
int ss_array_write(ss_array *array, uint64_t start, uint64_t count, const void *cells);
int ss_array_write_cells(ss_array *array, uint64_t count, const uint64_t *indices, const void *cells);
int ss_counter_read(ss_counter *counter, uint64_t start, uint64_t count, uint64_t *packets_bytes);
int ss_counter_write(ss_counter *counter, uint64_t start, uint64_t count, const uint64_t *packets_bytes);
int ss_meter_read(ss_meter *meter, uint64_t start, uint64_t count, uint64_t *rows); /* SS_METER_WORDS each */
int ss_meter_write(ss_meter *meter, uint64_t start, uint64_t count,
                   const uint64_t *configs); /* SS_METER_CONFIG_WORDS each */
/* SS_METER_COUNT_WORDS each */
int ss_meter_set_counts(ss_meter *meter, uint64_t start, uint64_t count, const uint64_t *counts);
/* Exchanges the storage of two arrays that are declared alike, in two pipelines of one switch: a move that costs
 * nothing. */
int ss_array_take_over(ss_array *to, ss_array *from);
int ss_counter_take_over(ss_counter *to, ss_counter *from);
int ss_meter_take_over(ss_meter *to, ss_meter *from);
/* All registers, one after the other, each starting at a multiple of 64 bytes, in one safe point; then all counters. */
uint64_t ss_snapshot_bytes(ss_instance *instance);
int ss_snapshot_all(ss_instance *instance, void *out, uint64_t capacity);

/* ---- the end of a change of programs in one step (programs/handover.c) ---- */
/* A clone of updates: its number (4 bytes; ingress and egress count on their own), egress:1 count of updates:7, `mark`,
 * and then `slots` times component, index and value. All numbers are big-endian. */
#define SS_MARK_BYTES 9u
typedef struct ss_clone_format {
    uint32_t slots, component_bytes, index_bytes, value_bytes;
    uint8_t mark[16]; /* the first SS_MARK_BYTES count */
} ss_clone_format;
/* Where updates of a component go; `cells`, `width` (bits) and `is_signed` are those of the old program's register. */
typedef struct ss_component {
    ss_array *to; /* NULL: nowhere */
    uint64_t cells;
    uint32_t width, is_signed;
} ss_component;
typedef struct ss_table_move { /* direct counters and meters of entries that both tables have */
    ss_table *to, *from;
    const uint32_t *slots; /* pairs as of ss_table_pair */
    uint32_t count, counters, meters;
} ss_table_move;
typedef struct ss_handover {
    ss_instance *to;
    const ss_component *components; /* by component number; the first has none */
    ss_array *const *arrays;        /* pairs of (to, from) that exchange their storage; likewise the next two */
    ss_counter *const *counters;
    ss_meter *const *meters;
    const ss_table_move *tables;
    uint32_t component_count, array_count, counter_count, meter_count, table_count, use_journal;
    uint32_t complete; /* result: 0 when clones are missing in the journal; then nothing was committed */
    uint64_t held_ns, clones, updates; /* result: how long packets waited, and what was in the journal */
} ss_handover;
/* From now on clones that go to the CPU port are kept; `begun` gets the numbers of the last ones before. `sequence`:
 * the register of the forwarding program that has the numbers. */
int ss_journal_open(ss_switch *sw, const ss_clone_format *format, ss_array *sequence, uint32_t *begun);
void ss_journal_close(ss_switch *sw);
uint32_t ss_table_pair(ss_table *to, ss_table *from, uint32_t *slots, uint32_t capacity);
int ss_handover_run(ss_switch *sw, ss_handover *handover);

/* ---- the update ring (packets/update_ring.c): updates of state by shared memory instead of clones ---- */
typedef struct ss_update_ring ss_update_ring;
/* `session`: of clones that exist for the updates alone; `replica`: the number of the replicas of other sessions that
 * do. `records`: how many updates have room before the oldest is overwritten, rounded up to a power of two; 0: the
 * default, or fewer where they are so large that it would take more than SS_MAX_RING_BYTES. */
typedef struct ss_update_ring_options {
    uint32_t session, replica, records;
} ss_update_ring_options;
#define SS_DEFAULT_RECORDS 262144u
#define SS_MAX_RING_BYTES 67108864u
/* `bytes`: of the memory; `written_at`: where the number of all records ever written stands (8 bytes); record i is at
 * first_record + i % records * record_bytes. `burst`: how many records may be in writing beyond that number. */
typedef struct ss_update_ring_shape {
    uint64_t bytes, records;
    uint32_t written_at, first_record, record_bytes, burst;
} ss_update_ring_shape;
/* In each record, all little-endian: index (8 bytes), number of the clone (4), component with these two bits (4), value
 * (of the clone format, padded to 8). */
#define SS_UPDATE_FIRST 0x80000000u  /* the first update of its clone */
#define SS_UPDATE_EGRESS 0x40000000u /* of a clone of egress, whose numbers are their own */
/* A ring for the updates of one program, which nothing is written to yet. `prefix`: the metadata fields are
 * `<prefix>.seq`, `.egress`, `.count`, and for each slot k `.component_<k>`, `.index_<k>`, `.value_<k>`. NULL:
 * SS_NOT_FOUND (a field), SS_INVALID, SS_NO_MEMORY, SS_SYSTEM (the kernel cannot seal memory). */
ss_update_ring *ss_update_ring_create(ss_instance *instance, const ss_clone_format *format, const char *prefix,
                                      const ss_update_ring_options *options);
/* The descriptor of its memory, which others can only map for reading; it belongs to the ring. */
int ss_update_ring_fd(const ss_update_ring *ring);
void ss_update_ring_describe(const ss_update_ring *ring, ss_update_ring_shape *shape);
/* From here on the switch writes to it, and makes no clones for updates. SS_IN_USE: it has another one. */
int ss_update_ring_attach(ss_switch *sw, ss_update_ring *ring);
void ss_update_ring_free(ss_update_ring *ring); /* detached before, if need be */

/* ---- action profiles ---- */
/* `actions`: the action's index in each table that uses the profile, in the order of the tables; UINT32_MAX: not there.
 */
int ss_profile_write_member(ss_profile *profile, uint32_t operation, uint64_t id, const uint32_t *actions,
                            const uint64_t *data, uint32_t data_words);
/* Three words per member: id, weight, watch port. */
#define SS_NO_WATCH_PORT UINT64_MAX
int ss_profile_write_group(ss_profile *profile, uint32_t operation, uint64_t id, uint32_t count,
                           const uint64_t *members);
void ss_profile_counts(ss_profile *profile, uint32_t *members_groups);

/* ---- parser value sets: rows as of ss_table_write, without data ---- */
int ss_value_set_write(ss_value_set *set, uint32_t operation, uint32_t count, const uint64_t *rows, uint32_t *done);
uint32_t ss_value_set_read(ss_value_set *set, uint64_t *rows, uint32_t capacity);

/* ---- replication: three words per replica: port, instance, and 1 if it is a backup of the one before that is none;
 * count 0 with SS_DELETE ---- */
int ss_pre_set_session(ss_switch *sw, uint32_t operation, uint32_t id, uint32_t count, const uint64_t *replicas,
                       uint32_t truncate);
int ss_pre_set_group(ss_switch *sw, uint32_t operation, uint32_t id, uint32_t count, const uint64_t *replicas);

#endif
