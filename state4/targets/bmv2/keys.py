"""Keys, actions and priorities: P4Runtime's messages and bmv2's structures, both ways.

Both sides hold the same numbers; P4Runtime in the fewest bytes and without fields that match everything, bmv2 in as
many bytes as the field has and with every field. In bmv2 the smallest priority wins, so they are counted downwards
from the largest number there is: what others have put in keeps its order.
"""

from __future__ import annotations

from collections.abc import Sequence

from bm_runtime.standard.ttypes import (
    BmAddEntryOptions,
    BmMatchParam,
    BmMatchParamExact,
    BmMatchParamLPM,
    BmMatchParamRange,
    BmMatchParamTernary,
    BmMatchParamType,
    BmMeterRateConfig,
)
from finsy.proto import p4i, p4r

from p4front.match_kinds import table_needs_priority

_LAST = (1 << 31) - 1


def canonical(value: bytes) -> bytes:
    """Without leading zeros, one byte at least."""
    return value.lstrip(b"\0") or b"\0"


def widened(value: bytes, bits: int) -> bytes:
    """In as many bytes as `bits` need."""
    return value.lstrip(b"\0").rjust(max(1, (bits + 7) // 8), b"\0")


def padding(bits: int) -> int:
    """Zero bits before a value in its bytes. bmv2 counts them as part of a prefix, and refuses one that is then longer
    than the field: better than an entry that matches too much."""
    return -bits % 8


def options_of(table: p4i.Table, priority: int) -> BmAddEntryOptions:
    return BmAddEntryOptions(priority=_LAST - priority if table_needs_priority(table) else 0)


def priority_of(table: p4i.Table, options: BmAddEntryOptions) -> int:
    return _LAST - options.priority if table_needs_priority(table) else 0


# ---------------------------------------------------------------- keys


def key_of(table: p4i.Table, matches: Sequence[p4r.FieldMatch]) -> list[BmMatchParam]:
    """bmv2's key, with every field of the table."""
    given = {match.field_id: match for match in matches}
    return [_param(field, given.get(field.id)) for field in table.match_fields]


def _param(field: p4i.MatchField, match: p4r.FieldMatch | None) -> BmMatchParam:
    bits, kind = field.bitwidth, field.match_type
    ones = ((1 << bits) - 1).to_bytes(max(1, (bits + 7) // 8), "big")
    nothing = widened(b"", bits)
    if kind == p4i.MatchField.LPM:
        value, length = nothing, 0
        if match is not None and match.lpm.prefix_len:
            value, length = widened(match.lpm.value, bits), match.lpm.prefix_len + padding(bits)
        return BmMatchParam(type=BmMatchParamType.LPM, lpm=BmMatchParamLPM(key=value, prefix_length=length))
    if kind == p4i.MatchField.RANGE:
        low, high = (
            (nothing, ones) if match is None else (widened(match.range.low, bits), widened(match.range.high, bits))
        )
        return BmMatchParam(type=BmMatchParamType.RANGE, range=BmMatchParamRange(start=low, end_=high))
    if kind in (p4i.MatchField.TERNARY, p4i.MatchField.OPTIONAL):
        if match is None:
            value, mask = nothing, nothing
        elif kind == p4i.MatchField.OPTIONAL:
            value, mask = widened(match.optional.value, bits), ones
        else:
            value, mask = widened(match.ternary.value, bits), widened(match.ternary.mask, bits)
        return BmMatchParam(type=BmMatchParamType.TERNARY, ternary=BmMatchParamTernary(key=value, mask=mask))
    value = nothing if match is None else widened(match.exact.value, bits)
    return BmMatchParam(type=BmMatchParamType.EXACT, exact=BmMatchParamExact(key=value))


def matches_of(table: p4i.Table, key: Sequence[BmMatchParam]) -> list[p4r.FieldMatch]:
    """P4Runtime's key, without the fields that match everything."""
    found = []
    for field, param in zip(table.match_fields, key, strict=True):
        match = _match(field, param)
        if match is not None:
            found.append(match)
    return found


def _match(field: p4i.MatchField, param: BmMatchParam) -> p4r.FieldMatch | None:
    match = p4r.FieldMatch(field_id=field.id)
    if field.match_type == p4i.MatchField.LPM:
        length = param.lpm.prefix_length - padding(field.bitwidth)
        if length <= 0:
            return None
        match.lpm.value, match.lpm.prefix_len = canonical(param.lpm.key), length
    elif field.match_type == p4i.MatchField.RANGE:
        low, high = (int.from_bytes(end, "big") for end in (param.range.start, param.range.end_))
        if (low, high) == (0, (1 << field.bitwidth) - 1):
            return None
        match.range.low, match.range.high = canonical(param.range.start), canonical(param.range.end_)
    elif field.match_type in (p4i.MatchField.TERNARY, p4i.MatchField.OPTIONAL):
        if not any(param.ternary.mask):
            return None
        if field.match_type == p4i.MatchField.OPTIONAL:
            match.optional.value = canonical(param.ternary.key)
        else:
            match.ternary.value, match.ternary.mask = canonical(param.ternary.key), canonical(param.ternary.mask)
    else:
        match.exact.value = canonical(param.exact.key)
    return match


# ---------------------------------------------------------------- value sets


def member_bytes(fields: Sequence[p4i.MatchField], member: p4r.ValueSetMember) -> bytes:
    """A member of a value set: all its fields behind each other, filled up to whole bytes at the front."""
    given = {match.field_id: match.exact.value for match in member.match}
    number = bits = 0
    for field in fields:
        number = number << field.bitwidth | int.from_bytes(given.get(field.id, b""), "big")
        bits += field.bitwidth
    return number.to_bytes(max(1, (bits + 7) // 8), "big")


def member_of(fields: Sequence[p4i.MatchField], packed: bytes) -> p4r.ValueSetMember:
    number = int.from_bytes(packed, "big")
    member = p4r.ValueSetMember()
    left = sum(field.bitwidth for field in fields)
    for field in fields:
        left -= field.bitwidth
        value = number >> left & ((1 << field.bitwidth) - 1)
        exact = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
        member.match.append(p4r.FieldMatch(field_id=field.id, exact=p4r.FieldMatch.Exact(value=exact)))
    return member


# ---------------------------------------------------------------- actions and meters


class Actions:
    """The actions of a program, by number and by name."""

    def __init__(self, p4info: p4i.P4Info) -> None:
        self._by_id = {action.preamble.id: action for action in p4info.actions}
        self._by_name = {action.preamble.name: action for action in p4info.actions}

    def data_of(self, action: p4r.Action) -> tuple[str, list[bytes]]:
        """bmv2's name and parameters of an action."""
        declared = self._by_id[action.action_id]
        given = {param.param_id: param.value for param in action.params}
        data = [widened(given.get(param.id, b""), param.bitwidth) for param in declared.params]
        return declared.preamble.name, data

    def action_of(self, name: str, data: Sequence[bytes]) -> p4r.Action:
        declared = self._by_name[name]
        action = p4r.Action(action_id=declared.preamble.id)
        for param, value in zip(declared.params, data, strict=True):
            action.params.add(param_id=param.id, value=canonical(value))
        return action


def rates_of(config: p4r.MeterConfig) -> list[BmMeterRateConfig]:
    """bmv2's rates, in units per microsecond."""
    return [
        BmMeterRateConfig(units_per_micros=config.cir / 1e6, burst_size=config.cburst),
        BmMeterRateConfig(units_per_micros=config.pir / 1e6, burst_size=config.pburst),
    ]


def config_of(rates: Sequence[BmMeterRateConfig]) -> p4r.MeterConfig | None:
    """None for a meter that was never configured."""
    if len(rates) != 2:
        return None
    committed, peak = rates
    return p4r.MeterConfig(
        cir=round(committed.units_per_micros * 1e6),
        cburst=committed.burst_size,
        pir=round(peak.units_per_micros * 1e6),
        pburst=peak.burst_size,
    )
