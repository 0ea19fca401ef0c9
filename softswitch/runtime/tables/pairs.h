/* Two tables with the same keys: which entries both have, and moving their direct counters and meters. */
#ifndef SS_PAIRS_H
#define SS_PAIRS_H

#include "core/base.h"
#include "include/api.h"

void ss_table_move_counts(const ss_table_move *move);

#endif
