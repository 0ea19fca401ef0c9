"""Random changes to protobuf messages: any field of any nested message, set or not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

INTEGERS = (0, 1, -1, 2, 127, 128, 255, 256, 509, 65535, 65536, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
LARGE = (1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
STRINGS = ("", "*", "\0", "é\u202e", "a.b.c", "../../etc/passwd", "%s%n", "x" * 5000, "true", "0")
MAX_COPIES = 300
MAX_FIELDS = 400

_RANGES = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_UINT64: (0, (1 << 64) - 1),
    FieldDescriptor.TYPE_ENUM: (-(1 << 31), (1 << 31) - 1),
}


def mutate(message: Message, rng: random.Random, known: Sequence[int] = (), names: Sequence[str] = ()) -> None:
    """Changes one to four fields. `known` and `names`: values that are meaningful to the receiver."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(message))
        parent, field = rng.choice(places)
        if field.is_repeated:
            _repeated(parent, field, rng, known, names)
        elif field.message_type is not None:
            _nested(parent, field, rng)
        else:
            setattr(parent, field.name, _scalar(field, getattr(parent, field.name), rng, known, names))


def _places(message: Message) -> Iterator[tuple[Message, Any]]:
    """The fields that can be changed: of the message and of all messages set in it; of long lists only the first
    ones."""
    pending, found = [message], 0
    while pending and found < MAX_FIELDS:
        parent = pending.pop()
        for field in parent.DESCRIPTOR.fields:
            if _is_map(field):
                continue
            found += 1
            yield parent, field
            if field.message_type is None:
                continue
            if field.is_repeated:
                pending += list(getattr(parent, field.name)[:8])
            elif parent.HasField(field.name):
                pending.append(getattr(parent, field.name))


def _is_map(field: Any) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)


def _nested(parent: Message, field: FieldDescriptor, rng: random.Random) -> None:
    """Sets an empty message, or clears the field."""
    if parent.HasField(field.name) and rng.random() < 0.5:
        parent.ClearField(field.name)
    else:
        getattr(parent, field.name).SetInParent()


def _repeated(
    parent: Message, field: FieldDescriptor, rng: random.Random, known: Sequence[int], names: Sequence[str]
) -> None:
    values: Any = getattr(parent, field.name)
    ways: list[Callable[[], object]] = [lambda: _add(values, field, rng, known, names)]
    if values:
        at = rng.randrange(len(values))
        ways += [
            lambda: values.pop(at),
            lambda: values.extend([values[at]] * rng.choice((1, 1, 2, MAX_COPIES))),
            lambda: values.extend(list(values)[: 1 << 12]),
            lambda: parent.ClearField(field.name),
        ]
        if field.message_type is None:
            changed = _scalar(field, values[at], rng, known, names)
            ways += [lambda: values.__setitem__(at, changed)] * 3
    rng.choice(ways)()


def _add(values: Any, field: FieldDescriptor, rng: random.Random, known: Sequence[int], names: Sequence[str]) -> None:
    if field.message_type is not None:
        values.add()
    else:
        values.append(_scalar(field, field.default_value or 0, rng, known, names))


def _scalar(
    field: FieldDescriptor, old: Any, rng: random.Random, known: Sequence[int], names: Sequence[str]
) -> bool | int | float | str | bytes:
    if field.type == FieldDescriptor.TYPE_BOOL:
        return not bool(old)
    if field.type == FieldDescriptor.TYPE_STRING:
        return rng.choice((*STRINGS, *names))
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(old if isinstance(old, bytes) else b"", rng)
    if field.type in _RANGES:
        low, high = _RANGES[field.type]
        near = (old + 1, old - 1, -old) if isinstance(old, int) else ()
        return int(min(high, max(low, rng.choice((*INTEGERS, *LARGE, *near, *known, *known)))))
    return rng.choice((0.0, -1.0, float("inf"), float("nan"), 1e300))


def _bytes(old: bytes, rng: random.Random) -> bytes:
    flipped = bytearray(old or b"\0")
    flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return rng.choice(
        (
            b"",
            b"\0",
            b"\0" + old,
            old + b"\0",
            old[:-1],
            old[1:],
            b"\xff" * max(1, len(old)),
            bytes(flipped),
            bytes(flipped),
            rng.randbytes(rng.choice((1, 2, 4, 16, 300, 20_000))),
        )
    )
