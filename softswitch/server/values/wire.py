"""Protobuf's wire format of many messages of one kind at once: a row for each message, a column for each byte.

A message costs a few operations on arrays for all rows together, instead of objects for each row. Source: "Encoding" in
the documentation of Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from google.protobuf.descriptor import Descriptor
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Flags = NDArray[np.bool_]
_VARINT, _LENGTH = 0, 2  # wire types


@dataclass(frozen=True)
class Columns:
    """Bytes of each row, in blocks that follow each other: what may be there, of shape (rows, columns), and which of it
    a row has, in order, of the same shape. `sizes`: the number of bytes that each row has."""

    blocks: tuple[tuple[NDArray[np.uint8], Flags], ...]
    sizes: Words

    def where(self, rows: Flags) -> Columns:
        """Nothing in the other rows."""
        return Columns(tuple((data, used & rows[:, None]) for data, used in self.blocks), self.sizes * rows)

    def merged(self) -> tuple[NDArray[np.uint8], Flags]:
        """All blocks as one, of which there has to be at least one."""
        data, used = zip(*self.blocks, strict=True)
        return np.concatenate(data, axis=1), np.concatenate(used, axis=1)

    def joined(self) -> bytes:
        """All rows, one after the other."""
        data, used = self.merged()
        return data[used].tobytes()


def constant(data: bytes, rows: int) -> Columns:
    shape = (rows, len(data))
    block = (np.broadcast_to(np.frombuffer(data, np.uint8), shape), np.ones(shape, np.bool_))
    return Columns((block,), np.full(rows, len(data), np.uint64))


def concatenated(parts: Sequence[Columns], rows: int) -> Columns:
    """The parts of each row, one after the other."""
    sizes = np.zeros(rows, np.uint64)
    for part in parts:
        sizes += part.sizes
    return Columns(tuple(block for part in parts for block in part.blocks), sizes)


def scattered(parts: Sequence[tuple[NDArray[np.intp], Columns]], rows: int) -> Columns:
    """Columns of some rows each, and the numbers of these rows; no row is in two parts."""
    if len(parts) == 1 and len(parts[0][0]) == rows:
        return parts[0][1]
    merged = [(numbers, *part.merged()) for numbers, part in parts]
    width = max((data.shape[1] for _, data, _ in merged), default=0)
    all_data, all_used = np.zeros((rows, width), np.uint8), np.zeros((rows, width), np.bool_)
    sizes = np.zeros(rows, np.uint64)
    for (numbers, data, used), (_, part) in zip(merged, parts, strict=True):
        all_data[numbers, : data.shape[1]] = data
        all_used[numbers, : used.shape[1]] = used
        sizes[numbers] = part.sizes
    return Columns(((all_data, all_used),), sizes)


def _columns(data: NDArray[np.uint8], used: Flags) -> Columns:
    return Columns(((data, used),), used.sum(axis=1, dtype=np.uint64))


def varints(values: Words) -> Columns:
    width = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    left = values[:, None] >> (7 * np.arange(width, dtype=np.uint64))
    used = left != 0
    used[:, 0] = True
    data = (left & np.uint64(0x7F)).astype(np.uint8)
    data[:, :-1] |= used[:, 1:].astype(np.uint8) << 7
    return _columns(data, used)


def shortest(words: Words, width: int) -> Columns:
    """P4Runtime byte strings (8.4) of numbers of `width` bits, given as words, least significant first."""
    data = np.ascontiguousarray(words[:, ::-1]).astype(">u8").view(np.uint8)[:, -max(1, -(-width // 8)) :]
    used = np.logical_or.accumulate(data != 0, axis=1)
    used[:, -1] = True
    return _columns(data, used)


def number(of: Descriptor, name: str, values: Words, *, zero: bool = False) -> Columns:
    """An integer field; left out where it is 0, unless `zero`: a member of a oneof. Negative numbers have 64 bits."""
    columns = concatenated([constant(_tag(of, name, _VARINT), len(values)), varints(values)], len(values))
    return columns if zero else columns.where(values != 0)


def equal(of: Descriptor, name: str, value: int, rows: int) -> Columns:
    """An integer field that is the same in all rows, and not 0."""
    return constant(number(of, name, np.array([value], np.uint64)).joined(), rows)


def nested(of: Descriptor, name: str, parts: Sequence[Columns], rows: int) -> Columns:
    """A field that is a message with these fields, or a string of bytes with this content."""
    content = concatenated(parts, rows)
    return concatenated([constant(_tag(of, name, _LENGTH), rows), varints(content.sizes), content], rows)


@cache
def _tag(of: Descriptor, name: str, wire_type: int) -> bytes:
    return varints(np.array([of.fields_by_name[name].number << 3 | wire_type], np.uint64)).joined()
