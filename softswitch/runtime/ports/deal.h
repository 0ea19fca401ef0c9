/* Which data-plane thread receives from which port. */
#ifndef SS_DEAL_H
#define SS_DEAL_H

#include "ports/port.h"

uint32_t ss_fewest_ports(const ss_switch *sw); /* the lane that receives from the fewest */
void ss_deal_evenly(ss_switch *sw);            /* all ports, in the order in which they were added */
/* Moves one port from the busiest thread to the least busy one, by what came in since the last time, if that takes a
 * good part of its work away: two busy ports shall not be with the same thread. At the safe point; changes port_version
 * if a port changes hands. */
void ss_deal_by_load(ss_switch *sw);

#endif
