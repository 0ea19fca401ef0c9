/* The sender and the receiver of UDP flows: exact schedules, kernel timestamps, hardly any CPU time.
 *
 *   flow send  --to ADDR --port P --flow N --payload BYTES --interval NS [--count N] [--tos T] [--records FILE]
 *             [--segments N]
 *   flow receive --port P [--port P ...] [--records FILE]
 *
 * Both print "ready" and wait for a line on stdin: `send` for "go <start, CLOCK_MONOTONIC ns> <end, ns>", `receive`
 * starts at once. Both end at SIGTERM or when stdin closes, and print one line of JSON with their totals.
 *
 * Every payload begins with 16 bytes: magic, flow number, sequence number, time of sending (CLOCK_MONOTONIC ns), all
 * little-endian. A record of the receiver is 32 bytes: flow, payload bytes, sequence number, unused, time of sending,
 * time of arrival (the kernel's timestamp, converted to CLOCK_MONOTONIC). A sender's records have the same format,
 * with the time of sending in both places. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x5334u
#define BATCH 64
#define MAX_PAYLOAD 1472
#define MAX_SEGMENTS 44 /* of MAX_PAYLOAD in the largest UDP packet */
#define MAX_PORTS 64

struct header {
    uint16_t magic, flow;
    uint32_t sequence;
    uint64_t sent_ns;
};
struct record {
    uint32_t flow, bytes, sequence, unused;
    uint64_t sent_ns, received_ns;
};

static volatile sig_atomic_t stopped;
static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool stdin_closed(int timeout_ms)
{
    struct pollfd p = {.fd = 0, .events = POLLIN};
    char byte;
    return poll(&p, 1, timeout_ms) > 0 && read(0, &byte, 1) <= 0;
}

/* -- sending ------------------------------------------------------------------------------------------------------- */

struct plan {
    struct sockaddr_in to;
    unsigned flow, payload, tos, segments;
    int64_t interval_ns;
    uint64_t count;
};

/* Passes up to `segments` packets to the kernel as one buffer, which it splits where offloads are off. That costs a
 * third of sending single packets: a sender that shares its cores with a switch must be faster than the switch. */
static int send_segments(int s, struct iovec *parts, int n, unsigned payload)
{
    union {
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
        struct cmsghdr aligned;
    } control;
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)n};
    if (n > 1) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        uint16_t size = (uint16_t)payload;
        c->cmsg_level = SOL_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(c), &size, sizeof size);
    }
    return sendmsg(s, &message, 0) < 0 ? -1 : n;
}

static int send_flow(struct plan plan, FILE *records)
{
    static uint8_t buffers[BATCH][MAX_PAYLOAD];
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    int s = socket(AF_INET, SOCK_DGRAM, 0), large = 4 << 20;
    if (s < 0)
        fail("socket");
    if (plan.tos && setsockopt(s, IPPROTO_IP, IP_TOS, &plan.tos, sizeof plan.tos))
        fail("IP_TOS");
    setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
    if (connect(s, (struct sockaddr *)&plan.to, sizeof plan.to))
        fail("connect");
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        parts[i] = (struct iovec){buffers[i], plan.payload};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    prctl(PR_SET_TIMERSLACK, 1000UL);
    printf("ready\n");
    fflush(stdout);
    char line[128];
    long long start, end;
    if (!fgets(line, sizeof line, stdin))
        return 0;
    if (sscanf(line, "go %lld %lld", &start, &end) != 2) {
        fprintf(stderr, "error: expected: go START END\n");
        return 2;
    }

    uint64_t sent = 0, refused = 0, due_total = 0;
    int64_t first = 0, last = 0, worst_late = 0, checked = 0;
    while (!stopped && due_total < plan.count) {
        int64_t now = now_ns(CLOCK_MONOTONIC);
        if (now >= end)
            break;
        if (now - checked > 200000000) { /* five times a second */
            checked = now;
            if (stdin_closed(0))
                break;
        }
        int64_t next = start + (int64_t)due_total * plan.interval_ns;
        if (now < next) {
            int64_t until = next - now > 200000000 ? now + 200000000 : next;
            struct timespec t = {until / 1000000000, until % 1000000000};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
            continue;
        }
        uint64_t due = plan.interval_ns ? (uint64_t)((now - start) / plan.interval_ns) + 1 - due_total : BATCH;
        int most = plan.segments > 1 ? (int)plan.segments : BATCH, n = due > (uint64_t)most ? most : (int)due;
        if ((uint64_t)n > plan.count - due_total)
            n = (int)(plan.count - due_total);
        if (plan.interval_ns && now - next > worst_late)
            worst_late = now - next;
        for (int i = 0; i < n; i++) {
            struct header h = {MAGIC, (uint16_t)plan.flow, (uint32_t)(due_total + i), (uint64_t)now};
            memcpy(buffers[i], &h, sizeof h);
        }
        int done = plan.segments > 1 ? send_segments(s, parts, n, plan.payload) : sendmmsg(s, messages, (unsigned)n, 0);
        if (done < 0) {
            if (errno == EINTR || errno == ECONNREFUSED)
                continue; /* an ICMP error for an earlier packet: try again */
            refused++;    /* such as ENOBUFS: the packet counts as not sent */
            due_total++;
            continue;
        }
        if (!sent)
            first = now;
        last = now;
        for (int i = 0; records && i < done; i++) {
            struct record r = {plan.flow, plan.payload, (uint32_t)(due_total + i), 0, (uint64_t)now, (uint64_t)now};
            fwrite(&r, sizeof r, 1, records);
        }
        sent += (uint64_t)done;
        due_total += (uint64_t)done;
    }
    if (records && fclose(records))
        fail("writing the records");
    printf("{\"sent\": %llu, \"refused\": %llu, \"first_ns\": %lld, \"last_ns\": %lld, \"worst_late_ns\": %lld}\n",
           (unsigned long long)sent, (unsigned long long)refused, (long long)first, (long long)last,
           (long long)worst_late);
    return 0;
}

/* -- receiving ----------------------------------------------------------------------------------------------------- */

static int open_receiver(uint16_t port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int s = socket(AF_INET, SOCK_DGRAM, 0), on = 1, large = 64 << 20;
    if (s < 0)
        fail("socket");
    if (setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large))
        fail("SO_RCVBUFFORCE");
    if (setsockopt(s, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on))
        fail("SO_TIMESTAMPNS");
    if (setsockopt(s, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on))
        fail("SO_RXQ_OVFL");
    if (bind(s, (struct sockaddr *)&any, sizeof any))
        fail("bind");
    return s;
}

struct totals {
    uint64_t packets, bytes, strange, overflow;
    int64_t first, last, gap;
};

static void take(struct msghdr *m, unsigned length, int64_t to_monotonic, uint32_t *overflow, struct totals *t,
                 FILE *records)
{
    struct header h;
    int64_t arrived = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
            arrived = (int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec + to_monotonic;
        } else if (c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(overflow, CMSG_DATA(c), sizeof *overflow);
        }
    }
    memcpy(&h, m->msg_iov->iov_base, sizeof h);
    if (length < sizeof h || h.magic != MAGIC) {
        t->strange++;
        return;
    }
    if (t->packets && arrived - t->last > t->gap)
        t->gap = arrived - t->last;
    if (!t->packets)
        t->first = arrived;
    t->last = arrived;
    t->packets++;
    t->bytes += length;
    if (records) {
        struct record r = {h.flow, length, h.sequence, 0, h.sent_ns, (uint64_t)arrived};
        fwrite(&r, sizeof r, 1, records);
    }
}

static FILE *open_records(const char *path)
{
    if (!path)
        return NULL;
    FILE *records = fopen(path, "wb");
    if (!records)
        fail(path);
    setvbuf(records, NULL, _IOFBF, 1 << 20);
    return records;
}

static int receive_flows(const uint16_t *ports, int count, FILE *records)
{
    static uint8_t controls[BATCH][256];
    static struct header heads[BATCH]; /* the rest of a packet is not copied */
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];
    struct pollfd waits[MAX_PORTS + 1];
    uint32_t overflow[MAX_PORTS] = {0};
    struct totals t = {0};
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < count; i++)
        waits[i] = (struct pollfd){.fd = open_receiver(ports[i]), .events = POLLIN};
    waits[count] = (struct pollfd){.fd = 0, .events = POLLIN};
    printf("ready\n");
    fflush(stdout);
    bool open = true;
    while (open && !stopped) {
        if (poll(waits, (nfds_t)count + 1, 500) < 0 && errno != EINTR)
            fail("poll");
        if (waits[count].revents && stdin_closed(0))
            open = false; /* reads the sockets one last time */
        for (int k = 0; k < count; k++) {
            if (open && !waits[k].revents)
                continue;
            for (int n = BATCH; n == BATCH;) {
                for (int i = 0; i < BATCH; i++) {
                    parts[i] = (struct iovec){&heads[i], sizeof heads[i]};
                    messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i],
                                                          .msg_iovlen = 1,
                                                          .msg_control = controls[i],
                                                          .msg_controllen = sizeof controls[i]};
                }
                n = recvmmsg(waits[k].fd, messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
                int64_t to_monotonic = now_ns(CLOCK_MONOTONIC) - now_ns(CLOCK_REALTIME);
                for (int i = 0; i < n; i++)
                    take(&messages[i].msg_hdr, messages[i].msg_len, to_monotonic, &overflow[k], &t, records);
            }
        }
    }
    for (int k = 0; k < count; k++)
        t.overflow += overflow[k];
    if (records && fclose(records))
        fail("writing the records");
    printf("{\"packets\": %llu, \"bytes\": %llu, \"strange\": %llu, \"overflow\": %llu, \"first_ns\": %lld, "
           "\"last_ns\": %lld, \"longest_gap_ns\": %lld}\n",
           (unsigned long long)t.packets, (unsigned long long)t.bytes, (unsigned long long)t.strange,
           (unsigned long long)t.overflow, (long long)t.first, (long long)t.last, (long long)t.gap);
    return 0;
}

int main(int argc, char **argv)
{
    struct plan plan = {.to = {.sin_family = AF_INET}, .payload = 16, .count = UINT64_MAX};
    uint16_t ports[MAX_PORTS];
    const char *records = NULL;
    int port_count = 0;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (argc < 2 || argc % 2) {
        fprintf(stderr, "error: usage: flow send|receive --OPTION VALUE ...\n");
        return 2;
    }
    for (int i = 2; i < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--to")) {
            if (inet_pton(AF_INET, value, &plan.to.sin_addr) != 1) {
                fprintf(stderr, "error: not an address: %s\n", value);
                return 2;
            }
        } else if (!strcmp(name, "--port") && port_count < MAX_PORTS)
            ports[port_count++] = (uint16_t)atoi(value);
        else if (!strcmp(name, "--flow"))
            plan.flow = (unsigned)atoi(value);
        else if (!strcmp(name, "--payload"))
            plan.payload = (unsigned)atoi(value);
        else if (!strcmp(name, "--segments"))
            plan.segments = (unsigned)atoi(value) > MAX_SEGMENTS ? MAX_SEGMENTS : (unsigned)atoi(value);
        else if (!strcmp(name, "--tos"))
            plan.tos = (unsigned)atoi(value);
        else if (!strcmp(name, "--interval"))
            plan.interval_ns = atoll(value);
        else if (!strcmp(name, "--count"))
            plan.count = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--records"))
            records = value;
        else {
            fprintf(stderr, "error: unknown option: %s\n", name);
            return 2;
        }
    }
    if (!port_count) {
        fprintf(stderr, "error: --port is missing\n");
        return 2;
    }
    if (!strcmp(argv[1], "receive"))
        return receive_flows(ports, port_count, open_records(records));
    if (plan.payload < sizeof(struct header) || plan.payload > MAX_PAYLOAD) {
        fprintf(stderr, "error: --payload must be %zu to %d bytes\n", sizeof(struct header), MAX_PAYLOAD);
        return 2;
    }
    plan.to.sin_port = htons(ports[0]);
    return send_flow(plan, open_records(records));
}
