"""TableEntry messages (P4Runtime specification 9.1): an entry's key, its action, and its notes."""

from __future__ import annotations

from dataclasses import replace

from finsy.proto import p4r

from softswitch.dataplane.entries import Entry, EntryState
from softswitch.dataplane.tables import Table
from softswitch.server.entities.actions import check_scope, from_action, from_action_set, to_action, to_action_set
from softswitch.server.entities.matches import from_keys, to_keys
from softswitch.server.errors import invalid
from softswitch.server.program.config import Config
from softswitch.server.program.index import TableView


def table_of(config: Config, view: TableView) -> Table:
    return config.pipeline.tables[view.name]


def pack_note(message: p4r.TableEntry) -> bytes:
    """`controller_metadata` and `metadata` packed into the one note that the switch stores with an entry."""
    if not message.controller_metadata and not message.metadata:
        return b""
    return int(message.controller_metadata).to_bytes(8, "big") + bytes(message.metadata)


def unpack_note(note: bytes, message: p4r.TableEntry) -> None:
    if note:
        message.controller_metadata = int.from_bytes(note[:8], "big")
        message.metadata = note[8:]


def check_default_key(view: TableView, message: p4r.TableEntry) -> None:
    """Raises Refused if a message for the default entry has what only other entries can have (9.1.3, 9.1.8)."""
    if message.match or message.priority:
        raise invalid(f"table {view.name}: the default entry cannot have a match or a priority")
    if message.idle_timeout_ns or message.HasField("time_since_last_hit"):
        raise invalid(f"table {view.name}: the default entry cannot have an idle time-out")


def key_entry(view: TableView, message: p4r.TableEntry) -> Entry:
    """An Entry with only the key of `message`. Raises Refused for a key or priority that is invalid for the table."""
    keys = to_keys(view.fields, message.match, f"table {view.name}")
    if view.needs_priority and message.priority <= 0:
        raise invalid(
            f"table {view.name}: entries need a priority above 0 (there are ternary, range or optional matches)"
        )
    if not view.needs_priority and message.priority:
        raise invalid(f"table {view.name}: priority must be 0: no match field is ternary, range or optional")
    return Entry(keys, priority=message.priority)


def full_entry(config: Config, view: TableView, key: Entry, message: p4r.TableEntry) -> Entry:
    """The key with time-out and note of `message`, and its action if `message` has one."""
    if message.idle_timeout_ns and not view.info.idle_timeout:
        raise invalid(f"table {view.name} has no idle time-outs (support_timeout)")
    if message.idle_timeout_ns < 0:
        raise invalid(f"table {view.name}: idle_timeout_ns {message.idle_timeout_ns} is negative")
    if message.HasField("time_since_last_hit"):
        raise invalid("time_since_last_hit can only be read")
    entry = replace(key, idle_timeout_ns=message.idle_timeout_ns, metadata=pack_note(message))
    return _with_action(config, view, entry, message.action) if message.HasField("action") else entry


def _with_action(config: Config, view: TableView, entry: Entry, message: p4r.TableAction) -> Entry:
    kind = message.WhichOneof("type")
    if kind is None:
        raise invalid(f"table {view.name}: the action is empty")
    if view.profile is None:
        if kind != "action":
            raise invalid(f"table {view.name} has no action profile: its entries need an action, not {kind}")
        check_scope(view, message.action.action_id, default=False)
        name, params = to_action(config.index, message.action)
        return replace(entry, action=name, params=params)
    if kind == "action":
        raise invalid(f"table {view.name} uses action profile {view.profile.name}: name a member, group or action set")
    if kind == "action_profile_member_id":
        return replace(entry, member=message.action_profile_member_id)
    if not view.profile.info.selector:
        raise invalid(f"action profile {view.profile.name} has no selector: name a member")
    if kind == "action_profile_group_id":
        return replace(entry, group=message.action_profile_group_id)
    chosen = message.action_profile_action_set
    modes = (int(chosen.action_selection_mode), int(chosen.size_semantics))
    return replace(entry, action_set=to_action_set(config, view, chosen), set_modes=modes)


def from_state(config: Config, view: TableView, state: EntryState) -> p4r.TableEntry:
    """Key, action, priority, time-out and notes; direct resources are added by the reader."""
    entry = state.entry
    message = p4r.TableEntry(table_id=view.id, priority=entry.priority, idle_timeout_ns=entry.idle_timeout_ns)
    message.match.extend(from_keys(view.fields, entry.keys))
    if entry.action_set:
        message.action.action_profile_action_set.CopyFrom(
            from_action_set(config.index, entry.action_set, entry.set_modes)
        )
    elif entry.member is not None:
        message.action.action_profile_member_id = entry.member
    elif entry.group is not None:
        message.action.action_profile_group_id = entry.group
    elif entry.action:
        message.action.action.CopyFrom(from_action(config.index, entry.action, entry.params))
    message.is_const = state.const
    unpack_note(entry.metadata, message)
    return message
