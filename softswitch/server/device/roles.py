"""What a role may do (P4Runtime specification 5.2): role configs in the form of stratum's `P4RoleConfig`.

The specification leaves the format open. This is the one that existing clients use: the ids that the role may write,
exclusively or shared; whether it gets packet-ins, and which; whether it may set the program. A role without a config
may do everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from finsy.proto import p4r, stratum

from softswitch.server.entities.runs import Run
from softswitch.server.errors import invalid


@dataclass(frozen=True)
class Scope:
    """`packet_filter`: the metadata id and value that a packet-in must have."""

    exclusive: frozenset[int]
    shared: frozenset[int]
    packet_ins: bool
    packet_filter: tuple[int, bytes] | None
    pipeline: bool

    def has(self, number: int) -> bool:
        """Whether an object belongs to the role; objects without an id (number 0) belong to everybody."""
        return number == 0 or number in self.exclusive or number in self.shared

    def wants(self, message: p4r.StreamMessageResponse) -> bool:
        """Whether a packet, digest or notification is meant for the role."""
        if message.HasField("packet"):
            wanted = self.packet_filter
            return self.packet_ins and (
                wanted is None or any((m.metadata_id, m.value) == wanted for m in message.packet.metadata)
            )
        if message.HasField("digest"):
            return self.has(message.digest.digest_id)
        return all(self.has(entry.table_id) for entry in message.idle_timeout_notification.table_entry)


def parse_scope(config: Any) -> Scope:
    """From `role.config`, a google.protobuf.Any. Raises Refused (INVALID_ARGUMENT) for another scheme."""
    message = stratum.P4RoleConfig()
    if not config.Is(message.DESCRIPTOR):
        raise invalid(f"role.config is {config.type_url or 'empty'}; only {message.DESCRIPTOR.full_name} is supported")
    config.Unpack(message)
    wanted = message.packet_in_filter
    has_filter = message.HasField("packet_in_filter") and wanted.metadata_id != 0
    return Scope(
        frozenset(message.exclusive_p4_ids),
        frozenset(message.shared_p4_ids),
        message.receives_packet_ins,
        (wanted.metadata_id, wanted.value.lstrip(b"\0") or b"\0") if has_filter else None,
        message.can_push_pipeline,
    )


_ID_FIELDS = {
    "table_entry": "table_id",
    "register_entry": "register_id",
    "counter_entry": "counter_id",
    "meter_entry": "meter_id",
    "action_profile_member": "action_profile_id",
    "action_profile_group": "action_profile_id",
    "value_set_entry": "value_set_id",
    "digest_entry": "digest_id",
}


def object_id(kind: str, message: Any) -> int:
    """Id of the program's object that an entity (or a run of them) belongs to; 0 for the switch's entities."""
    if isinstance(message, Run):
        return message.object_id
    if kind in ("direct_counter_entry", "direct_meter_entry"):
        return int(message.table_entry.table_id)
    field = _ID_FIELDS.get(kind)
    return int(getattr(message, field)) if field is not None else 0


def shown(scope: Scope | None, kind: str, messages: Iterator[Any]) -> Iterator[Any]:
    """The entities that belong to the role."""
    if scope is None:
        return messages
    return (message for message in messages if scope.has(object_id(kind, message)))
