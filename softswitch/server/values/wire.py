"""Protobuf's wire format of many messages of one kind at once: a row for each message, a column for each byte.

A message costs a few operations on arrays for all rows together, instead of objects for each row. Source: "Encoding" in
the documentation of Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.descriptor import Descriptor
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]
_VARINT, _LENGTH = 0, 2  # wire types


@dataclass(frozen=True)
class Columns:
    """`data`: bytes, of shape (rows, columns). `used`: those that a row has, in order; of the same shape."""

    data: NDArray[np.uint8]
    used: Flags

    def sizes(self) -> Words:
        """Bytes of each row."""
        sizes: Words = self.used.sum(axis=1, dtype=np.uint64)
        return sizes

    def where(self, rows: Flags) -> Columns:
        """Nothing in the other rows."""
        return Columns(self.data, self.used & rows[:, None])

    def joined(self) -> bytes:
        """All rows, one after the other."""
        return self.data[self.used].tobytes()


def constant(data: bytes, rows: int) -> Columns:
    shape = (rows, len(data))
    return Columns(np.broadcast_to(np.frombuffer(data, np.uint8), shape), np.broadcast_to(np.True_, shape))


def concatenated(parts: Sequence[Columns], rows: int) -> Columns:
    """The parts of each row, one after the other."""
    parts = [constant(b"", rows), *parts]
    return Columns(np.concatenate([p.data for p in parts], axis=1), np.concatenate([p.used for p in parts], axis=1))


def scattered(parts: Sequence[tuple[NDArray[np.intp], Columns]], rows: int) -> Columns:
    """Columns of some rows each, and the numbers of these rows; no row is in two parts."""
    width = max((part.data.shape[1] for _, part in parts), default=0)
    data, used = np.zeros((rows, width), np.uint8), np.zeros((rows, width), np.bool_)
    for numbers, part in parts:
        data[numbers, : part.data.shape[1]] = part.data
        used[numbers, : part.used.shape[1]] = part.used
    return Columns(data, used)


def varints(values: Words) -> Columns:
    width = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    left = values[:, None] >> (7 * np.arange(width, dtype=np.uint64))
    used = left != 0
    used[:, 0] = True
    data = (left & np.uint64(0x7F)).astype(np.uint8)
    data[:, :-1] |= used[:, 1:].astype(np.uint8) << 7
    return Columns(data, used)


def shortest(words: Words, width: int) -> Columns:
    """P4Runtime byte strings (8.4) of numbers of `width` bits, given as words, least significant first."""
    data = np.ascontiguousarray(words[:, ::-1]).astype(">u8").view(np.uint8)[:, -max(1, -(-width // 8)) :]
    used = np.logical_or.accumulate(data != 0, axis=1)
    used[:, -1] = True
    return Columns(data, used)


def number(of: Descriptor, name: str, values: Words, *, zero: bool = False) -> Columns:
    """An integer field; left out where it is 0, unless `zero`: a member of a oneof. Negative numbers have 64 bits."""
    columns = concatenated([constant(_tag(of, name, _VARINT), len(values)), varints(values)], len(values))
    return columns if zero else columns.where(values != 0)


def nested(of: Descriptor, name: str, parts: Sequence[Columns], rows: int) -> Columns:
    """A field that is a message with these fields, or a string of bytes with this content."""
    content = concatenated(parts, rows)
    return concatenated([constant(_tag(of, name, _LENGTH), rows), varints(content.sizes()), content], rows)


def _tag(of: Descriptor, name: str, wire_type: int) -> bytes:
    return varints(np.array([of.fields_by_name[name].number << 3 | wire_type], np.uint64)).joined()
