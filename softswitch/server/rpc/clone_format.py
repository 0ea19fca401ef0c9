"""The form of a program's clones, as requests of the bulk service describe it."""

from __future__ import annotations

from softswitch.dataplane.handover import CloneFormat
from softswitch.proto import bulk_pb2


def clone_format(message: bulk_pb2.CloneFormat) -> CloneFormat:
    """Sizes are checked by the runtime, which raises BadEntry."""
    return CloneFormat(message.slots, message.component_bytes, message.index_bytes, message.value_bytes, message.mark)
