#include "ports/memory_port.h"

#include "core/error.h"

#define MAX_WAITING 65536u

typedef struct waiting {
    struct waiting *next;
    uint32_t length;
    uint8_t data[];
} waiting;

typedef struct memory_port {
    ss_port port;
    waiting *first, **last;
    uint32_t count;
} memory_port;

static uint32_t receive(ss_port *port, ss_frame *frames, uint32_t max_frames)
{
    (void)port, (void)frames, (void)max_frames;
    return 0;
}

static void nothing(ss_port *port) { (void)port; }

static void flush(ss_port *port, uint32_t lane) { (void)port, (void)lane; }

static void send(ss_port *port, uint32_t lane, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                 uint32_t payload_bytes, bool stable)
{
    (void)lane, (void)stable;
    memory_port *memory = (memory_port *)port;
    uint32_t length = header_bytes + payload_bytes;
    waiting *frame = memory->count < MAX_WAITING ? malloc(sizeof *frame + length) : NULL;
    if (!frame) {
        port->stats.tx_full++;
        return;
    }
    memcpy(frame->data, header, header_bytes);
    memcpy(frame->data + header_bytes, payload, payload_bytes);
    frame->length = length;
    frame->next = NULL;
    *memory->last = frame;
    memory->last = &frame->next;
    memory->count++;
    port->stats.tx_packets++;
    port->stats.tx_bytes += length;
}

static int poll_fd(ss_port *port)
{
    (void)port;
    return -1;
}

static bool check(ss_port *port)
{
    (void)port;
    return false;
}

static bool no(ss_port *port)
{
    (void)port;
    return false;
}

static bool not_slow(ss_port *port, uint32_t lane)
{
    (void)port, (void)lane;
    return false;
}

static waiting *take(memory_port *memory)
{
    waiting *frame = memory->first;
    if (!frame)
        return NULL;
    memory->first = frame->next;
    if (!memory->first)
        memory->last = &memory->first;
    memory->count--;
    return frame;
}

static void close_port(ss_port *port)
{
    for (waiting *frame; (frame = take((memory_port *)port));)
        free(frame);
    free(port);
}

static const ss_port_ops operations = {receive, nothing, send, flush,    poll_fd,
                                       check,   nothing, no,   not_slow, close_port};

ss_port *ss_memory_port_open(ss_switch *sw, uint32_t number)
{
    memory_port *memory = calloc(1, sizeof *memory);
    if (!memory) {
        ss_fail(SS_NO_MEMORY, "no memory for port %u", number);
        return NULL;
    }
    memory->port = (ss_port){.ops = &operations, .sw = sw, .number = number, .up = true, .order = SS_ORDER_BEGINS};
    memory->last = &memory->first;
    return &memory->port;
}

bool ss_is_memory_port(const ss_port *port) { return port->ops == &operations; }

int64_t ss_memory_port_take(ss_port *port, void *out, uint64_t capacity)
{
    memory_port *memory = (memory_port *)port;
    if (!memory->first)
        return 0;
    if (memory->first->length > capacity)
        return ss_fail(SS_INDEX, "a frame of %u bytes does not fit", memory->first->length);
    waiting *frame = take(memory);
    uint32_t length = frame->length;
    memcpy(out, frame->data, length);
    free(frame);
    return length;
}
