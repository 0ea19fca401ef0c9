/* Put in front of simple_switch (LD_PRELOAD): its interfaces are sockets of the test, and its clock is the test's.
 *
 * An interface named "fd17" is the connected datagram-like socket with that number, which the process has inherited;
 * one message is one frame. The functions of libpcap are those that bmv2 calls. The system's real-time clock, from
 * which bmv2 takes its timestamps, is what the file named by TEST_CLOCK says: nanoseconds, 8 bytes, in memory order. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* ---- time ---- */

static const volatile uint64_t *clock_now;

__attribute__((constructor)) static void map_clock(void)
{
    const char *path = getenv("TEST_CLOCK");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0)
        return;
    void *place = mmap(NULL, sizeof(uint64_t), PROT_READ, MAP_SHARED, file, 0);
    if (place != MAP_FAILED)
        clock_now = place;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*next)(clockid_t, struct timespec *);
    if (clock == CLOCK_REALTIME && clock_now) {
        uint64_t now = *clock_now;
        time->tv_sec = (time_t)(now / 1000000000u);
        time->tv_nsec = (long)(now % 1000000000u);
        return 0;
    }
    if (!next)
        next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    return next(clock, time);
}

/* ---- ports ---- */

typedef struct pcap {
    int socket;
    unsigned char frame[65536];
} pcap_t;

struct pcap_pkthdr {
    struct timeval ts;
    uint32_t caplen;
    uint32_t len;
};

pcap_t *pcap_create(const char *device, char *error)
{
    if (strncmp(device, "fd", 2) != 0) {
        strcpy(error, "not a socket of the test");
        return NULL;
    }
    pcap_t *pcap = calloc(1, sizeof *pcap);
    if (pcap)
        pcap->socket = atoi(device + 2);
    return pcap;
}

int pcap_set_promisc(pcap_t *pcap, int on)
{
    (void)pcap;
    (void)on;
    return 0;
}
int pcap_set_timeout(pcap_t *pcap, int ms)
{
    (void)pcap;
    (void)ms;
    return 0;
}
int pcap_set_immediate_mode(pcap_t *pcap, int on)
{
    (void)pcap;
    (void)on;
    return 0;
}
int pcap_activate(pcap_t *pcap)
{
    (void)pcap;
    return 0;
}
int pcap_get_selectable_fd(pcap_t *pcap) { return pcap->socket; }

void pcap_close(pcap_t *pcap)
{
    close(pcap->socket);
    free(pcap);
}

/* 1: a frame, which stays valid until the next call; 0: there was none. */
int pcap_next_ex(pcap_t *pcap, struct pcap_pkthdr **header, const unsigned char **data)
{
    static __thread struct pcap_pkthdr head;
    ssize_t got = recv(pcap->socket, pcap->frame, sizeof pcap->frame, MSG_DONTWAIT);
    if (got <= 0)
        return 0;
    memset(&head, 0, sizeof head);
    head.caplen = head.len = (uint32_t)got;
    *header = &head;
    *data = pcap->frame;
    return 1;
}

int pcap_sendpacket(pcap_t *pcap, const unsigned char *data, int length)
{
    return send(pcap->socket, data, (size_t)length, MSG_NOSIGNAL) == length ? 0 : -1;
}
