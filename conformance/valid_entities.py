"""Random entities that a program's P4Info allows: what a well-behaved controller would write."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from finsy.proto import p4i, p4r

from p4front.match_kinds import Operand, field_match, kind_in_p4info, shortest_bytes, table_needs_priority

Maker = Callable[[], p4r.Entity]


class ValidEntities:
    """`ports`: destinations of groups and sessions. Numbers are small, so that entities often affect each other."""

    def __init__(self, p4info: p4i.P4Info, rng: random.Random, ports: Sequence[int] = (1, 2, 3, 510)) -> None:
        self._p4info = p4info
        self._rng = rng
        self._ports = ports
        self._actions = {action.preamble.id: action for action in p4info.actions}
        self._makers: list[Maker] = [self._group, self._session]
        for table in p4info.tables:
            if not table.is_const_table:
                self._makers += [lambda t=table: self._table_entry(t)] * 4  # type: ignore[misc]
            self._makers.append(lambda t=table: self._default(t))  # type: ignore[misc]
        for profile in p4info.action_profiles:
            self._makers += [lambda p=profile: self._member(p)] * 2  # type: ignore[misc]
            self._makers.append(lambda p=profile: self._profile_group(p))  # type: ignore[misc]
        for value_set in p4info.value_sets:
            self._makers.append(lambda v=value_set: self._value_set(v))  # type: ignore[misc]
        for digest in p4info.digests:
            self._makers.append(lambda d=digest: self._digest(d))  # type: ignore[misc]

    def __call__(self) -> p4r.Entity:
        return self._rng.choice(self._makers)()

    @property
    def ids(self) -> list[int]:
        """Ids of all objects of the program."""
        found = []
        for field, items in self._p4info.ListFields():
            if field.is_repeated:
                found += [item.preamble.id for item in items if hasattr(item, "preamble")]
        return found

    # ---- tables ----

    def _table_entry(self, table: p4i.Table) -> p4r.Entity:
        entity = p4r.Entity()
        entry = entity.table_entry
        entry.table_id = table.preamble.id
        for field in table.match_fields:
            match = self._match(field)
            if match is not None:
                entry.match.append(match)
        if table_needs_priority(table):
            entry.priority = self._rng.choice((1, 2, 3, 1000))
        self._table_action(table, entry.action)
        if table.idle_timeout_behavior and self._rng.random() < 0.2:
            entry.idle_timeout_ns = self._rng.choice((0, 10**6, 10**12))
        if self._rng.random() < 0.1:
            entry.metadata = self._rng.randbytes(4)
        if table.direct_resource_ids and self._rng.random() < 0.3:
            self._direct(table, entry)
        return entity

    def _direct(self, table: p4i.Table, entry: p4r.TableEntry) -> None:
        counters = {counter.preamble.id for counter in self._p4info.direct_counters}
        for number in table.direct_resource_ids:
            if number in counters:
                entry.counter_data.packet_count = self._rng.randrange(1000)
            else:
                entry.meter_config.cir, entry.meter_config.pir = 10, 20
                entry.meter_config.cburst = entry.meter_config.pburst = 5

    def _default(self, table: p4i.Table) -> p4r.Entity:
        entity = p4r.Entity()
        entry = entity.table_entry
        entry.table_id, entry.is_default_action = table.preamble.id, True
        choices = [ref.id for ref in table.action_refs if ref.scope != p4i.ActionRef.TABLE_ONLY]
        if choices and self._rng.random() < 0.8:
            self._action(self._rng.choice(choices), entry.action.action)
        return entity

    def _match(self, field: p4i.MatchField) -> p4r.FieldMatch | None:
        kind = kind_in_p4info(field.match_type)
        if kind is None or (kind.optional_field and self._rng.random() < 0.3):
            return None
        width = field.bitwidth or 8
        value = self._number(width)
        operand = 0
        if kind.operand is Operand.PREFIX:
            operand = self._rng.randint(1, width)
            value = value >> (width - operand) << (width - operand)
        elif kind.operand is Operand.MASK:
            operand = self._number(width) or 1
            value &= operand
        elif kind.operand is Operand.HIGH:
            value, operand = sorted((value, self._number(width)))
            if (value, operand) == (0, (1 << width) - 1):
                operand -= 1
        return field_match(field.id, kind, value, operand)

    def _number(self, width: int) -> int:
        return self._rng.choice((0, 1, 2, 3, self._rng.getrandbits(width), (1 << width) - 1)) & ((1 << width) - 1)

    def _table_action(self, table: p4i.Table, action: p4r.TableAction) -> None:
        choices = [ref.id for ref in table.action_refs if ref.scope != p4i.ActionRef.DEFAULT_ONLY]
        if not table.implementation_id:
            self._action(self._rng.choice(choices), action.action)
            return
        way = self._rng.randrange(3)
        if way == 0:
            action.action_profile_member_id = self._rng.randint(1, 4)
        elif way == 1:
            action.action_profile_group_id = self._rng.randint(1, 3)
        else:
            for _ in range(self._rng.randint(1, 3)):
                one = action.action_profile_action_set.action_profile_actions.add(weight=1)
                self._action(self._rng.choice(choices), one.action)

    def _action(self, number: int, message: p4r.Action) -> None:
        message.action_id = number
        for param in self._actions[number].params:
            message.params.add(param_id=param.id, value=shortest_bytes(self._number(param.bitwidth or 8)))

    # ---- action profiles ----

    def _profile_actions(self, profile: p4i.ActionProfile) -> list[int]:
        tables = [table for table in self._p4info.tables if table.preamble.id in profile.table_ids]
        return [ref.id for table in tables for ref in table.action_refs if ref.scope != p4i.ActionRef.DEFAULT_ONLY]

    def _member(self, profile: p4i.ActionProfile) -> p4r.Entity:
        entity = p4r.Entity()
        member = entity.action_profile_member
        member.action_profile_id, member.member_id = profile.preamble.id, self._rng.randint(1, 4)
        choices = self._profile_actions(profile)
        if choices:
            self._action(self._rng.choice(choices), member.action)
        return entity

    def _profile_group(self, profile: p4i.ActionProfile) -> p4r.Entity:
        entity = p4r.Entity()
        group = entity.action_profile_group
        group.action_profile_id, group.group_id = profile.preamble.id, self._rng.randint(1, 3)
        group.max_size = self._rng.choice((0, 4))
        for number in self._rng.sample((1, 2, 3, 4), self._rng.randint(0, 3)):
            group.members.add(member_id=number, weight=self._rng.choice((1, 1, 2)))
        return entity

    # ---- the rest ----

    def _group(self) -> p4r.Entity:
        entity = p4r.Entity()
        group = entity.packet_replication_engine_entry.multicast_group_entry
        group.multicast_group_id = self._rng.randint(1, 5)
        for port in self._rng.sample(self._ports, self._rng.randint(0, 3)):
            group.replicas.add(egress_port=port, instance=self._rng.randrange(3))
        return entity

    def _session(self) -> p4r.Entity:
        entity = p4r.Entity()
        session = entity.packet_replication_engine_entry.clone_session_entry
        session.session_id = self._rng.randint(1, 6)
        for port in self._rng.sample(self._ports, self._rng.randint(0, 2)):
            session.replicas.add(egress_port=port, instance=1)
        session.packet_length_bytes = self._rng.choice((0, 0, 64))
        return entity

    def _value_set(self, value_set: p4i.ValueSet) -> p4r.Entity:
        entity = p4r.Entity()
        entry = entity.value_set_entry
        entry.value_set_id = value_set.preamble.id
        for _ in range(self._rng.randint(0, min(3, value_set.size))):
            member = entry.members.add()
            for field in value_set.match:
                match = self._match(field)
                if match is not None:
                    member.match.append(match)
        return entity

    def _digest(self, digest: p4i.Digest) -> p4r.Entity:
        entity = p4r.Entity()
        entity.digest_entry.digest_id = digest.preamble.id
        config = entity.digest_entry.config
        config.max_list_size, config.max_timeout_ns, config.ack_timeout_ns = self._rng.choice((0, 1, 10)), 10**6, 10**8
        return entity
