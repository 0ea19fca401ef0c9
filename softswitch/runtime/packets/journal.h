/* The journal: the clones of updates that went to the CPU port lately, which the switch keeps for a hand-over.
 *
 * A controller that follows updates by clones learns of the last ones too late: they are still in transit. So, from
 * ss_journal_open on, the switch keeps them itself as well as sending them. */
#ifndef SS_JOURNAL_H
#define SS_JOURNAL_H

#include "core/switch.h"

/* One update: `value` has `bytes` bytes, big-endian. */
typedef void ss_update_handler(void *argument, uint64_t component, uint64_t index, const uint8_t *value,
                               uint32_t bytes);

void ss_journal_add(ss_journal *journal, const uint8_t *header, uint32_t header_bytes, const uint8_t *payload,
                    uint32_t payload_bytes);
bool ss_journal_complete(const ss_journal *journal); /* every clone that was asked for since it began is in it */
uint64_t ss_journal_clones(const ss_journal *journal);
uint32_t ss_journal_rest(const ss_journal *journal); /* clones whose updates were not handled yet */
/* Handles the updates of the next clones, `most` at most, in their order; false when one is missing between them. */
bool ss_journal_updates(ss_journal *journal, uint32_t most, ss_update_handler *handle, void *argument);
void ss_journal_free(ss_journal *journal);

#endif
