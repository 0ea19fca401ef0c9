/* Packet injection: run one packet to completion, inject one as if received, send one out, or time a run of many. */
#include "core/clock.h"
#include "core/error.h"
#include "core/instance.h"
#include "core/log.h"
#include "core/safe_point.h"
#include "core/stack.h"
#include "core/wake.h"
#include "packets/egress_queues.h"
#include "packets/output.h"
#include "packets/traffic.h"
#include "packets/work.h"
#include "ports/port.h"

typedef struct arrival {
    ss_switch *sw;
    uint32_t port, length;
    const uint8_t *frame;
} arrival;

static void receive(void *argument)
{
    arrival *it = argument;
    ss_work_begin(it->sw);
    ss_receive(it->sw, it->port, it->frame, it->length);
}

static void resume_some(void *argument) { ss_resume_queued(argument, false); }

static void resume_all(void *argument) { ss_resume_queued(argument, true); }

int ss_inject(ss_switch *sw, uint32_t port, const uint8_t *frame, uint32_t length, const uint8_t **out,
              uint64_t *out_bytes)
{
    ss_switch_hold(sw);
    int status = sw->active ? SS_OK : ss_fail(SS_NOT_FOUND, "no pipeline is committed");
    sw->capture_bytes = 0;
    if (status == SS_OK) {
        sw->sink = SS_CAPTURE;
        ss_clock_update(sw);
        status = ss_with_stack(sw, receive, &(arrival){sw, port, length, frame});
        sw->sink = SS_TO_PORTS;
    }
    *out = sw->capture;
    *out_bytes = sw->capture_bytes;
    ss_switch_release(sw);
    return status;
}

int ss_egress_run(ss_switch *sw, const uint8_t **out, uint64_t *out_bytes)
{
    ss_switch_hold(sw);
    sw->capture_bytes = 0;
    sw->sink = SS_CAPTURE;
    ss_clock_update(sw);
    int status = ss_with_stack(sw, resume_some, sw);
    sw->sink = SS_TO_PORTS;
    *out = sw->capture;
    *out_bytes = sw->capture_bytes;
    ss_switch_release(sw);
    return status;
}

void ss_egress_flush(ss_switch *sw)
{
    ss_switch_hold(sw);
    if (ss_egress_waiting(sw)) {
        ss_clock_update(sw);
        if (ss_with_stack(sw, resume_all, sw) != SS_OK)
            ss_notice(sw, "packets stay in the queues before egress: %s", ss_error_text());
        ss_flush(sw);
    }
    ss_switch_release(sw);
}

int ss_submit(ss_switch *sw, uint32_t port, const uint8_t *frame, uint32_t length, uint64_t serial)
{
    ss_switch_hold(sw);
    int status = sw->active ? SS_OK : ss_fail(SS_NOT_FOUND, "no pipeline is committed");
    if (status == SS_OK && serial && sw->active->serial != serial)
        status = ss_fail(SS_NOT_FOUND, "another pipeline is committed");
    if (status == SS_OK) {
        ss_clock_update(sw);
        status = ss_with_stack(sw, receive, &(arrival){sw, port, length, frame});
        ss_flush(sw);
    }
    ss_switch_release(sw);
    ss_wake(sw); /* the thread runs deferred packets */
    return status;
}

typedef struct bench {
    ss_switch *sw;
    uint32_t port;
    const uint8_t *frames;
    uint64_t frames_bytes, packets, *ns;
} bench;

static void run_bench(void *argument)
{
    const bench *it = argument;
    uint64_t at = 0, began = ss_clock_ns();
    for (uint64_t i = 0; i < it->packets; i++) {
        uint32_t length;
        if (i % SS_BATCH == 0) {
            ss_clock_update(it->sw);
            ss_work_begin(it->sw);
        }
        memcpy(&length, it->frames + at, 4);
        ss_receive(it->sw, it->port, it->frames + at + 4, length);
        at += 4 + length;
        if (at >= it->frames_bytes)
            at = 0;
    }
    *it->ns = ss_clock_ns() - began;
}

int ss_bench(ss_switch *sw, uint32_t port, const uint8_t *frames, uint64_t frames_bytes, uint64_t packets, uint64_t *ns,
             uint64_t *outputs)
{
    for (uint64_t at = 0, length; at < frames_bytes; at += 4 + length) { /* checks all sizes before running a packet */
        length = 0;
        if (frames_bytes - at >= 4)
            memcpy(&length, frames + at, 4);
        if (frames_bytes - at < 4 || length > frames_bytes - at - 4)
            return ss_fail(SS_INVALID, "the last frame is incomplete");
    }
    if (!frames_bytes)
        return ss_fail(SS_INVALID, "no frames");
    ss_switch_hold(sw);
    int status = sw->active ? SS_OK : ss_fail(SS_NOT_FOUND, "no pipeline is committed");
    if (status == SS_OK) {
        sw->sink = SS_DISCARD;
        sw->outputs = 0;
        status = ss_with_stack(sw, run_bench, &(bench){sw, port, frames, frames_bytes, packets, ns});
        *outputs = sw->outputs;
        sw->sink = SS_TO_PORTS;
    }
    ss_switch_release(sw);
    return status;
}

int ss_port_send(ss_switch *sw, uint32_t number, const uint8_t *frame, uint32_t length)
{
    ss_switch_hold(sw);
    ss_port *port = ss_port_at(sw, number);
    if (port) {
        ss_clock_update(sw);
        ss_output(sw, number, frame, 0, frame, length, true);
        ss_flush(sw);
    }
    ss_switch_release(sw);
    return port ? SS_OK : ss_fail(SS_NOT_FOUND, "there is no port %u", number);
}
