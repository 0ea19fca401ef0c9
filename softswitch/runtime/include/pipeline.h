/* The contract between a compiled P4 pipeline and the runtime.
 *
 * The code generator emits one C file that includes this header (and the other headers of this folder, which are
 * header-only: bits, hashes) and defines `const ss_program ss_program_main`. It becomes a shared object that the
 * runtime opens.
 *
 * Values: a P4 value of up to 64 bits travels in one uint64_t "word" (zero-extended, also for int<W>: the low W bits);
 * a wider one in ceil(W/64) words, least significant first. Keys and action data are arrays of such words, each field
 * starting at a new word. Registers are stored unpadded-per-cell: 1, 2, 4 or 8 bytes up to 64 bits, above that
 * 8 * ceil(W/64) bytes, little-endian. */
#ifndef SS_PIPELINE_H
#define SS_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SS_ABI 6u

enum ss_instance_type { /* simple_switch's instance_type */
                        SS_NORMAL = 0,
                        SS_INGRESS_CLONE = 1,
                        SS_EGRESS_CLONE = 2,
                        SS_COALESCED = 3,
                        SS_RECIRCULATED = 4,
                        SS_REPLICATED = 5,
                        SS_RESUBMITTED = 6,
};

enum ss_match { SS_EXACT, SS_LPM, SS_TERNARY, SS_RANGE, SS_OPTIONAL, SS_SELECTOR };

/* standard_metadata_t, by v1model's field names; the generated code keeps each field inside its declared width. */
typedef struct ss_std {
    uint32_t ingress_port, egress_spec, egress_port, instance_type, packet_length;
    uint32_t enq_timestamp, enq_qdepth, deq_timedelta, deq_qdepth;
    uint64_t ingress_global_timestamp, egress_global_timestamp; /* microseconds since the switch started, 48 bit */
    uint32_t mcast_grp, egress_rid, checksum_error, parser_error, priority;
    /* Of v1model.p4 before July 2019; kept for programs that bring such a file, and never looked at here. */
    uint32_t clone_spec, drop, recirculate_port, lf_field_list, resubmit_flag, recirculate_flag;
} ss_std;

/* One learning message: `words` words of the digest's struct, in field order. */
typedef struct ss_digest_message {
    uint32_t digest; /* index into ss_program.digests */
    uint32_t words;
    uint64_t data[64];
} ss_digest_message;

#define SS_NO_FIELDS UINT32_MAX /* nothing is preserved; field list 0 is a list like any other */

/* The requests of the externs in one pass; the runtime clears them before ingress and before egress, but keeps
 * truncation and recirculation from ingress to egress. The last call wins; of truncate, the fewest bytes. */
typedef struct ss_requests {
    bool clone, resubmit, recirculate;
    uint32_t clone_session, clone_fields, resubmit_fields, recirculate_fields; /* field lists, or SS_NO_FIELDS */
    /* bytes, the least of all calls; UINT32_MAX: none. Kept from ingress to egress of a packet. */
    uint32_t truncate_to;
    bool aborted; /* a failed assert or assume: the packet is dropped, counted and logged */
    uint32_t digest_count;
    ss_digest_message digests[4];
} ss_requests;

typedef struct ss_packet {
    const uint8_t *data; /* the bytes that the parser sees */
    uint32_t length;     /* bytes */
    uint32_t consumed;   /* bits taken by the parser; the payload starts here (whole bytes when the parser is done) */
    ss_std std;
    ss_requests requests;
    /* Headers and user metadata as the generated code lays them out: ss_program.user_size bytes, aligned to 64. The
     * runtime copies them with memcpy for each replica, so they hold no pointer into themselves. */
    void *user;
    void *trace; /* NULL, or the runtime's trace buffer: see ss_trace() */
    /* Bytes of headers that setValid added minus those that setInvalid removed since the parser; kept by generated
     * code. At the start of egress the runtime sets std.packet_length = length + length_change, as simple_switch does.
     */
    int32_t length_change;
} ss_packet;

typedef struct ss_table ss_table;
typedef struct ss_array ss_array;     /* a register array */
typedef struct ss_counter ss_counter; /* indirect counter */
typedef struct ss_meter ss_meter;     /* indirect meter */
typedef struct ss_value_set ss_value_set;
typedef struct ss_crc ss_crc; /* crcs.h */

/* ss_entry.action of a hit that does nothing: a selector group without live members. */
#define SS_NO_ACTION UINT32_MAX

/* A table entry as the data plane sees it. */
typedef struct ss_entry {
    uint32_t action; /* index into the table's action list (ss_table_desc.actions) */
    uint32_t slot;   /* index of its direct counter and meter cells */
    uint64_t data[]; /* action parameters, in words */
} ss_entry;

/* Description of program objects; names are control-plane names (p4c's rule: @name or the hierarchical name). */
typedef struct ss_key_desc {
    const char *name;
    uint32_t width; /* bits */
    enum ss_match match;
} ss_key_desc;

typedef struct ss_param_desc {
    const char *name;
    uint32_t width; /* bits */
} ss_param_desc;

typedef struct ss_action_desc {
    const char *name;
    uint32_t data_words, param_count;
    const ss_param_desc *params; /* what the control plane gives, as in an entry's data; for traces */
} ss_action_desc;

typedef struct ss_const_entry {   /* `entries = {...}` of the program */
    const uint64_t *value, *mask; /* key words; mask also for lpm (prefix as mask); range: value = low, mask = high */
    int32_t priority;             /* larger wins, P4Runtime's sense */
    uint32_t action;
    const uint64_t *data;
    bool fixed; /* `const` entry of a table whose `entries` are not */
} ss_const_entry;

typedef struct ss_table_desc {
    const char *name;
    uint32_t key_count, key_words; /* key_words: of the match keys, without the selector's */
    const ss_key_desc *keys;       /* the selector-only keys are last */
    uint32_t action_count;
    const ss_action_desc *actions;
    uint32_t default_action; /* index into actions; the program's default_action, NoAction's index if none */
    const uint64_t *default_data;
    bool const_default, const_entries;
    uint32_t size; /* of the program; 1024 if none was given */
    uint32_t entry_count;
    const ss_const_entry *entries;
    bool direct_counter, direct_meter;
    uint32_t direct_meter_bytes; /* 1: bytes, 0: packets */
    int32_t action_profile;      /* index into profiles, -1: none */
    bool idle_timeout;
} ss_table_desc;

typedef struct ss_array_desc {
    const char *name;
    uint32_t cells, width; /* width in bits */
    bool is_signed;
} ss_array_desc;

typedef struct ss_counter_desc { /* counters and meters */
    const char *name;
    uint32_t cells;
    uint32_t kind; /* v1model's CounterType / MeterType: 0 packets, 1 bytes, 2 packets_and_bytes */
} ss_counter_desc;

typedef struct ss_profile_desc {
    const char *name;
    uint32_t size, hash; /* hash: enum of hashes.h; only with a selector */
    bool selector;
    uint32_t selector_bits; /* width of the hash output */
} ss_profile_desc;

typedef struct ss_value_set_desc {
    const char *name;
    uint32_t key_count, key_words, size;
    const ss_key_desc *keys;
} ss_value_set_desc;

typedef struct ss_digest_desc {
    const char *name;
    uint32_t words;
} ss_digest_desc;

typedef struct ss_crc_desc { /* a call of hash() with a CRC whose parameters can be set */
    const char *name;
    uint32_t width; /* 16 or 32 */
} ss_crc_desc;

/* A field of the user metadata that a field list preserves. In user memory it takes `bytes` bytes, least significant
 * first; the bits above `width` are 0. */
typedef struct ss_field_desc {
    const char *name; /* the members from the metadata on, joined by dots */
    uint32_t offset, bytes, width;
} ss_field_desc;

/* The objects of a running instance of a program: one array per kind, in the order of the descriptions. */
typedef struct ss_pipeline {
    const struct ss_program *program;
    ss_table **tables;
    ss_array **arrays;
    ss_counter **counters;
    ss_meter **meters;
    ss_value_set **value_sets;
    void *owner;        /* the runtime's */
    uint32_t drop_port; /* the egress_spec that drops (511 unless configured otherwise) */
    ss_crc *crcs;
} ss_pipeline;

typedef struct ss_program {
    uint32_t abi;
    const char *name;
    uint32_t user_size; /* bytes of the headers and metadata of one packet */
    uint32_t max_emit;  /* most bytes that the deparser can put before the payload */
    uint32_t table_count, array_count, counter_count, meter_count, profile_count, value_set_count, digest_count,
        field_count;
    const ss_table_desc *tables;
    const ss_array_desc *arrays;
    const ss_counter_desc *counters;
    const ss_counter_desc *meters;
    const ss_profile_desc *profiles;
    const ss_value_set_desc *value_sets;
    const ss_digest_desc *digests;
    const ss_field_desc *fields;
    /* Each works on packet->user. `reset` makes headers invalid and metadata zero. The runtime sequences them (PAPER:
     * v1model's order): normal packet: reset, [copy_fields], parse, ingress; egress; deparse. I2E clone: reset, parse
     * of the original bytes, reset_metadata, copy_fields, egress. E2E clone: headers kept, metadata reset, copy_fields,
     * egress. */
    void (*reset)(ss_packet *packet);
    void (*reset_metadata)(ss_packet *packet); /* headers stay */
    void (*copy_fields)(uint32_t field_list, void *to_user, const void *from_user, ss_std *to_std,
                        const ss_std *from_std);
    void (*parse)(ss_pipeline *pipeline, ss_packet *packet);
    void (*ingress)(ss_pipeline *pipeline, ss_packet *packet); /* verify checksums, ingress */
    void (*egress)(ss_pipeline *pipeline, ss_packet *packet);
    /* Computes checksums (here, so that a clone of egress has the headers as egress left them), writes the emitted
     * headers to `out` (max_emit bytes free) and returns their length; the runtime adds the payload (data + consumed/8)
     * and applies truncate_to. */
    uint32_t (*deparse)(ss_pipeline *pipeline, ss_packet *packet, uint8_t *out);
    uint32_t crc_count;
    const ss_crc_desc *crcs;
} ss_program;

/* ---- services of the runtime, called by generated code (resolved when the shared object is opened) ---- */

/* The matching entry, or the default entry with *hit false. Never NULL. Selector tables: `selector_hash` chooses the
 * member. */
const ss_entry *ss_table_lookup(ss_table *table, const uint64_t *key, uint64_t selector_hash, bool *hit);
void ss_table_count(ss_table *table, const ss_entry *entry, uint32_t packet_bytes); /* direct counter */
/* Direct meter: 0 G, 1 Y, 2 R. A miss is not metered, as in simple_switch, unless a controller configured the default
 * entry's. */
#define SS_NOT_METERED UINT32_MAX
uint32_t ss_table_meter(ss_table *table, const ss_entry *entry, uint32_t packet_bytes);

/* Registers: `ss_array_cells` gives the storage so that generated code reads and writes it directly, bounds-checked by
 * itself: a read out of range gives 0, a write out of range does nothing. The first member of an ss_array points to its
 * storage, which stays where it is. */
static inline void *ss_array_cells(ss_array *array) { return *(void **)array; }
uint32_t ss_array_count(const ss_array *array);

void ss_counter_count(ss_counter *counter, uint64_t index, uint32_t packet_bytes);
uint32_t ss_meter_execute(ss_meter *meter, uint64_t index, uint32_t packet_bytes); /* out of range: 0 */
bool ss_value_set_contains(ss_value_set *set, const uint64_t *key);
uint64_t ss_random(uint64_t low, uint64_t high); /* inclusive; seeded by the runtime so tests can repeat */
void ss_log(ss_pipeline *pipeline, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ss_trace(ss_packet *packet, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ss_trace_table(ss_packet *packet, const ss_table *table, const uint64_t *key, const ss_entry *entry, bool hit);

#endif
