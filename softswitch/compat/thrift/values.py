"""Converts keys, actions and rates between bmv2's structures and P4Runtime's messages.

bmv2's numbers are big-endian with all bytes of the field, and every key of a table is present; P4Runtime leaves out a
field that matches anything. In bmv2 the smallest priority wins, in P4Runtime the largest, so priorities are counted
down from the largest number, as in simple_switch_grpc.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bm_runtime.standard.ttypes import (
    BmActionEntry,
    BmActionEntryType,
    BmAddEntryOptions,
    BmMatchParam,
    BmMatchParamExact,
    BmMatchParamLPM,
    BmMatchParamRange,
    BmMatchParamTernary,
    BmMatchParamType,
    BmMeterRateConfig,
)
from finsy.proto import p4r

from p4front.match_kinds import EXACT, LPM, RANGE
from softswitch.compat.bmv2_config import key_type
from softswitch.compat.thrift.errors import TABLES, Errors
from softswitch.dataplane.entries import Exact, KeyMatch, Lpm, MeterConfig, Optional, Range, Ternary
from softswitch.server.program.index import ActionView, MatchView, P4Index, TableView
from softswitch.server.values.bytestrings import encode

LAST_PRIORITY = (1 << 31) - 1
_NO_PRIORITY = -1
_MAX_RATE = 1 << 62
_TYPES = {EXACT.name: "EXACT", LPM.name: "LPM", RANGE.name: "RANGE"}


def byte_count(width: int) -> int:
    return max(1, -(-width // 8))


def padding(width: int) -> int:
    """Number of zero bits before a value in its bytes; bmv2 counts them as part of a prefix."""
    return 8 * byte_count(width) - width


# ---------------------------------------------------------------- keys


def to_matches(view: TableView, params: Sequence[Any]) -> list[p4r.FieldMatch]:
    """Raises BAD_MATCH_KEY, as bmv2 does, for a malformed key; bits before a value are ignored."""
    if len(params) != len(view.fields):
        TABLES.fail("BAD_MATCH_KEY", f"table {view.name} has {len(view.fields)} keys, not {len(params)}")
    matches = [_to_match(field, param) for field, param in zip(view.fields, params, strict=True)]
    return [match for match in matches if match is not None]


def _to_match(field: MatchView, param: Any) -> p4r.FieldMatch | None:
    width, match = field.key.width, p4r.FieldMatch(field_id=field.id)
    ones, shown = (1 << width) - 1, field.codec.encode
    kind = _TYPES.get(key_type(field.key.match), "TERNARY")
    if param.type == BmMatchParamType.VALID and kind == "EXACT" and width == 1 and param.valid is not None:
        match.exact.value = encode(int(param.valid.key or 0))
        return match
    if param.type != getattr(BmMatchParamType, kind):
        TABLES.fail("BAD_MATCH_KEY", f"{field.codec.name} is matched by {field.key.match}")
    if kind == "EXACT":
        match.exact.value = shown(_number(field, param.exact and param.exact.key))
    elif kind == "LPM":
        value, length = _number(field, param.lpm and param.lpm.key), param.lpm.prefix_length
        if length is None or not 0 <= length <= width:
            TABLES.fail("BAD_MATCH_KEY", f"{field.codec.name}: prefix length {length} is not between 0 and {width}")
        length -= padding(width)
        if length <= 0:
            return None
        match.lpm.value, match.lpm.prefix_len = shown(value >> width - length << width - length), length
    elif kind == "RANGE":
        given = param.range
        low, high = _number(field, given and given.start), _number(field, given and given.end_)
        if low > high:
            TABLES.fail("BAD_MATCH_KEY", f"{field.codec.name}: range from {low} to {high} is empty")
        if (low, high) == (0, ones):
            return None
        match.range.low, match.range.high = shown(low), shown(high)
    else:
        value, mask = (_number(field, part) for part in _ternary(param))
        if not mask:
            return None
        if field.key.match != key_type(field.key.match):  # optional
            if mask != ones:
                TABLES.fail("BAD_MATCH_KEY", f"{field.codec.name} is optional: mask {mask:#x} is neither 0 nor all")
            match.optional.value = shown(value)
        else:
            match.ternary.value, match.ternary.mask = shown(value & mask), encode(mask)
    return match


def _ternary(param: Any) -> tuple[Any, Any]:
    return (param.ternary.key, param.ternary.mask) if param.ternary is not None else (None, None)


def _number(field: MatchView, data: bytes | None) -> int:
    width = field.key.width
    if data is None or len(data) != byte_count(width):
        TABLES.fail("BAD_MATCH_KEY", f"{field.codec.name} has {byte_count(width)} bytes")
    return int.from_bytes(data, "big") & ((1 << width) - 1)


def from_keys(view: TableView, keys: Sequence[KeyMatch]) -> list[Any]:
    return [_from_key(field, key) for field, key in zip(view.fields, keys, strict=True)]


def _from_key(field: MatchView, key: KeyMatch) -> Any:
    width = field.key.width
    ones = (1 << width) - 1

    def packed(value: int) -> bytes:
        return value.to_bytes(byte_count(width), "big")

    if isinstance(key, Exact):
        return BmMatchParam(type=BmMatchParamType.EXACT, exact=BmMatchParamExact(packed(key.value)))
    if isinstance(key, Lpm):
        lpm = BmMatchParamLPM(packed(key.value), key.prefix + padding(width) if key.prefix else 0)
        return BmMatchParam(type=BmMatchParamType.LPM, lpm=lpm)
    if isinstance(key, Range):
        return BmMatchParam(type=BmMatchParamType.RANGE, range=BmMatchParamRange(packed(key.low), packed(key.high)))
    if isinstance(key, Optional):
        key = Ternary(key.value or 0, 0 if key.value is None else ones)
    ternary = BmMatchParamTernary(packed(key.value), packed(key.mask))
    return BmMatchParam(type=BmMatchParamType.TERNARY, ternary=ternary)


def to_priority(view: TableView, options: Any) -> int:
    """P4Runtime's priority for bmv2's. Raises ERROR if it is out of range."""
    if not view.needs_priority:
        return 0
    given = (options.priority if options is not None else 0) or 0
    if not 0 <= given < LAST_PRIORITY:
        TABLES.fail("ERROR", f"priority {given} is not between 0 and {LAST_PRIORITY - 1}")
    return LAST_PRIORITY - int(given)


def from_priority(view: TableView, priority: int) -> Any:
    return BmAddEntryOptions(priority=LAST_PRIORITY - priority if view.needs_priority else _NO_PRIORITY)


# ---------------------------------------------------------------- actions


def to_action(index: P4Index, offered: Sequence[int], name: str, data: Sequence[bytes]) -> p4r.Action:
    """`offered`: ids of the actions that are allowed here. Raises INVALID_ACTION_NAME, BAD_ACTION_DATA. Bits that do
    not fit in a parameter are cut off, as bmv2 does when it uses them."""
    number = index.action_ids.get(name)
    if number is None or number not in offered:
        TABLES.fail("INVALID_ACTION_NAME", f"there is no action {name!r}")
    view = index.actions[number]
    if len(data) != len(view.params):
        TABLES.fail("BAD_ACTION_DATA", f"action {name} has {len(view.params)} parameters, not {len(data)}")
    action = p4r.Action(action_id=number)
    for (param, codec), value in zip(view.params, data, strict=True):
        cut = int.from_bytes(value, "big") & ((1 << codec.width) - 1)
        action.params.add(param_id=param, value=codec.encode(cut))
    return action


def from_params(view: ActionView, params: Sequence[int]) -> list[bytes]:
    """In as few bytes as possible, as bmv2 returns them."""
    return [encode(value) for _, value in zip(view.params, params, strict=True)]


def from_action(index: P4Index, name: str, params: Sequence[int]) -> Any:
    data = from_params(index.actions[index.action_ids[name]], params)
    return BmActionEntry(action_type=BmActionEntryType.ACTION_DATA, action_name=name, action_data=data)


# ---------------------------------------------------------------- meters


def to_rates(errors: Errors, rates: Sequence[Any]) -> p4r.MeterConfig:
    """bmv2's two rates, in units per microsecond. Raises the exception of `errors`."""
    names = errors.names._NAMES_TO_VALUES
    if len(rates) != 2:
        errors.fail("BAD_RATES_LIST" if "BAD_RATES_LIST" in names else "ERROR", f"expected 2 rates, not {len(rates)}")
    numbers = []
    for rate in rates:
        each_s = (rate.units_per_micros or 0.0) * 1e6
        if not math.isfinite(each_s) or not 0 <= each_s <= _MAX_RATE:
            _bad_rate(errors, f"{rate.units_per_micros} is not a valid rate")
        if rate.burst_size is None or rate.burst_size < 0:
            wrong = "INVALID_BURST_SIZE_VALUE" if "INVALID_BURST_SIZE_VALUE" in names else "ERROR"
            errors.fail(wrong, f"{rate.burst_size} is not a valid burst size")
        numbers.append((round(each_s), int(rate.burst_size)))
    (cir, cburst), (pir, pburst) = numbers
    if cir > pir:
        _bad_rate(errors, "the second rate is smaller than the first")
    return p4r.MeterConfig(cir=cir, cburst=cburst, pir=pir, pburst=pburst)


def _bad_rate(errors: Errors, why: str) -> None:
    names = errors.names._NAMES_TO_VALUES
    errors.fail("INVALID_INFO_RATE_VALUE" if "INVALID_INFO_RATE_VALUE" in names else "ERROR", why)


def from_rates(config: MeterConfig | None) -> list[Any]:
    """Empty for a meter that was never configured."""
    if config is None:
        return []
    return [
        BmMeterRateConfig(units_per_micros=config.cir / 1e6, burst_size=min(config.cburst, LAST_PRIORITY)),
        BmMeterRateConfig(units_per_micros=config.pir / 1e6, burst_size=min(config.pburst, LAST_PRIORITY)),
    ]
