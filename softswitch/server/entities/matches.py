"""Converts FieldMatch messages to key matches and back (P4Runtime specification 9.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from finsy.proto import p4r

from p4front.match_kinds import EXACT, LPM, MATCH_KINDS, OPTIONAL, RANGE, TERNARY
from softswitch.dataplane.entries import MATCH_CLASSES, Exact, KeyMatch, Lpm, Optional, Range, Ternary
from softswitch.server.errors import invalid
from softswitch.server.program.index import MatchView
from softswitch.server.values.bytestrings import decode, encode


def to_keys(
    fields: Sequence[MatchView], matches: Iterable[p4r.FieldMatch], what: str, *, create: bool = True
) -> tuple[KeyMatch, ...]:
    """One key match per field; a field without a message matches anything. `create`: unknown names of translated types
    get numbers. Raises Refused."""
    given: dict[int, p4r.FieldMatch] = {}
    for match in matches:
        if match.field_id in given:
            raise invalid(f"{what}: field id {match.field_id} is given twice")
        given[match.field_id] = match
    keys = []
    for view in fields:
        message = given.pop(view.id, None)
        keys.append(_absent(view, what) if message is None else _to_key(view, message, create))
    for number in given:
        raise invalid(f"{what} has no match field with id {number}")
    return tuple(keys)


def _absent(view: MatchView, what: str) -> KeyMatch:
    kind = MATCH_KINDS[view.key.match]
    if kind is OPTIONAL:
        return Optional(None)
    if kind.optional_field:
        made: Callable[..., KeyMatch] = MATCH_CLASSES[kind.name]
        return made(*kind.anything(view.key.width))
    raise invalid(f"{what}: exact match field {view.key.name} (id {view.id}) is missing")


def _to_key(view: MatchView, message: p4r.FieldMatch, create: bool) -> KeyMatch:
    kind, codec, width = message.WhichOneof("field_match_type"), view.codec, view.key.width
    if kind != view.key.match:
        raise invalid(f"{codec.name}: expected a match of kind {view.key.match}, not {kind or 'an empty one'}")
    if kind == EXACT.name:
        return Exact(codec.decode(message.exact.value, create=create))
    if kind == OPTIONAL.name:
        return Optional(codec.decode(message.optional.value, create=create))
    if codec.names is not None:
        _check_whole(view, message)
    if kind == LPM.name:
        value, prefix = codec.decode(message.lpm.value, create=create), message.lpm.prefix_len
        if not 0 < prefix <= width:
            raise invalid(
                f"{codec.name}: prefix length {prefix} is not between 1 and {width}; omit the field to match anything"
            )
        if value & ((1 << (width - prefix)) - 1):
            raise invalid(f"{codec.name}: bits after the prefix of {prefix} must be 0")
        return Lpm(value, prefix)
    if kind == TERNARY.name:
        value, mask = (
            codec.decode(message.ternary.value, create=create),
            decode(message.ternary.mask, width, codec.name),
        )
        if mask == 0:
            raise invalid(f"{codec.name}: omit the field instead of giving mask 0")
        if value & ~mask:
            raise invalid(f"{codec.name}: bits of the value outside the mask must be 0")
        return Ternary(value, mask)
    low = codec.decode(message.range.low, create=create)
    high = codec.decode(message.range.high, create=create)
    if low > high:
        raise invalid(f"{codec.name}: range from {low} to {high} is empty")
    if low == 0 and high == (1 << width) - 1:
        raise invalid(f"{codec.name}: omit the field instead of giving the whole range")
    return Range(low, high)


def _check_whole(view: MatchView, message: p4r.FieldMatch) -> None:
    """A translated name matches only as a whole: the number that stands for it means nothing to the control plane."""
    width, kind = view.key.width, view.key.match
    whole = {
        LPM.name: message.lpm.prefix_len == width,
        TERNARY.name: int.from_bytes(message.ternary.mask, "big") == (1 << width) - 1,
        RANGE.name: message.range.low == message.range.high,
    }
    if not whole[kind]:
        raise invalid(
            f"{view.codec.name}: names match only as a whole: give all {width} bits, a range of one value, or omit it"
        )


def from_keys(fields: Sequence[MatchView], keys: Sequence[KeyMatch]) -> list[p4r.FieldMatch]:
    """Canonical messages: fields that match anything are omitted."""
    result = []
    for view, key in zip(fields, keys, strict=True):
        message = _from_key(view, key)
        if message is not None:
            result.append(message)
    return result


def _from_key(view: MatchView, key: KeyMatch) -> p4r.FieldMatch | None:
    message, shown = p4r.FieldMatch(field_id=view.id), view.codec.encode
    if isinstance(key, Exact):
        message.exact.value = shown(key.value)
    elif isinstance(key, Lpm):
        if key.prefix == 0:
            return None
        message.lpm.value, message.lpm.prefix_len = shown(key.value), key.prefix
    elif isinstance(key, Ternary):
        if key.mask == 0:
            return None
        message.ternary.value, message.ternary.mask = shown(key.value), encode(key.mask)
    elif isinstance(key, Range):
        if key.low == 0 and key.high == (1 << view.key.width) - 1:
            return None
        message.range.low, message.range.high = shown(key.low), shown(key.high)
    else:
        if key.value is None:
            return None
        message.optional.value = shown(key.value)
    return message
