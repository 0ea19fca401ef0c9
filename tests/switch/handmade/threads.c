/* Data-plane threads at work while controllers hold, swap, read, change ports and queues: threads PROGRAM N FRAMES.
 *
 * Ports of this file receive what they make up (FRAMES each) and check what they send: the numbers of `numbered.c` rise
 * at every port, whichever threads send there; each frame still has its bytes; at a safe point nothing is on its way;
 * a slow port never gets more than it has room for.
 * Built with ThreadSanitizer, it also shows every access that nothing orders. */
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/safe_point.h"
#include "ports/deal.h"
#include "ports/port.h"

#define PORTS 4u /* from 1 on; the last one is the CPU port and receives nothing */
#define CPU_PORT PORTS
#define SLOTS 64u
#define FRAME 64u
#define HEAD 17u
#define ROUNDS 40u
#define SLOW_PORT 2u
#define SLOW_FRAMES 32u    /* as many wait for the slow link before others wait in front of egress */
#define FRAME_TIME 1000ull /* ns on the slow link */

#define CHECK(condition, ...)                                       \
    do {                                                            \
        if (!(condition)) {                                         \
            fprintf(stderr, "line %d: %s: ", __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                           \
            fprintf(stderr, "\n");                                  \
            _exit(1);                                               \
        }                                                           \
    } while (0)

typedef struct slot {
    uint8_t head[FRAME];
    uint32_t head_bytes;
    const uint8_t *rest;
    uint32_t rest_bytes;
} slot;

typedef struct test_port {
    ss_port port;
    uint8_t room[SS_BATCH][FRAME];
    uint32_t borrowed;
    struct {
        uint32_t count;
        slot slots[SLOTS];
    } lanes[SS_MAX_IO_THREADS];
} test_port;

/* What outlives a port that is removed. */
static struct {
    uint64_t free_ns; /* when the slow link has sent all it got; whose turn it is to send */
    uint32_t made;    /* frames that came in */
    int ready;        /* readable while there are more */
    uint64_t sent, by_hand, last_number;
    uint32_t last_of[PORTS + 1]; /* by the port they came from: those that do not recirculate */
} totals[PORTS + 1];
static uint32_t limit;
static ss_switch *sw;
static _Thread_local bool in_data_plane; /* it has received: no controller, and no helper of one (core/stack.h) */

static uint32_t any(void)
{
    static _Thread_local uint64_t state;
    if (!state)
        state = 88172645463325252ull ^ (uint64_t)gettid();
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static void make_frame(uint8_t *frame, uint32_t from, uint32_t number, uint32_t rounds)
{
    memset(frame, (int)(from * 31 + number), FRAME);
    memset(frame, 0, HEAD);
    frame[0] = (uint8_t)(1 + number % (PORTS - 1));
    frame[1] = number % 2;
    frame[2] = (uint8_t)rounds;
    frame[3] = (uint8_t)from;
    memcpy(frame + 4, &number, sizeof number);
}

static uint32_t receive(ss_port *port, ss_frame *frames, uint32_t max_frames)
{
    test_port *test = (test_port *)port;
    uint32_t number = port->number, count = 0;
    in_data_plane = true;
    CHECK(!test->borrowed, "two threads receive from port %u", number);
    if (number == CPU_PORT)
        return 0;
    for (uint32_t wanted = any() % max_frames + 1; count < wanted && totals[number].made < limit; count++) {
        uint32_t made = ++totals[number].made;
        make_frame(test->room[count], number, made, made % 100 == 0 ? ROUNDS : 0);
        frames[count] = (ss_frame){.data = test->room[count], .length = FRAME};
    }
    uint64_t nothing;
    if (totals[number].made == limit && read(totals[number].ready, &nothing, sizeof nothing) < 0)
        CHECK(errno == EAGAIN, "eventfd");
    test->borrowed = count;
    return count;
}

static void release(ss_port *port)
{
    test_port *test = (test_port *)port;
    memset(test->room, 0xff, sizeof test->room);
    test->borrowed = 0;
}

static uint64_t frames_waiting(uint32_t port)
{
    uint64_t now = ss_clock_ns();
    return totals[port].free_ns > now ? (totals[port].free_ns - now) / FRAME_TIME : 0;
}

/* What controllers let out at a safe point does not ask for room. */
static void use_slow_link(uint32_t port)
{
    uint64_t now = ss_clock_ns(), waiting = frames_waiting(port);
    CHECK(waiting <= SLOW_FRAMES || !in_data_plane, "%llu frames wait for the slow link", (unsigned long long)waiting);
    totals[port].free_ns = (totals[port].free_ns > now ? totals[port].free_ns : now) + FRAME_TIME;
}

static void check_sent(test_port *test, const slot *out)
{
    uint8_t frame[FRAME];
    CHECK(out->head_bytes + out->rest_bytes == FRAME, "%u and %u bytes", out->head_bytes, out->rest_bytes);
    memcpy(frame, out->head, out->head_bytes);
    memcpy(frame + out->head_bytes, out->rest, out->rest_bytes);
    uint32_t at = test->port.number, from = frame[3], number;
    uint64_t order;
    memcpy(&number, frame + 4, sizeof number);
    memcpy(&order, frame + 8, sizeof order);
    for (uint32_t i = HEAD; i < FRAME; i++)
        CHECK(frame[i] == (uint8_t)(from * 31 + number), "frame %u of port %u was overwritten", number, from);
    totals[at].sent++;
    if (at == SLOW_PORT)
        use_slow_link(at);
    if (!order) {
        totals[at].by_hand++;
        return;
    }
    CHECK(order > totals[at].last_number, "at port %u %llu came after %llu", at, (unsigned long long)order,
          (unsigned long long)totals[at].last_number);
    totals[at].last_number = order;
    if (from && number % 100 != 0) {
        CHECK(number > totals[at].last_of[from], "at port %u frame %u of port %u came after %u", at, number, from,
              totals[at].last_of[from]);
        totals[at].last_of[from] = number;
    }
}

static void flush(ss_port *port, uint32_t lane)
{
    test_port *test = (test_port *)port;
    for (uint32_t i = 0; i < test->lanes[lane].count; i++)
        check_sent(test, &test->lanes[lane].slots[i]);
    test->lanes[lane].count = 0;
}

static void send(ss_port *port, uint32_t lane, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                 uint32_t payload_bytes, bool stable)
{
    test_port *test = (test_port *)port;
    if (test->lanes[lane].count == SLOTS) { /* as packet_send.c does */
        if (sw->io_threads > 1)
            ss_order_await(&port->order, port->lanes[lane].place);
        flush(port, lane);
    }
    slot *out = &test->lanes[lane].slots[test->lanes[lane].count++];
    CHECK(header_bytes + payload_bytes <= FRAME, "%u bytes", header_bytes + payload_bytes);
    memcpy(out->head, header, header_bytes);
    if (!stable)
        memcpy(out->head + header_bytes, payload, payload_bytes);
    out->head_bytes = header_bytes + (stable ? 0 : payload_bytes);
    out->rest = payload;
    out->rest_bytes = stable ? payload_bytes : 0;
}

static int poll_fd(ss_port *port) { return totals[port->number].ready; }

static bool check_port(ss_port *port)
{
    for (uint32_t lane = 0; lane < SS_MAX_IO_THREADS; lane++)
        CHECK(!((test_port *)port)->lanes[lane].count, "port %u is checked while frames leave", port->number);
    port->up = !port->up;
    return true;
}

static void collect(ss_port *port) { (void)port; }

static bool nearly_full(ss_port *port)
{
    (void)port;
    return false;
}

static bool is_slow(ss_port *port, uint32_t lane)
{
    test_port *test = (test_port *)port;
    const ss_port_lane *own = &port->lanes[lane];
    if (port->number != SLOW_PORT)
        return false;
    if (sw->io_threads > 1) /* as packet_send.c does */
        ss_order_await(&port->order, own->dirty ? own->place : port->order.taken);
    if (frames_waiting(SLOW_PORT) + (own->dirty ? test->lanes[lane].count : 0) <= SLOW_FRAMES)
        return false;
    if (own->dirty)
        flush(port, lane);
    return frames_waiting(SLOW_PORT) > SLOW_FRAMES;
}

static void close_port(ss_port *port)
{
    CHECK(!((test_port *)port)->borrowed, "port %u is closed under a thread", port->number);
    free(port);
}

static const ss_port_ops operations = {receive,    release, send,        flush,   poll_fd,
                                       check_port, collect, nearly_full, is_slow, close_port};

static void add_port(uint32_t number)
{
    test_port *test = calloc(1, sizeof *test);
    CHECK(test, "memory");
    test->port = (ss_port){.ops = &operations, .sw = sw, .number = number, .up = true, .order = SS_ORDER_BEGINS};
    CHECK(ss_ports_add(sw, &test->port) == SS_OK, "%s", ss_error_text());
}

/* ---- controllers ---- */

static ss_instance *programs[2];
static atomic_bool done;

static void pause_us(uint32_t microseconds)
{
    struct timespec time = {0, microseconds * 1000};
    nanosleep(&time, NULL);
}

static uint64_t *cells_of(ss_instance *instance) { return ss_array_cells(ss_pipeline_array(instance, 0)); }

static void swap(void)
{
    ss_instance *next = sw->active == programs[0] ? programs[1] : programs[0];
    ss_switch_hold(sw);
    ss_egress_flush(sw);
    ss_array_take_over(ss_pipeline_array(next, 0), ss_pipeline_array(sw->active, 0));
    ss_pipeline_commit(next);
    ss_switch_release(sw);
}

static void hand_over(void)
{
    ss_instance *next = sw->active == programs[0] ? programs[1] : programs[0];
    ss_array *arrays[2] = {ss_pipeline_array(next, 0), ss_pipeline_array(sw->active, 0)};
    ss_handover handover = {.to = next, .arrays = arrays, .array_count = 1};
    CHECK(ss_handover_run(sw, &handover) == SS_OK && handover.complete, "%s", ss_error_text());
}

/* Everything that the program has let out is out, and stays all there is while packets are held. */
static void hold(void)
{
    ss_switch_hold(sw);
    for (uint32_t round = 0; round < 2; round++) {
        uint64_t sent = 0, made = 0, received = 0;
        for (uint32_t i = 0; i < sw->port_count; i++) {
            CHECK(!((test_port *)sw->port_list[i])->borrowed, "a held switch has frames of a port");
            CHECK(sw->port_list[i]->receiver < sw->io_threads, "a thread that there is not");
        }
        for (uint32_t port = 1; port <= PORTS; port++) {
            sent += totals[port].sent - totals[port].by_hand;
            made += totals[port].made;
        }
        uint64_t left = cells_of(sw->active)[1], lost = sw->stats.drops[SS_DROP_NO_PORT];
        CHECK(sent + lost == left, "%llu frames went out, %llu to no port, of %llu", (unsigned long long)sent,
              (unsigned long long)lost, (unsigned long long)left);
        received = sw->stats.packets;
        CHECK(received >= made, "%llu frames received, %llu were there", (unsigned long long)received,
              (unsigned long long)made);
        if (!round)
            pause_us(200);
    }
    ss_switch_release(sw);
}

static void read_all(void)
{
    ss_switch_stats stats;
    ss_port_stats port;
    uint8_t snapshot[4096];
    ss_switch_stats_read(sw, &stats);
    CHECK(ss_port_stats_read(sw, 1 + any() % 2, &port) == SS_OK, "%s", ss_error_text());
    ss_instance *instance = programs[any() % 2];
    CHECK(ss_snapshot_all(instance, snapshot, sizeof snapshot) == SS_OK, "%s", ss_error_text());
}

static void change_ports(void)
{
    CHECK(ss_port_remove(sw, 3) == SS_OK, "%s", ss_error_text());
    pause_us(any() % 500);
    add_port(3);
}

static void change_queues(void)
{
    CHECK(ss_egress_set_rate(sw, 2, SS_ALL_QUEUES, any() % 2 ? 200000 : 0) == SS_OK, "%s", ss_error_text());
    CHECK(ss_egress_set_depth(sw, 2, SS_ALL_QUEUES, 1u << 20) == SS_OK, "%s", ss_error_text());
    if (any() % 4 == 0)
        ss_egress_flush(sw);
    ss_switch_set_trace(sw, any() % 8 == 0);
    atomic_store(&sw->next_check_ns, 0); /* as an interface that goes away does */
}

static void by_hand(void)
{
    uint8_t frame[FRAME];
    make_frame(frame, 0, 7, any() % 8 ? 0 : ROUNDS);
    CHECK(ss_submit(sw, 2, frame, FRAME, 0) == SS_OK, "%s", ss_error_text());
    CHECK(ss_port_send(sw, 1, frame, FRAME) == SS_OK, "%s", ss_error_text());
    static _Thread_local uint8_t messages[1 << 16];
    ss_queue_take(sw, SS_LOG, 100, messages, sizeof messages, 0);
}

typedef struct controller {
    void (*work[2])(void); /* in turn */
    uint32_t pause_us;     /* at most */
    pthread_t id;
} controller;

static void *control(void *argument)
{
    const controller *self = argument;
    for (uint32_t turn = 0; !atomic_load(&done); turn++) {
        self->work[turn % 2]();
        pause_us(any() % self->pause_us);
    }
    return NULL;
}

/* Two busy ports of one thread part, and stay with their threads from then on; few frames move nothing. */
static void deal(void)
{
    ss_port **list = sw->port_list;
    for (uint32_t i = 0; i < PORTS; i++)
        CHECK(list[i]->receiver == i % sw->io_threads, "port %u is with thread %u", i, list[i]->receiver);
    list[0]->stats.rx_packets = 400;
    list[2]->stats.rx_packets = 400;
    ss_deal_by_load(sw);
    CHECK(list[0]->receiver == 0 && list[2]->receiver == 2 % sw->io_threads, "a move for few frames");
    list[0]->receiver = list[2]->receiver = 0;
    list[0]->stats.rx_packets += 10000;
    list[2]->stats.rx_packets += 6000;
    for (uint32_t round = 0; round < 2; round++) {
        ss_deal_by_load(sw);
        CHECK((list[0]->receiver == list[2]->receiver) == (sw->io_threads == 1), "threads %u and %u", list[0]->receiver,
              list[2]->receiver);
        list[0]->stats.rx_packets += 10000;
        list[2]->stats.rx_packets += 6000;
    }
}

static bool finished(void)
{
    bool yes = true;
    ss_switch_hold(sw);
    for (uint32_t port = 1; port < CPU_PORT; port++)
        yes = yes && totals[port].made == limit;
    ss_switch_release(sw);
    return yes;
}

int main(int count, char **arguments)
{
    CHECK(count == 4, "threads PROGRAM N FRAMES");
    limit = (uint32_t)atoi(arguments[3]);
    sw = ss_switch_create(CPU_PORT, 511, 1);
    CHECK(sw && ss_switch_set_io_threads(sw, (uint32_t)atoi(arguments[2])) == SS_OK, "%s", ss_error_text());
    for (int i = 0; i < 2; i++)
        CHECK((programs[i] = ss_pipeline_load(sw, arguments[1])), "%s", ss_error_text());
    ss_pipeline_commit(programs[0]);
    for (uint32_t port = 1; port <= PORTS; port++) {
        totals[port].ready = eventfd(port != CPU_PORT, EFD_NONBLOCK | EFD_CLOEXEC);
        add_port(port);
    }
    deal();
    CHECK(ss_egress_set_priorities(sw, 1) == SS_OK, "%s", ss_error_text()); /* queues from the first frame on */
    const uint64_t replica[3] = {CPU_PORT, 0, 0};
    CHECK(ss_pre_set_session(sw, SS_INSERT, 1, 1, replica, 0) == SS_OK, "%s", ss_error_text());
    controller controllers[] = {{{swap, hand_over}, 2000},
                                {{hold, hold}, 3000},
                                {{read_all, read_all}, 300},
                                {{change_ports, change_ports}, 5000},
                                {{change_queues, by_hand}, 1000}};
    CHECK(ss_switch_start(sw) == SS_OK, "%s", ss_error_text());
    for (uint32_t i = 0; i < sizeof controllers / sizeof *controllers; i++)
        pthread_create(&controllers[i].id, NULL, control, &controllers[i]);
    while (!finished()) {
        pause_us(20000);
        CHECK(ss_switch_stop(sw) == SS_OK, "%s", ss_error_text()); /* and on */
        CHECK(ss_switch_set_io_threads(sw, (uint32_t)atoi(arguments[2])) == SS_OK, "%s", ss_error_text());
        CHECK(ss_switch_start(sw) == SS_OK, "%s", ss_error_text());
    }
    atomic_store(&done, true);
    for (uint32_t i = 0; i < sizeof controllers / sizeof *controllers; i++)
        pthread_join(controllers[i].id, NULL);
    hold();
    ss_switch_stats stats;
    ss_switch_stats_read(sw, &stats);
    printf("%llu packets, %llu passes, %llu batches, %llu holds, %llu swaps, %llu to no port\n",
           (unsigned long long)stats.packets, (unsigned long long)stats.passes, (unsigned long long)stats.batches,
           (unsigned long long)stats.holds, (unsigned long long)stats.swaps,
           (unsigned long long)stats.drops[SS_DROP_NO_PORT]);
    CHECK(stats.packets >= (uint64_t)limit * (PORTS - 1), "frames were lost");
    ss_switch_stop(sw);
    ss_pipeline_deactivate(sw);
    for (int i = 0; i < 2; i++)
        CHECK(ss_pipeline_unload(programs[i]) == SS_OK, "%s", ss_error_text());
    ss_switch_destroy(sw);
    return 0;
}
