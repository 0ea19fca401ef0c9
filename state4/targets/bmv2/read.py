"""What the control plane put into a program of bmv2, as P4Runtime's entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bm_runtime.standard.ttypes import BmActionEntryType
from finsy.proto import p4i, p4r

from state4.targets.bmv2.client import CONTEXT, Bmv2Client
from state4.targets.bmv2.keys import Actions, config_of, matches_of, member_of, priority_of


@dataclass
class Handles:
    """bmv2's handles of the members or groups of one action profile, by P4Runtime's numbers.

    bmv2 chooses the handles, P4Runtime's controller the numbers; members of other controllers get a number here."""

    by_number: dict[int, int] = field(default_factory=dict)

    def number(self, handle: int) -> int:
        for number, known in self.by_number.items():
            if known == handle:
                return number
        number = handle + 1
        while number in self.by_number:
            number += 1
        self.by_number[number] = handle
        return number

    def forget(self, number: int) -> None:
        del self.by_number[number]


class Profiles:
    """The handles of all action profiles of a program."""

    def __init__(self) -> None:
        self._members: dict[int, Handles] = {}
        self._groups: dict[int, Handles] = {}

    def members(self, profile_id: int) -> Handles:
        return self._members.setdefault(profile_id, Handles())

    def groups(self, profile_id: int) -> Handles:
        return self._groups.setdefault(profile_id, Handles())


class Reader:
    """Entities of the program that bmv2's control plane addresses. All methods raise TargetError."""

    def __init__(self, client: Bmv2Client, p4info: p4i.P4Info, profiles: Profiles) -> None:
        self._client = client
        self._p4info = p4info
        self._profiles = profiles
        self._actions = Actions(p4info)
        self._counted = {counter.direct_table_id for counter in p4info.direct_counters}
        self._metered = {meter.direct_table_id for meter in p4info.direct_meters}

    def everything(self) -> list[p4r.Entity]:
        """Profiles, value sets, meters, entries and default actions. What bmv2 cannot say, the settings of digests,
        is not there."""
        found: list[p4r.Entity] = []
        for profile in self._p4info.action_profiles:
            found += self._profile(profile)
        found += [p4r.Entity(value_set_entry=self._value_set(declared)) for declared in self._p4info.value_sets]
        for meter in self._p4info.meters:
            found += self._meter(meter)
        for table in self._p4info.tables:
            if not table.is_const_table:
                found += [p4r.Entity(table_entry=entry) for entry in self.entries(table)]
            if not table.const_default_action_id:
                found += [p4r.Entity(table_entry=entry) for entry in self._default(table)]
        return found

    # ------------------------------------------------------------ tables

    def entries(self, table: p4i.Table) -> list[p4r.TableEntry]:
        name, number = table.preamble.name, table.preamble.id
        rows = self._client.call(f"reading the entries of {name}", "bm_mt_get_entries", CONTEXT, name)
        handles = [(CONTEXT, name, row.entry_handle) for row in rows]
        counters = rates = None
        if number in self._counted:
            counters = self._client.many(f"reading the counters of {name}", "bm_mt_read_counter", handles)
        if number in self._metered:
            rates = self._client.many(f"reading the meters of {name}", "bm_mt_get_meter_rates", handles)
        found = []
        for at, row in enumerate(rows):
            entry = p4r.TableEntry(
                table_id=number,
                match=matches_of(table, row.match_key),
                priority=priority_of(table, row.options),
                is_const=table.is_const_table,
            )
            self._action(entry.action, table, row.action_entry)
            if row.life is not None and table.idle_timeout_behavior:
                entry.idle_timeout_ns = row.life.timeout_ms * 1_000_000
            if counters is not None:
                entry.counter_data.packet_count = counters[at].packets
                entry.counter_data.byte_count = counters[at].bytes
            if rates is not None and (config := config_of(rates[at])) is not None:
                entry.meter_config.CopyFrom(config)
            found.append(entry)
        return found

    def _default(self, table: p4i.Table) -> Iterator[p4r.TableEntry]:
        name = table.preamble.name
        answer = self._client.call(f"reading the default of {name}", "bm_mt_get_default_entry", CONTEXT, name)
        if answer.action_type != BmActionEntryType.NONE:  # of a table with an action profile: the program's own
            entry = p4r.TableEntry(table_id=table.preamble.id, is_default_action=True)
            self._action(entry.action, table, answer)
            yield entry

    def _action(self, action: p4r.TableAction, table: p4i.Table, row: Any) -> None:
        if row.action_type == BmActionEntryType.MBR_HANDLE:
            members = self._profiles.members(table.implementation_id)
            action.action_profile_member_id = members.number(row.mbr_handle)
        elif row.action_type == BmActionEntryType.GRP_HANDLE:
            action.action_profile_group_id = self._profiles.groups(table.implementation_id).number(row.grp_handle)
        else:
            action.action.CopyFrom(self._actions.action_of(row.action_name, row.action_data))

    # ------------------------------------------------------------ the rest

    def _profile(self, profile: p4i.ActionProfile) -> Iterator[p4r.Entity]:
        name, number = profile.preamble.name, profile.preamble.id
        members, groups = self._profiles.members(number), self._profiles.groups(number)
        for row in self._client.call(f"reading {name}", "bm_mt_act_prof_get_members", CONTEXT, name):
            member = p4r.ActionProfileMember(action_profile_id=number, member_id=members.number(row.mbr_handle))
            member.action.CopyFrom(self._actions.action_of(row.action_name, row.action_data))
            yield p4r.Entity(action_profile_member=member)
        if not profile.with_selector:
            return
        for row in self._client.call(f"reading {name}", "bm_mt_act_prof_get_groups", CONTEXT, name):
            group = p4r.ActionProfileGroup(action_profile_id=number, group_id=groups.number(row.grp_handle))
            group.max_size = profile.max_group_size
            for handle in row.mbr_handles:
                group.members.add(member_id=members.number(handle), weight=1)
            yield p4r.Entity(action_profile_group=group)

    def _value_set(self, declared: p4i.ValueSet) -> p4r.ValueSetEntry:
        name = declared.preamble.name
        values = self._client.call(f"reading {name}", "bm_parse_vset_get", CONTEXT, name)
        members = [member_of(declared.match, value) for value in values]
        return p4r.ValueSetEntry(value_set_id=declared.preamble.id, members=members)

    def _meter(self, meter: p4i.Meter) -> Iterator[p4r.Entity]:
        name = meter.preamble.name
        calls = [(CONTEXT, name, index) for index in range(meter.size)]
        for index, rates in enumerate(self._client.many(f"reading {name}", "bm_meter_get_rates", calls)):
            config = config_of(rates)
            if config is not None:
                entry = p4r.MeterEntry(meter_id=meter.preamble.id, index=p4r.Index(index=index), config=config)
                yield p4r.Entity(meter_entry=entry)
