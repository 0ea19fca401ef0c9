"""The reader of the update ring: whatever the switch writes meanwhile, records arrive in order, once, and as they were
written, and what was overwritten before is counted exactly."""

from __future__ import annotations

import fcntl
import itertools
import mmap
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state4.clones.header import CloneLayout, Clones, LayoutComponent
from state4.clones.store import CloneStore
from state4.clones.update_ring import RingListener, RingReader, RingShape, decode_records
from state4.errors import ListenerError

LAYOUT = CloneLayout((LayoutComponent("a", 1 << 20, 48), LayoutComponent("b", 8, 100)), 3, 250)
BURST = LAYOUT.slots
HEAD = 4096


def shape_of(records: int) -> RingShape:
    return RingShape(HEAD + records * 32, records, 0, HEAD, 32, BURST)


class Writer:
    """What the switch does, in Python: clones of 1 to 3 updates of cell i to i, numbered from 1."""

    def __init__(self, records: int) -> None:
        self.shape = shape_of(records)
        self.memory = bytearray(self.shape.bytes)
        self.written = 0
        self.clones: list[int] = []
        """How many updates each has."""

    def record(self, number: int, clone: int, first: bool) -> None:
        at = HEAD + number % self.shape.records * 32
        packed = number.to_bytes(8, "little") + clone.to_bytes(4, "little")
        packed += (1 | first << 31).to_bytes(4, "little") + number.to_bytes(8, "little")
        self.memory[at : at + len(packed)] = packed

    def begin(self, updates: int) -> None:
        """Records of the next clone, which nobody knows of yet."""
        for k in range(updates):
            self.record(self.written + k, len(self.clones) + 1, k == 0)

    def clone(self, updates: int) -> None:
        self.begin(updates)
        self.clones.append(updates)
        self.written += updates
        self.memory[0:8] = self.written.to_bytes(8, "little")


class Meanwhile:
    """The number of all records, as a reader sees it, that is out of date at once: `then` happens after each look."""

    def __init__(self, writer: Writer, then: list[Sequence[int]]) -> None:
        self.writer, self.then = writer, then

    def __getitem__(self, _: int) -> int:
        seen = self.writer.written
        for updates in self.then.pop(0) if self.then else ():
            self.writer.clone(updates)
        self.writer.begin(BURST)  # of one more it has written all records, and has not said so
        return seen


clones = st.lists(st.integers(1, BURST), max_size=12)


@given(st.sampled_from([8, 16, 32]), st.lists(st.tuples(clones, st.lists(clones, max_size=2), st.integers(1, 40))))
def test_any_interleaving_gives_the_same_sequence_and_counts_what_is_missing(
    records: int, turns: list[tuple[list[int], list[list[int]], int]]
) -> None:
    writer = Writer(records)
    reader = RingReader(writer.memory, writer.shape, LAYOUT.value_bytes)
    looks = Meanwhile(writer, [])
    reader._written = looks  # type: ignore[assignment]
    got: list[int] = []
    store = CloneStore(LAYOUT)
    store.expect(0, 0)

    def read(most: int) -> None:
        found = reader.read(most)
        numbers = found["index"].tolist()
        assert found["value"].copy()[:, :8].view("<u8")[:, 0].tolist() == numbers  # none is torn
        got.extend(numbers)
        assert len(got) + reader.dropped == reader._next
        store.add_clones(lambda after: decode_records(LAYOUT, found, after))

    for before, meanwhile, most in turns:
        for updates in before:
            writer.clone(updates)
        looks.then = list(meanwhile)
        read(most)
    looks.then = []
    while reader._next < writer.written:
        read(1 << 14)
    assert got == sorted(set(got))
    assert len(got) + reader.dropped == writer.written
    # And in clones: each is either whole or among the gaps.
    stats = store.stats()
    assert stats.clones + stats.lost == len(writer.clones)
    begins = np.cumsum([0, *writer.clones])
    whole = [set(range(a, b)) <= set(got) for a, b in itertools.pairwise(begins)]
    assert stats.clones == sum(whole)
    lost = {n for gap in stats.gaps for n in range(gap.first, gap.first + gap.count)}
    assert lost == {n for n, there in enumerate(whole, 1) if not there}


@given(st.lists(st.integers(1, BURST), min_size=1, max_size=200), st.integers(1, 50))
def test_without_haste_nothing_is_missing(sizes: list[int], most: int) -> None:
    writer = Writer(64)
    reader = RingReader(writer.memory, writer.shape, LAYOUT.value_bytes)
    got: list[int] = []
    for updates in sizes:
        writer.clone(updates)
        while reader.is_behind(reader.written):
            got += reader.read(most)["index"].tolist()
    assert (got, reader.dropped) == (list(range(sum(sizes))), 0)


def test_a_read_ends_with_a_whole_clone() -> None:
    """Else the rest of one could be overwritten without a gap in the numbers."""
    writer = Writer(64)
    for _ in range(10):
        writer.clone(3)
    reader = RingReader(writer.memory, writer.shape, LAYOUT.value_bytes)
    assert [len(reader.read(5)) for _ in range(6)] == [3, 3, 3, 3, 3, 3]


def records_of(*rows: tuple[int, int, int, int, bool, bool]) -> np.ndarray:  # type: ignore[type-arg]
    """(clone, component, index, value, first, egress)."""
    writer = Writer(64)
    reader = RingReader(writer.memory, writer.shape, LAYOUT.value_bytes)
    found = np.zeros(len(rows), reader._records.dtype)
    for row, (clone, component, index, value, first, egress) in zip(found, rows, strict=True):
        row["clone"], row["index"] = clone, index
        row["component"] = component | first << 31 | egress << 30
        row["value"] = np.frombuffer(value.to_bytes(LAYOUT.value_bytes, "little"), np.uint8)
    return found


def test_records_say_what_clones_say() -> None:
    found = decode_records(
        LAYOUT,
        records_of((7, 1, 5, 9, True, False), (7, 2, 3, 1 << 99, False, False), (1, 2, 7, 4, True, True)),
    )
    frames = [LAYOUT.encode([(1, 5, 9), (2, 3, 1 << 99)], sequence=7), LAYOUT.encode([(2, 7, 4)], egress=True)]
    wanted = LAYOUT.decode(np.frombuffer(b"".join(frames), np.uint8).reshape(2, -1))
    for name in ("sequence", "egress", "counts"):
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist()
    for name in ("component", "index", "value"):
        assert getattr(found.updates, name).tolist() == getattr(wanted.updates, name).tolist()


def test_cells_that_there_are_not_and_clones_from_before_are_left_out() -> None:
    rows = [(n, 2, 8 if n == 6 else 1, n, True, False) for n in (4, 5, 6, 7)] + [(9, 1, 1, 9, True, True)]
    found = decode_records(LAYOUT, records_of(*rows), (5, 9))
    assert found.sequence.tolist() == [6, 7]
    assert found.updates.value[:, 0].tolist() == [7]
    wrapped = [(n, 1, 1, 1, True, False) for n in (0xFFFFFFFF, 0, 1)]
    assert decode_records(LAYOUT, records_of(*wrapped), (0xFFFFFFFF, 0)).sequence.tolist() == [0, 1]


def memory(content: bytes, *, sealed: bool = True) -> int:
    descriptor = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.write(descriptor, content)
    if sealed:
        fcntl.fcntl(descriptor, 1033, 2)  # F_ADD_SEALS, F_SEAL_SHRINK
    return descriptor


def test_the_listener_follows_and_lets_go() -> None:
    writer = Writer(64)
    writer.clone(3)
    writer.clone(1)
    closed: list[bool] = []
    listener = RingListener(memory(bytes(writer.memory)), writer.shape, LAYOUT, lambda: closed.append(True))
    listener.expect(0, 0)
    assert listener.wait_for(2, 0, 0)
    assert listener.take().index.tolist() == [0, 1, 2, 3]
    assert not listener.wait_for(3, 0, 0.01)
    listener.close()
    listener.close()
    assert closed == [True]
    assert (listener.stats().clones, listener.stats().lost, listener.stats().dropped) == (2, 0, 0)
    assert len(listener.take()) == 0


def test_a_turn_ends_while_the_switch_keeps_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow without pauses must not keep those waiting who ask for what is there already."""
    endless = 300
    writer = Writer(1024)
    writer.clone(1)
    descriptor = memory(bytes(writer.memory))
    writer.memory = mmap.mmap(descriptor, len(writer.memory))  # type: ignore[assignment]
    listener = RingListener(descriptor, writer.shape, LAYOUT, lambda: None)
    add = listener.store.add_clones

    def add_and_write(decode: Callable[[tuple[int, int] | None], Clones]) -> None:
        add(decode)
        if len(writer.clones) < endless:
            writer.clone(1)

    monkeypatch.setattr(listener.store, "add_clones", add_and_write)
    listener.expect(0, 0)
    assert listener.wait_for(1, 0, 10)
    assert len(writer.clones) < endless
    assert listener.wait_for(endless, 0, 10)
    listener.close()


@pytest.mark.parametrize(
    ("change", "sealed", "why"),
    [
        ({}, False, "it can become shorter"),
        ({"bytes": HEAD + 65 * 32}, True, "it is too short"),
        ({"records": 65}, True, "it has no"),
        ({"record_bytes": 24}, True, "have no room for values of 13"),
        ({"burst": 64}, True, "its parts overlap"),
        ({"written_at": HEAD}, True, "its parts overlap"),
    ],
)
def test_memory_that_is_no_ring_is_refused(change: dict[str, int], sealed: bool, why: str) -> None:
    writer = Writer(64)
    descriptor = memory(bytes(writer.memory), sealed=sealed)
    with pytest.raises(ListenerError, match=why):
        RingListener(descriptor, replace(writer.shape, **change), LAYOUT, lambda: None)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
