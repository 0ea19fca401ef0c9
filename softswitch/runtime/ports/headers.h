/* Locates the headers of a frame, as far as needed for TCP and UDP segments. */
#ifndef SS_HEADERS_H
#define SS_HEADERS_H

#include "core/base.h"

enum ss_transport { SS_TCP = 6, SS_UDP = 17 };

typedef struct ss_headers {
    uint32_t network, transport, payload; /* offsets in bytes */
    uint8_t version;                      /* of IP: 4 or 6 */
    uint8_t protocol;                     /* ss_transport */
    uint8_t tags;                         /* VLAN tags */
    bool extended;                        /* IPv4 options, or IPv6 extension headers */
} ss_headers;

/* Ethernet, any number of VLAN tags (802.1Q, 802.1ad), IPv4 or IPv6, then TCP or UDP. Accepted IPv6 extension headers:
 * hop-by-hop, routing and destination options. false: another kind of frame, a fragment, or headers that do not end
 * within `available`. */
bool ss_find_headers(const uint8_t *frame, uint32_t available, ss_headers *found);

static inline uint32_t ss_get_16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

static inline uint32_t ss_get_32(const uint8_t *at) { return ss_get_16(at) << 16 | ss_get_16(at + 2); }

static inline void ss_put_16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void ss_put_32(uint8_t *at, uint32_t value)
{
    ss_put_16(at, value >> 16);
    ss_put_16(at + 2, value);
}

/* In TCP: offsets, and bits of the byte TCP_FLAGS. */
enum { TCP_SEQUENCE = 4, TCP_ACK = 8, TCP_OFFSET = 12, TCP_FLAGS = 13, TCP_WINDOW = 14, TCP_CHECKSUM = 16 };
enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_URG = 0x20, TCP_CWR = 0x80 };
/* In UDP, IPv4 and IPv6. */
enum { UDP_LENGTH = 4, UDP_CHECKSUM = 6, UDP_BYTES = 8 };
enum { IP4_LENGTH = 2, IP4_ID = 4, IP4_FRAGMENT = 6, IP4_CHECKSUM = 10, IP4_BYTES = 20 };
enum { IP6_LENGTH = 4, IP6_BYTES = 40 };

#endif
