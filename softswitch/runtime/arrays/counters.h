/* Indirect counters: packets and bytes are always counted; the declared kind determines which of them a controller
 * sees.
 */
#ifndef SS_COUNTERS_H
#define SS_COUNTERS_H

#include "core/base.h"
#include "core/instance.h"

ss_counter *ss_counter_create(ss_instance *instance, const ss_counter_desc *desc);
void ss_counter_destroy(ss_counter *counter);
void ss_counter_clear(ss_counter *counter);
uint64_t ss_counter_bytes(const ss_counter *counter);
const void *ss_counter_storage(const ss_counter *counter);

#endif
