"""One program's objects by their P4Info ids, tied to the compiled pipeline's objects by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from finsy.proto import p4i, p4t

from p4front.match_kinds import MATCH_KINDS, need_priority
from softswitch.model import (
    CounterInfo,
    DigestInfo,
    KeyField,
    PipelineInfo,
    ProfileInfo,
    RegisterInfo,
    TableInfo,
    ValueSetInfo,
)
from softswitch.server.errors import invalid, not_found
from softswitch.server.values.p4data import DataTypes
from softswitch.server.values.translation import Translations
from softswitch.server.values.values import ValueCodec

_V = TypeVar("_V")


@dataclass(frozen=True)
class MatchView:
    """One match field: `position` in the key, and how its values travel."""

    id: int
    position: int
    key: KeyField
    codec: ValueCodec


@dataclass(frozen=True)
class ActionView:
    """An action; parameters in order, with their ids."""

    id: int
    name: str
    params: tuple[tuple[int, ValueCodec], ...]


@dataclass(frozen=True)
class TableView:
    """`scopes`: P4Info's scope of each action, by id. `counter_id`, `meter_id`: its direct resources, 0: none.
    `meter_type`: MeterSpec.Type of the direct meter."""

    id: int
    name: str
    info: TableInfo
    proto: p4i.Table
    fields: tuple[MatchView, ...]
    scopes: dict[int, int]
    needs_priority: bool
    counter_id: int = 0
    meter_id: int = 0
    meter_type: int = 0
    profile: ProfileView | None = None


@dataclass(frozen=True)
class ProfileView:
    id: int
    name: str
    info: ProfileInfo
    proto: p4i.ActionProfile


@dataclass(frozen=True)
class RegisterView:
    id: int
    name: str
    info: RegisterInfo
    spec: p4t.P4DataTypeSpec


@dataclass(frozen=True)
class CounterView:
    """An indirect counter or meter. `type`: a meter's MeterSpec.Type."""

    id: int
    name: str
    info: CounterInfo
    type: int = 0


@dataclass(frozen=True)
class ValueSetView:
    id: int
    name: str
    info: ValueSetInfo
    fields: tuple[MatchView, ...]


@dataclass(frozen=True)
class DigestView:
    id: int
    name: str
    info: DigestInfo
    spec: p4t.P4DataTypeSpec


@dataclass
class P4Index:
    """Everything that requests name by id. Look-ups raise Refused (NOT_FOUND) for ids that the program has not,
    and INVALID_ARGUMENT for 0."""

    info: p4i.P4Info
    data: DataTypes
    translations: Translations
    tables: dict[int, TableView] = field(default_factory=dict)
    actions: dict[int, ActionView] = field(default_factory=dict)
    action_ids: dict[str, int] = field(default_factory=dict)
    profiles: dict[int, ProfileView] = field(default_factory=dict)
    registers: dict[int, RegisterView] = field(default_factory=dict)
    counters: dict[int, CounterView] = field(default_factory=dict)
    meters: dict[int, CounterView] = field(default_factory=dict)
    value_sets: dict[int, ValueSetView] = field(default_factory=dict)
    digests: dict[int, DigestView] = field(default_factory=dict)

    def table(self, number: int) -> TableView:
        return _known(self.tables, number, "table")

    def action(self, number: int) -> ActionView:
        view = self.actions.get(number)
        if view is None:
            raise invalid(f"the program has no action with id {number:#010x}")
        return view

    def profile(self, number: int) -> ProfileView:
        return _known(self.profiles, number, "action profile")

    def register(self, number: int) -> RegisterView:
        return _known(self.registers, number, "register")

    def counter(self, number: int) -> CounterView:
        return _known(self.counters, number, "counter")

    def meter(self, number: int) -> CounterView:
        return _known(self.meters, number, "meter")

    def value_set(self, number: int) -> ValueSetView:
        return _known(self.value_sets, number, "value set")

    def digest(self, number: int) -> DigestView:
        return _known(self.digests, number, "digest")


def _known(views: dict[int, _V], number: int, kind: str) -> _V:
    if number == 0:
        raise invalid(f"the id of the {kind} is missing")
    view = views.get(number)
    if view is None:
        raise not_found(f"the program has no {kind} with id {number:#010x}")
    return view


def build_index(info: p4i.P4Info, pipeline: PipelineInfo, translations: Translations) -> P4Index:
    """Ties P4Info to the compiled program. Raises Refused (INVALID_ARGUMENT) with all that does not fit together."""
    problems: list[str] = []
    index = P4Index(info, DataTypes(info, translations), translations)
    _actions(index, pipeline)
    profiles = {p.name: p for p in pipeline.profiles}
    for profile in info.action_profiles:
        name = profile.preamble.name
        if name in profiles:
            index.profiles[profile.preamble.id] = ProfileView(profile.preamble.id, name, profiles[name], profile)
        else:
            problems.append(f"action profile {name}")
    tables = {t.name: t for t in pipeline.tables}
    for table in info.tables:
        known = tables.get(table.preamble.name)
        if known is None:
            problems.append(f"table {table.preamble.name}")
        else:
            index.tables[table.preamble.id] = _table(index, table, known, problems)
    _arrays(index, pipeline, problems)
    _value_sets(index, pipeline, problems)
    digests = {d.name: d for d in pipeline.digests}
    for digest in info.digests:
        name = digest.preamble.name
        if name in digests:
            index.digests[digest.preamble.id] = DigestView(digest.preamble.id, name, digests[name], digest.type_spec)
        else:
            problems.append(f"digest {name}")
    if problems:
        listed = "; ".join(problems[:20])
        raise invalid(f"P4Info and device config are of different programs; the compiled one lacks: {listed}")
    return index


def _actions(index: P4Index, pipeline: PipelineInfo) -> None:
    widths = {a.name: a.params for t in pipeline.tables for a in t.actions}
    for action in index.info.actions:
        number, name = action.preamble.id, action.preamble.name
        known = {p.name: p.width for p in widths.get(name, ())}
        params = []
        for param in action.params:
            names = index.translations.of(index.info, param.type_name.name)
            width = known.get(param.name, param.bitwidth)
            params.append((param.id, ValueCodec(f"{name}.{param.name}", width, names)))
        index.actions[number] = ActionView(number, name, tuple(params))
        index.action_ids[name] = number


def _table(index: P4Index, proto: p4i.Table, info: TableInfo, problems: list[str]) -> TableView:
    fields = _match_fields(index, proto.match_fields, info.keys, f"table {info.name}", problems)
    counter_id, meter_id = 0, 0
    for number in proto.direct_resource_ids:
        if any(c.preamble.id == number for c in index.info.direct_counters):
            counter_id = number
        else:
            meter_id = number
    return TableView(
        proto.preamble.id,
        info.name,
        info,
        proto,
        fields,
        {reference.id: reference.scope for reference in proto.action_refs},
        need_priority(f.key.match for f in fields),
        counter_id,
        meter_id,
        next((m.spec.type for m in index.info.direct_meters if m.preamble.id == meter_id), 0),
        index.profiles.get(proto.implementation_id),
    )


def _match_fields(
    index: P4Index, protos: Sequence[p4i.MatchField], keys: tuple[KeyField, ...], what: str, problems: list[str]
) -> tuple[MatchView, ...]:
    keys = tuple(k for k in keys if MATCH_KINDS[k.match].matched)
    if len(protos) != len(keys):
        problems.append(f"{what} with {len(protos)} match fields (it has {len(keys)})")
        return ()
    fields = []
    for position, (proto, key) in enumerate(zip(protos, keys, strict=True)):
        names = index.translations.of(index.info, proto.type_name.name)
        fields.append(MatchView(proto.id, position, key, ValueCodec(f"{what}, field {proto.name}", key.width, names)))
    return tuple(fields)


def _arrays(index: P4Index, pipeline: PipelineInfo, problems: list[str]) -> None:
    registers = {r.name: r for r in pipeline.registers}
    for register in index.info.registers:
        number, name = register.preamble.id, register.preamble.name
        if name in registers:
            index.registers[number] = RegisterView(number, name, registers[name], register.type_spec)
        else:
            problems.append(f"register {name}")
    for kind, protos, infos, views in (
        ("counter", index.info.counters, pipeline.counters, index.counters),
        ("meter", index.info.meters, pipeline.meters, index.meters),
    ):
        known = {c.name: c for c in infos}
        for proto in protos:
            number, name = proto.preamble.id, proto.preamble.name
            if name in known:
                type_ = proto.spec.type if isinstance(proto, p4i.Meter) else 0
                views[number] = CounterView(number, name, known[name], type_)
            else:
                problems.append(f"{kind} {name}")


def _value_sets(index: P4Index, pipeline: PipelineInfo, problems: list[str]) -> None:
    known = {v.name: v for v in pipeline.value_sets}
    for proto in index.info.value_sets:
        number, name = proto.preamble.id, proto.preamble.name
        if name not in known:
            problems.append(f"value set {name}")
            continue
        fields = _match_fields(index, proto.match, known[name].keys, f"value set {name}", problems)
        index.value_sets[number] = ValueSetView(number, name, known[name], fields)
