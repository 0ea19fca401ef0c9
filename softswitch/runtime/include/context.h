/* The context that generated code passes between functions while one packet goes through one stage. Header-only. */
#ifndef SS_CONTEXT_H
#define SS_CONTEXT_H

#include "bits.h"
#include "crcs.h"
#include "hashes.h"
#include "pipeline.h"

/* Loop iterations per packet and stage, including the calls made in them. Beyond it the packet is dropped. */
#define SS_MAX_ROUNDS (1u << 20)

struct ss_x {
    ss_packet *packet;
    ss_pipeline *pipeline;
    ss_std *std;              /* = &packet->std */
    const uint8_t *at, *end;  /* parser: the next byte, and the end of the packet */
    uint8_t *out, *out_limit; /* deparser: the next byte, and the end of the room */
    uint32_t error;           /* parser: result of the last extract */
    uint32_t color;           /* of the direct meter of the table whose action runs; valid if `metered` */
    uint32_t rounds;          /* of loops so far in this step, with the calls that they made */
    bool metered;
    bool exited; /* `exit` was executed: everything returns */
    bool trace;  /* the packet is traced */
};

#define SS_CONTEXT(pipeline_, packet_)                    \
    struct ss_x x_ = {.packet = (packet_),                \
                      .pipeline = (pipeline_),            \
                      .std = &(packet_)->std,             \
                      .trace = (packet_)->trace != NULL}, \
                *x = &x_

/* A line of the packet's trace, if it is traced. */
#define SS_TRACE(x, ...)                        \
    do {                                        \
        if (__builtin_expect((x)->trace, 0))    \
            ss_trace((x)->packet, __VA_ARGS__); \
    } while (0)

/* A condition that logs its result. */
#define SS_DECIDE(x, condition, text)                          \
    ({                                                         \
        bool decided_ = (condition);                           \
        SS_TRACE(x, text ": %s", decided_ ? "true" : "false"); \
        decided_;                                              \
    })

#endif
