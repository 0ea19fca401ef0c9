"""P4Runtime's updates, done in bmv2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bm_runtime.standard.ttypes import BmCounterValue, BmResourceType
from finsy.proto import p4i, p4r

from softswitch.proto.update_kinds import DELETE, INSERT
from state4.errors import TargetError, Unsupported
from state4.plan.entities import kind_of
from state4.targets.bmv2.client import CONTEXT, Bmv2Client
from state4.targets.bmv2.keys import Actions, key_of, member_bytes, options_of, rates_of
from state4.targets.bmv2.read import Handles, Profiles
from state4.targets.bmv2.replication import Replication

_MS = 1_000_000  # in ns


class Writer:
    """Updates of the program that bmv2's control plane addresses, and of the switch. All methods raise TargetError."""

    def __init__(self, client: Bmv2Client, p4info: p4i.P4Info, profiles: Profiles) -> None:
        self._client = client
        self._p4info = p4info
        self._profiles = profiles
        self._actions = Actions(p4info)
        self._tables = {table.preamble.id: table for table in p4info.tables}
        self._names = {
            item.preamble.id: item.preamble.name
            for kind in ("action_profiles", "value_sets", "meters", "counters", "registers", "digests")
            for item in getattr(p4info, kind)
        }
        self._value_sets = {item.preamble.id: item for item in p4info.value_sets}
        self._registers = {item.preamble.id: item for item in p4info.registers}
        self._write: dict[str, Callable[[int, Any], None]] = {
            "table_entry": self._entry,
            "action_profile_member": self._member,
            "action_profile_group": self._group,
            "value_set_entry": self._value_set,
            "meter_entry": self._meter,
            "counter_entry": self._counter,
            "register_entry": self._register,
            "digest_entry": self._digest,
            "packet_replication_engine_entry": Replication(client).write,
        }

    def write(self, updates: Sequence[p4r.Update]) -> None:
        """In order, up to the first that bmv2 refuses."""
        for update in updates:
            kind = kind_of(update.entity)
            if kind not in self._write:
                raise Unsupported(f"bmv2's control plane has no {kind.replace('_', ' ')}")
            self._write[kind](update.type, getattr(update.entity, kind))

    # ------------------------------------------------------------ tables

    def _entry(self, kind: int, entry: p4r.TableEntry) -> None:
        table = self._tables[entry.table_id]
        name = table.preamble.name
        if entry.is_default_action:
            self._default(table, entry)
            return
        key, options = key_of(table, entry.match), options_of(table, entry.priority)
        what = f"writing an entry of {name}"
        method, arguments = ("", ()) if kind == DELETE else self._choice(table, entry.action)
        family = "bm_mt_indirect" if table.implementation_id else "bm_mt"
        if kind == INSERT:
            add = {"member": f"{family}_add_entry", "group": f"{family}_ws_add_entry"}.get(method, "bm_mt_add_entry")
            handle = self._client.call(what, add, CONTEXT, name, key, *arguments, options)
        else:
            row = self._client.call(what, "bm_mt_get_entry_from_key", CONTEXT, name, key, options)
            handle = row.entry_handle
            if kind == DELETE:
                self._client.call(what, f"{family}_delete_entry", CONTEXT, name, handle)
                return
            change = {"member": f"{family}_modify_entry", "group": f"{family}_ws_modify_entry"}
            self._client.call(what, change.get(method, "bm_mt_modify_entry"), CONTEXT, name, handle, *arguments)
        if entry.idle_timeout_ns:
            timeout = max(1, entry.idle_timeout_ns // _MS)
            self._client.call(what, f"{family}_set_entry_ttl", CONTEXT, name, handle, timeout)
        if entry.HasField("counter_data"):
            value = BmCounterValue(bytes=entry.counter_data.byte_count, packets=entry.counter_data.packet_count)
            self._client.call(what, "bm_mt_write_counter", CONTEXT, name, handle, value)
        if entry.HasField("meter_config"):
            self._client.call(what, "bm_mt_set_meter_rates", CONTEXT, name, handle, rates_of(entry.meter_config))

    def _default(self, table: p4i.Table, entry: p4r.TableEntry) -> None:
        name = table.preamble.name
        what = f"writing the default action of {name}"
        family = "bm_mt_indirect" if table.implementation_id else "bm_mt"
        if not entry.HasField("action"):
            self._client.call(what, f"{family}_reset_default_entry", CONTEXT, name)
            return
        method, arguments = self._choice(table, entry.action)
        calls = {"member": "bm_mt_indirect_set_default_member", "group": "bm_mt_indirect_ws_set_default_group"}
        self._client.call(what, calls.get(method, "bm_mt_set_default_action"), CONTEXT, name, *arguments)

    def _choice(self, table: p4i.Table, action: p4r.TableAction) -> tuple[str, tuple[Any, ...]]:
        """What an entry chooses: "action" with name and data, or "member" or "group" with the handle."""
        profile = table.implementation_id
        kind = action.WhichOneof("type")
        if kind == "action_profile_member_id":
            return "member", (_handle(self._profiles.members(profile), action.action_profile_member_id, "member"),)
        if kind == "action_profile_group_id":
            return "group", (_handle(self._profiles.groups(profile), action.action_profile_group_id, "group"),)
        if kind == "action_profile_action_set":
            return "group", (self._action_set(profile, action.action_profile_action_set),)
        return "action", self._actions.data_of(action.action)

    def _action_set(self, profile: int, actions: p4r.ActionProfileActionSet) -> int:
        """Creates a separate group; an action of weight n becomes n members. Returns its handle."""
        name, what = self._names[profile], "writing an action set"
        group: int = self._client.call(what, "bm_mt_act_prof_create_group", CONTEXT, name)
        for item in actions.action_profile_actions:
            for _ in range(max(1, item.weight)):
                member = self._client.call(
                    what, "bm_mt_act_prof_add_member", CONTEXT, name, *self._actions.data_of(item.action)
                )
                self._client.call(what, "bm_mt_act_prof_add_member_to_group", CONTEXT, name, member, group)
        return group

    # ------------------------------------------------------------ action profiles

    def _member(self, kind: int, member: p4r.ActionProfileMember) -> None:
        name, handles = self._names[member.action_profile_id], self._profiles.members(member.action_profile_id)
        what = f"writing a member of {name}"
        if kind == INSERT:
            data = self._actions.data_of(member.action)
            handle = self._client.call(what, "bm_mt_act_prof_add_member", CONTEXT, name, *data)
            handles.by_number[member.member_id] = handle
            return
        handle = _handle(handles, member.member_id, "member")
        if kind == DELETE:
            self._client.call(what, "bm_mt_act_prof_delete_member", CONTEXT, name, handle)
            handles.forget(member.member_id)
        else:
            data = self._actions.data_of(member.action)
            self._client.call(what, "bm_mt_act_prof_modify_member", CONTEXT, name, handle, *data)

    def _group(self, kind: int, group: p4r.ActionProfileGroup) -> None:
        name, handles = self._names[group.action_profile_id], self._profiles.groups(group.action_profile_id)
        members = self._profiles.members(group.action_profile_id)
        what = f"writing a group of {name}"
        if any(member.weight > 1 for member in group.members):
            raise Unsupported(f"{what}: the members of bmv2's groups have no weights")
        if kind == INSERT:
            handles.by_number[group.group_id] = self._client.call(what, "bm_mt_act_prof_create_group", CONTEXT, name)
        handle = _handle(handles, group.group_id, "group")
        if kind == DELETE:
            self._client.call(what, "bm_mt_act_prof_delete_group", CONTEXT, name, handle)
            handles.forget(group.group_id)
            return
        row = self._client.call(what, "bm_mt_act_prof_get_group", CONTEXT, name, handle)
        here, wanted = set(row.mbr_handles), {_handle(members, m.member_id, "member") for m in group.members}
        for member in sorted(wanted - here):
            self._client.call(what, "bm_mt_act_prof_add_member_to_group", CONTEXT, name, member, handle)
        for member in sorted(here - wanted):
            self._client.call(what, "bm_mt_act_prof_remove_member_from_group", CONTEXT, name, member, handle)

    # ------------------------------------------------------------ arrays and value sets

    def _value_set(self, _kind: int, entry: p4r.ValueSetEntry) -> None:
        declared = self._value_sets[entry.value_set_id]
        name = declared.preamble.name
        self._client.call(f"writing {name}", "bm_parse_vset_clear", CONTEXT, name)
        for member in entry.members:
            value = member_bytes(declared.match, member)
            self._client.call(f"writing {name}", "bm_parse_vset_add", CONTEXT, name, value)

    def _meter(self, _kind: int, entry: p4r.MeterEntry) -> None:
        name = self._names[entry.meter_id]
        if not entry.HasField("config"):
            raise Unsupported(f"writing {name}: bmv2's control plane cannot remove the rates of a meter")
        rates = rates_of(entry.config)
        self._client.call(f"writing {name}", "bm_meter_set_rates", CONTEXT, name, entry.index.index, rates)

    def _counter(self, _kind: int, entry: p4r.CounterEntry) -> None:
        name = self._names[entry.counter_id]
        value = BmCounterValue(bytes=entry.data.byte_count, packets=entry.data.packet_count)
        self._client.call(f"writing {name}", "bm_counter_write", CONTEXT, name, entry.index.index, value)

    def _register(self, _kind: int, entry: p4r.RegisterEntry) -> None:
        declared = self._registers[entry.register_id]
        name = declared.preamble.name
        number = int.from_bytes(entry.data.bitstring, "big", signed=declared.type_spec.bitstring.HasField("int"))
        if not -(1 << 63) <= number < 1 << 63:
            raise TargetError(f"writing {name}: {number} needs more than the 63 bits that bmv2's control plane takes")
        self._client.call(f"writing {name}", "bm_register_write", CONTEXT, name, entry.index.index, number)

    def _digest(self, kind: int, entry: p4r.DigestEntry) -> None:
        """bmv2 sends digests all the time; only how they are bundled can be set."""
        if kind == DELETE:
            return
        name = self._names[entry.digest_id]
        what = f"writing the settings of digest {name}"
        number = self._client.call(what, "bm_get_id_from_name", CONTEXT, BmResourceType.LEARNING_LIST, name)
        if entry.config.max_timeout_ns:
            timeout = max(1, entry.config.max_timeout_ns // _MS)
            self._client.call(what, "bm_learning_set_timeout", CONTEXT, number, timeout)
        if entry.config.max_list_size:
            self._client.call(what, "bm_learning_set_buffer_size", CONTEXT, number, entry.config.max_list_size)


def _handle(handles: Handles, number: int, word: str) -> int:
    if number not in handles.by_number:
        raise TargetError(f"there is no {word} {number}")
    return handles.by_number[number]
