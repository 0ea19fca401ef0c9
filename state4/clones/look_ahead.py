"""Look-ahead, the paper's term: an update is skipped if a later one for the same cell is already waiting.

The paper looks at the next waiting message only; here all waiting updates count, so each cell is written once. It has
nothing to do with `lookahead` of a P4 parser.
"""

from __future__ import annotations

import numpy as np

from state4.clones.updates import Updates

_INDEX_BITS = 40


def look_ahead(updates: Updates) -> Updates:
    """Of several updates of one cell the last one, in the order of their last occurrence."""
    if len(updates) < 2:
        return updates
    keys = (updates.component.astype(np.uint64) << np.uint64(_INDEX_BITS)) | updates.index
    _, first_from_end = np.unique(keys[::-1], return_index=True)
    return updates.select(np.sort(len(updates) - 1 - first_from_end))
