/* Completes the TCP or UDP checksum of a frame whose sender left it to the network card.
 *
 * A veth hands such frames over as they are: the checksum field holds the sum of the pseudo header, and the receiver
 * would throw the packet away once we have sent it on. */
#ifndef SS_CHECKSUM_H
#define SS_CHECKSUM_H

#include "core/base.h"

bool ss_complete_checksum(uint8_t *frame, uint32_t length); /* false: no TCP or UDP in it */

#endif
