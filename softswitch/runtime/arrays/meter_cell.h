/* One meter cell, colour-blind, in packets or bytes; its buckets start full. Shared by direct and indirect meters.
 *
 * Two rates (RFC 2698): a packet is red when the peak bucket has too few tokens; else the peak bucket pays, and the
 * packet is yellow when the committed bucket has too few; else that one pays too and the packet is green. Single rate
 * (RFC 2697): tokens that overflow the committed bucket go to the excess bucket. A packet is green when the first can
 * pay, yellow when the second can, else red. */
#ifndef SS_METER_CELL_H
#define SS_METER_CELL_H

#include "core/base.h"

typedef struct ss_meter_cell {
    uint64_t cir, cburst, pir, pburst; /* per second; single rate: pburst is the excess burst, pir is not used */
    uint64_t committed, peak;          /* tokens, in billionths */
    uint64_t last_ns;
    uint64_t counts[3][2]; /* packets and bytes of each colour */
    uint32_t mode;         /* ss_meter_mode */
} ss_meter_cell;

uint32_t ss_meter_cell_execute(ss_meter_cell *cell, uint64_t now_ns, uint32_t packet_bytes, bool in_bytes);
/* The first SS_METER_CONFIG_WORDS of SS_METER_WORDS; NULL removes the configuration: everything is green. The counts
 * are kept. */
void ss_meter_cell_configure(ss_meter_cell *cell, uint64_t now_ns, const uint64_t *config);
void ss_meter_cell_read(const ss_meter_cell *cell, uint64_t *words); /* SS_METER_WORDS */

#endif
