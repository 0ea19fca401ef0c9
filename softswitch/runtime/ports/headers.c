#include "ports/headers.h"

#define ETHERNET_BYTES 14u
#define TAG_BYTES 4u
#define IP4_NOT_WHOLE 0x3fffu /* more fragments, or an offset */

enum { HOP_BY_HOP = 0, ROUTING = 43, DESTINATION_OPTIONS = 60 };

static bool find_ip4(const uint8_t *frame, uint32_t available, ss_headers *found)
{
    const uint8_t *ip = frame + found->network;
    if (available < found->network + IP4_BYTES || ip[0] >> 4 != 4)
        return false;
    uint32_t bytes = (ip[0] & 15u) * 4;
    if (bytes < IP4_BYTES || ss_get_16(ip + IP4_FRAGMENT) & IP4_NOT_WHOLE)
        return false;
    found->version = 4;
    found->protocol = ip[9];
    found->extended = bytes > IP4_BYTES;
    found->transport = found->network + bytes;
    return true;
}

static bool find_ip6(const uint8_t *frame, uint32_t available, ss_headers *found)
{
    const uint8_t *ip = frame + found->network;
    if (available < found->network + IP6_BYTES || ip[0] >> 4 != 6)
        return false;
    found->version = 6;
    found->protocol = ip[6];
    found->transport = found->network + IP6_BYTES;
    while (found->protocol == HOP_BY_HOP || found->protocol == ROUTING || found->protocol == DESTINATION_OPTIONS) {
        if (available < found->transport + 8)
            return false;
        found->protocol = frame[found->transport];
        found->transport += (frame[found->transport + 1] + 1u) * 8;
        found->extended = true;
    }
    return true;
}

bool ss_find_headers(const uint8_t *frame, uint32_t available, ss_headers *found)
{
    *found = (ss_headers){0};
    if (available < ETHERNET_BYTES)
        return false;
    uint32_t at = 12, type = ss_get_16(frame + at);
    while ((type == 0x8100 || type == 0x88a8) && available >= at + TAG_BYTES + 2) {
        at += TAG_BYTES;
        found->tags++;
        type = ss_get_16(frame + at);
    }
    found->network = at + 2;
    if (type == 0x0800 ? !find_ip4(frame, available, found) : type != 0x86dd || !find_ip6(frame, available, found))
        return false;
    uint32_t least = found->protocol == SS_TCP ? 20 : UDP_BYTES;
    if ((found->protocol != SS_TCP && found->protocol != SS_UDP) || available < found->transport + least)
        return false;
    uint32_t bytes = found->protocol == SS_TCP ? (uint32_t)(frame[found->transport + TCP_OFFSET] >> 4) * 4 : UDP_BYTES;
    found->payload = found->transport + bytes;
    return bytes >= least && available >= found->payload;
}
