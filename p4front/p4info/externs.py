"""Extern objects of v1model as P4Info messages (P4Runtime specification 6.4.4 to 6.4.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from finsy.proto import p4i

from p4front.elaborate.blocks import Digest
from p4front.elaborate.objects import ExternObject, Table, ValueSet
from p4front.p4info.annotations import add_annotations, add_documentation, set_preamble
from p4front.p4info.ids import Kind, SymbolTable, field_ids
from p4front.p4info.match_types import set_match_type
from p4front.p4info.typespec import TypeSpecs, field_name
from p4front.syntax import ast
from p4front.syntax.annotations import has, number_argument, text_argument
from p4front.types.constants import ConstValue
from p4front.types.types import BitType, SerEnumType, StructType, strip, width_bits

KINDS = {
    "counter": Kind.COUNTER,
    "direct_counter": Kind.DIRECT_COUNTER,
    "meter": Kind.METER,
    "direct_meter": Kind.DIRECT_METER,
    "register": Kind.REGISTER,
    "action_profile": Kind.ACTION_PROFILE,
    "action_selector": Kind.ACTION_PROFILE,
}
_COUNTER_UNITS = {
    "packets": p4i.CounterSpec.PACKETS,
    "bytes": p4i.CounterSpec.BYTES,
    "packets_and_bytes": p4i.CounterSpec.BOTH,
}
_METER_UNITS = {"packets": p4i.MeterSpec.PACKETS, "bytes": p4i.MeterSpec.BYTES}
_METER_TYPES = {
    "two_rate_three_color": p4i.MeterSpec.TWO_RATE_THREE_COLOR,
    "single_rate_three_color": p4i.MeterSpec.SINGLE_RATE_THREE_COLOR,
    "single_rate_two_color": p4i.MeterSpec.SINGLE_RATE_TWO_COLOR,
}
_SELECTOR_ANNOTATIONS = ("max_group_size", "selector_size_semantics", "max_member_weight")


def _unit(value: ConstValue | None) -> str:
    return value.rpartition(".")[2] if isinstance(value, str) else ""


@dataclass
class ExternWriter:
    """Adds extern objects to `info`."""

    info: p4i.P4Info
    symbols: SymbolTable
    types: TypeSpecs

    def add(self, obj: ExternObject) -> None:
        """A declared object; direct counters and meters come with their table."""
        self.types.touch()
        if obj.kind == "counter":
            counter = self.info.counters.add(size=obj.size or 0)
            self._preamble(counter.preamble, Kind.COUNTER, obj)
            counter.spec.unit = _counter_unit(obj)
        elif obj.kind == "meter":
            meter = self.info.meters.add(size=obj.size or 0)
            self._preamble(meter.preamble, Kind.METER, obj)
            _meter_spec(meter.spec, obj)
        elif obj.kind == "register" and obj.type_args:
            register = self.info.registers.add(size=obj.size or 0)
            self._preamble(register.preamble, Kind.REGISTER, obj)
            register.type_spec.CopyFrom(self.types.convert(obj.type_args[0]))
        elif KINDS.get(obj.kind) is Kind.ACTION_PROFILE:
            self.add_profile(obj)

    def _preamble(self, preamble: p4i.Preamble, kind: Kind, obj: ExternObject, *, without: Sequence[str] = ()) -> None:
        alias = self.symbols.alias(obj.name)
        number = self.symbols.id(kind, obj.name)
        set_preamble(preamble, number, obj.name, alias, obj.decl.annotations, without=without)

    def add_profile(self, obj: ExternObject) -> None:
        message = self.info.action_profiles.add(size=obj.size or 0)
        self._preamble(message.preamble, Kind.ACTION_PROFILE, obj, without=_SELECTOR_ANNOTATIONS)
        message.with_selector = obj.kind == "action_selector"
        if message.with_selector:
            annotations = obj.decl.annotations
            message.max_group_size = number_argument(annotations, "max_group_size") or 0
            semantics = (text_argument(annotations, "selector_size_semantics") or "").lower()
            if semantics == "sum_of_members":
                weight = number_argument(annotations, "max_member_weight") or 0
                message.sum_of_members.max_member_weight = weight
            elif semantics == "sum_of_weights":
                message.sum_of_weights.SetInParent()
        for table in sorted({table.name for table in obj.tables}):
            message.table_ids.append(self.symbols.id(Kind.TABLE, table))

    def add_table_objects(self, table: Table, message: p4i.Table) -> None:
        """Implementation and direct resources of a table whose message was just made."""
        profile = table.implementation
        if profile is not None:
            message.implementation_id = self.symbols.id(Kind.ACTION_PROFILE, profile.name)
            if isinstance(profile.decl, ast.TableProperty):
                self.add_profile(profile)
        counter = table.counters
        if counter is not None:
            counted = self.info.direct_counters.add(direct_table_id=message.preamble.id)
            self._preamble(counted.preamble, Kind.DIRECT_COUNTER, counter)
            counted.spec.unit = _counter_unit(counter)
            message.direct_resource_ids.append(counted.preamble.id)
        meter = table.meters
        if meter is not None:
            metered = self.info.direct_meters.add(direct_table_id=message.preamble.id)
            self._preamble(metered.preamble, Kind.DIRECT_METER, meter)
            _meter_spec(metered.spec, meter)
            message.direct_resource_ids.append(metered.preamble.id)

    def add_value_set(self, item: ValueSet) -> None:
        message = self.info.value_sets.add(size=item.size)
        number = self.symbols.id(Kind.VALUE_SET, item.name)
        set_preamble(message.preamble, number, item.name, self.symbols.alias(item.name), item.decl.annotations)
        element = item.element
        if isinstance(element, StructType):
            decls = [f.decl.annotations if f.decl is not None else [] for f in element.fields]
            for number, annotations, f in zip(field_ids(decls), decls, element.fields, strict=True):
                match = message.match.add(id=number, name=field_name(f), bitwidth=width_bits(f.type) or 0)
                set_match_type(match, _match_annotation(annotations))
                add_annotations(match, annotations, without=("match",))
                add_documentation(match, annotations)
        elif isinstance(element, SerEnumType):
            for number, (name, _) in enumerate(element.members, 1):
                match = message.match.add(id=number, name=name, bitwidth=width_bits(element) or 0)
                match.match_type = p4i.MatchField.EXACT
        elif isinstance(strip(element), BitType):
            message.match.add(id=1, bitwidth=width_bits(element) or 0, match_type=p4i.MatchField.EXACT)

    def add_digest(self, digest: Digest) -> None:
        number = self.symbols.id(Kind.DIGEST, digest.name)
        self.types.touch()
        if any(d.preamble.id == number for d in self.info.digests):
            return
        message = self.info.digests.add()
        set_preamble(message.preamble, number, digest.name, self.symbols.alias(digest.name), [])
        message.type_spec.CopyFrom(self.types.convert(digest.type))


def _match_annotation(annotations: Sequence[ast.Annotation]) -> str:
    annotation = next((a for a in annotations if a.name == "match"), None)
    if annotation is None:
        return "exact"
    if annotation.exprs and isinstance(annotation.exprs[0], ast.PathExpr):
        return annotation.exprs[0].name.text
    return annotation.tokens[0] if annotation.tokens else "exact"


def _counter_unit(obj: ExternObject) -> p4i.CounterSpec.Unit.ValueType:
    return _COUNTER_UNITS.get(_unit(obj.arguments.get("type")), p4i.CounterSpec.UNSPECIFIED)


def _meter_spec(spec: p4i.MeterSpec, obj: ExternObject) -> None:
    """Unit, and the type that an annotation gives (specification 6.4.6)."""
    spec.unit = _METER_UNITS.get(_unit(obj.arguments.get("type")), p4i.MeterSpec.UNSPECIFIED)
    for name, type_ in _METER_TYPES.items():
        if has(obj.decl.annotations, name):
            spec.type = type_
