"""Tables of the runtime against a naive model: a list of entries that is searched from front to back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.dataplane.entries import (
    CounterValue,
    DefaultEntry,
    Entry,
    Exact,
    KeyMatch,
    Lpm,
    MeterConfig,
    Optional,
    Range,
    Ternary,
)
from softswitch.errors import BadEntry, Closed, ConstantTable, EntryExists, EntryNotFound, ObjectNotFound, TableFull
from softswitch.model import TableInfo
from tests.switch.runtime.bench import Prober, table

SHAPES = (
    ((16, "exact"),),
    ((9, "exact"), (128, "exact")),
    ((32, "lpm"),),
    ((128, "lpm"),),
    ((4, "exact"), (67, "lpm")),
    ((8, "ternary"),),
    ((16, "ternary"), (4, "exact"), (70, "ternary")),
    ((32, "lpm"), (8, "ternary")),
    ((16, "range"),),
    ((72, "range"), (4, "optional")),
    ((8, "lpm"), (8, "lpm")),
    ((5, "optional"), (8, "range"), (8, "ternary"), (8, "lpm"), (3, "exact")),
)
TABLES = tuple(table(f"t{i}", i, *shape, size=4096) for i, shape in enumerate(SHAPES))


@pytest.fixture(scope="module")
def prober() -> Iterator[Prober]:
    probe = Prober(*TABLES)
    yield probe
    probe.close()


def matches(match: KeyMatch, width: int, key: int) -> bool:
    if isinstance(match, Exact):
        return key == match.value
    if isinstance(match, Lpm):
        return key >> (width - match.prefix) == match.value >> (width - match.prefix)
    if isinstance(match, Ternary):
        return key & match.mask == match.value & match.mask
    if isinstance(match, Range):
        return match.low <= key <= match.high
    return match.value is None or key == match.value


def is_ordered(info: TableInfo) -> bool:
    kinds = [key.match for key in info.keys]
    return kinds.count("lpm") > 1 or bool({"ternary", "range", "optional"} & set(kinds))


def expected(info: TableInfo, entries: list[Entry], key: tuple[int, ...]) -> Entry | None:
    """The largest priority, then the older entry; the longest prefix if priorities do not count."""
    best: Entry | None = None
    rank = -1 << 40
    for entry in entries:
        if all(matches(m, f.width, k) for m, f, k in zip(entry.keys, info.keys, key, strict=True)):
            own = entry.priority if is_ordered(info) else sum(m.prefix for m in entry.keys if isinstance(m, Lpm))
            if own > rank:
                best, rank = entry, own
    return best


def normal(info: TableInfo, entry: Entry) -> tuple[object, ...]:
    """The identity of an entry."""
    parts: list[object] = []
    for match, field in zip(entry.keys, info.keys, strict=True):
        if isinstance(match, Lpm):
            parts.append((match.prefix, match.value >> (field.width - match.prefix)))
        elif isinstance(match, Ternary):
            parts.append((match.mask, match.value & match.mask))
        else:
            parts.append(match)
    return (*parts, entry.priority if is_ordered(info) else 0)


def values(width: int) -> st.SearchStrategy[int]:
    """Few different values, so that keys collide, in the least and most significant bits."""
    top = max(width - 3, 0)
    return st.builds(lambda low, high: (low | high << top) & ((1 << width) - 1), st.integers(0, 3), st.integers(0, 7))


def match_of(width: int, kind: str) -> st.SearchStrategy[KeyMatch]:
    if kind == "exact":
        return values(width).map(Exact)
    if kind == "lpm":
        return st.builds(Lpm, values(width), st.integers(0, width))
    if kind == "ternary":
        return st.builds(Ternary, values(width), st.one_of(values(width), st.just((1 << width) - 1)))
    if kind == "range":
        return st.builds(lambda a, b: Range(min(a, b), max(a, b)), values(width), values(width))
    return st.one_of(st.just(Optional(None)), values(width).map(Optional))


def entries_of(info: TableInfo) -> st.SearchStrategy[Entry]:
    keys = st.tuples(*(match_of(field.width, field.match) for field in info.keys))
    return st.builds(
        lambda keys, priority: Entry(keys, "set", (0,), priority if is_ordered(info) else 0), keys, st.integers(0, 4)
    )


@pytest.mark.parametrize("info", TABLES, ids=["+".join(f"{k.match}{k.width}" for k in t.keys) for t in TABLES])
def test_lookup_is_its_model(prober: Prober, info: TableInfo) -> None:
    keys = st.tuples(*(values(field.width) for field in info.keys))
    operations = st.lists(st.tuples(st.sampled_from("iiidm"), entries_of(info)), max_size=40)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operations, st.lists(keys, max_size=12))
    def same(operations: list[tuple[str, Entry]], asked: list[tuple[int, ...]]) -> None:
        target = prober.pipeline.tables[info.name]
        target.clear()
        model: dict[tuple[object, ...], Entry] = {}
        for number, (operation, entry) in enumerate(operations):
            entry = replace(entry, params=(number,))
            name = normal(info, entry)
            if operation == "i" and name in model:
                with pytest.raises(EntryExists):
                    target.insert(entry)
            elif operation == "i":
                target.insert(entry)
                model[name] = entry
            elif name not in model:
                with pytest.raises(EntryNotFound):
                    (target.modify if operation == "m" else target.delete)(entry)
            elif operation == "m":
                target.modify(entry)
                model[name] = replace(model[name], params=entry.params)
            else:
                target.delete(entry)
                del model[name]
        entries = list(model.values())
        for key in asked:
            found = expected(info, entries, key)
            assert prober.ask(info, key).value == (found.params[0] if found else None)
        back = target.entries()
        assert [(normal(info, e), e.params) for e in back] == [(normal(info, e), e.params) for e in entries]

    same()


CROWDED = tuple(
    table(f"c{i}", i, *shape, size=4096)
    for i, shape in enumerate(
        (((16, "exact"),), ((32, "lpm"),), ((16, "ternary"), (70, "ternary")), ((8, "range"), (3, "exact")),
         ((70, "range"), (8, "range")))
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def crowded() -> Iterator[Prober]:
    probe = Prober(*CROWDED)
    yield probe
    probe.close()


@pytest.mark.parametrize("info", CROWDED, ids=["+".join(f"{k.match}{k.width}" for k in t.keys) for t in CROWDED])
def test_lookups_between_writes_to_a_crowded_table(crowded: Prober, info: TableInfo) -> None:
    """Enough masks and ranges that lookups are cached: each write has to invalidate the earlier results."""
    keys = st.tuples(*(values(field.width) for field in info.keys))
    steps = st.lists(st.one_of(st.tuples(st.sampled_from("id"), entries_of(info)), keys), min_size=1, max_size=60)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(entries_of(info), min_size=60, max_size=200), steps, st.lists(keys, min_size=1, max_size=4))
    def same(first: list[Entry], steps: list[tuple[object, ...]], flows: list[tuple[int, ...]]) -> None:
        target = crowded.pipeline.tables[info.name]
        target.clear()
        model: dict[tuple[object, ...], Entry] = {}

        def write(operation: object, entry: Entry, number: int) -> None:
            entry, name = replace(entry, params=(number,)), normal(info, entry)
            if operation == "i" and name not in model:
                target.insert(entry)
                model[name] = entry
            elif operation == "d" and name in model:
                target.delete(entry)
                del model[name]

        def check(key: tuple[int, ...]) -> None:
            found = expected(info, list(model.values()), key)
            assert crowded.ask(info, key).value == (found.params[0] if found else None)

        for number, entry in enumerate(first):
            write("i", entry, number)
        for number, step in enumerate(steps, len(first)):
            if isinstance(step[0], str):
                write(step[0], step[1], number)  # type: ignore[arg-type]
            else:
                check(step)  # type: ignore[arg-type]
            for key in flows:
                check(key)

    same()


def test_a_map_with_collisions_forgets_the_right_keys(crowded: Prober) -> None:
    """After deletions in any order, keys behind them in a full probe sequence are still found."""
    exact = CROWDED[0]
    target = crowded.pipeline.tables[exact.name]
    target.clear()
    target.insert_many(Entry((Exact(i),), "set", (i,)) for i in range(4096))
    gone = {i * 2654435761 % 4096 for i in range(3000)}
    target.delete_many(Entry((Exact(i),)) for i in gone)
    assert all(crowded.ask(exact, (i,)).value == (None if i in gone else i) for i in range(4096))


def test_many_entries_of_each_kind(prober: Prober) -> None:
    exact, ternary = TABLES[0], TABLES[5 + 1]
    target = prober.pipeline.tables[exact.name]
    target.clear()
    target.insert_many(Entry((Exact(i),), "set", (i,)) for i in range(4096))
    assert all(prober.ask(exact, (i,)).value == i for i in range(0, 4096, 17))
    assert prober.ask(exact, (5000,)).value is None
    target.delete_many(Entry((Exact(i),)) for i in range(0, 4096, 2))
    assert [prober.ask(exact, (i,)).value for i in range(8)] == [None, 1, None, 3, None, 5, None, 7]
    target = prober.pipeline.tables[ternary.name]
    target.clear()
    masks = [(1 << i % 70) | 1 << (i // 70) for i in range(2000)]
    target.insert_many(
        Entry((Ternary(0, 0), Exact(1), Ternary(mask, mask)), "set", (i,), priority=i) for i, mask in enumerate(masks)
    )
    everything = (1 << 70) - 1
    assert prober.ask(ternary, (0, 1, everything)).value == 1999
    target.delete(Entry((Ternary(0, 0), Exact(1), Ternary(masks[-1], masks[-1])), priority=1999))
    assert prober.ask(ternary, (0, 1, everything)).value == 1998


def test_wide_parameters_and_default(prober: Prober) -> None:
    info = TABLES[0]
    target = prober.pipeline.tables[info.name]
    target.clear()
    big = (1 << 128) - 5
    target.insert(Entry((Exact(7),), "wide", (big, 300)))
    answer = prober.ask(info, (7,))
    assert (answer.action, answer.data[:3]) == (1, (big & ((1 << 64) - 1), big >> 64, 300))
    assert target.entries() == [Entry((Exact(7),), "wide", (big, 300))]
    assert target.default() == DefaultEntry("NoAction", ())
    target.set_default("set", (9,))
    answer = prober.ask(info, (8,))
    assert (answer.hit, answer.action, answer.data[0]) == (False, 0, 9)
    assert target.default() == DefaultEntry("set", (9,))
    target.reset_default()
    assert prober.ask(info, (8,)).action == 2


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (Entry((), "set", (1,)), "has 1 keys"),
        (Entry((Lpm(1, 3),), "set", (1,)), "is exact"),
        (Entry((Exact(1 << 16),), "set", (1,)), "16 bits"),
        (Entry((Exact(-1),), "set", (1,)), "16 bits"),
        (Entry((Exact(1),), "sett", (1,)), "no action sett"),
        (Entry((Exact(1),), "set", ()), "takes 1 parameters"),
        (Entry((Exact(1),), "set", (1 << 32,)), "32 bits"),
        (Entry((Exact(1),), "default_only"), "defaultonly"),
        (Entry((Exact(1),), group=1), "no action profile"),
    ],
)
def test_entries_that_do_not_fit(prober: Prober, entry: Entry, says: str) -> None:
    with pytest.raises(BadEntry, match=says):
        prober.pipeline.tables[TABLES[0].name].insert(entry)


def test_bad_prefix_range_and_defaults(prober: Prober) -> None:
    with pytest.raises(BadEntry):
        prober.pipeline.tables["t2"].insert(Entry((Lpm(1, 33),), "set", (1,)))
    with pytest.raises(BadEntry, match="range from high to low"):
        prober.pipeline.tables["t8"].insert(Entry((Range(5, 4),), "set", (1,)))
    with pytest.raises(BadEntry, match="tableonly"):
        prober.pipeline.tables["t0"].set_default("entries_only")


def test_the_good_ones_before_a_bad_one_stay(prober: Prober) -> None:
    target = prober.pipeline.tables["t0"]
    target.clear()
    good = [Entry((Exact(i),), "set", (i,)) for i in range(3)]
    with pytest.raises(BadEntry):
        target.insert_many([*good, Entry((Exact(1 << 20),), "set", (1,)), Entry((Exact(9),), "set", (1,))])
    assert target.entries() == good
    with pytest.raises(EntryExists):
        target.insert_many([Entry((Exact(4),), "set", (4,)), good[0], Entry((Exact(5),), "set", (5,))])
    assert len(target) == 4


def test_full_constant_and_keyless_tables() -> None:
    tables = (
        table("small", 0, (8, "exact"), size=2),
        table("fixed", 1, (8, "ternary"), const_entries=True, const_default=True),
        table("keyless", 2),
    )
    const_entries = """
static const uint64_t v[] = {1, 2, 3}, m[] = {0xff, 0}, d[] = {10, 11};
static const ss_const_entry entries_1[] = {{v, m, 9, 0, d}, {v + 1, m + 1, 5, 0, d + 1}};
"""
    probe = Prober(*tables, const_entries=const_entries)
    small, fixed, keyless = (probe.pipeline.tables[t.name] for t in tables)
    small.insert_many([Entry((Exact(1),), "NoAction"), Entry((Exact(2),), "NoAction")])
    with pytest.raises(TableFull, match="size 2"):
        small.insert(Entry((Exact(3),), "NoAction"))
    small.delete(Entry((Exact(1),)))
    small.insert(Entry((Exact(3),), "NoAction"))
    assert [e.keys for e in small.entries()] == [(Exact(2),), (Exact(3),)]
    assert [probe.ask(tables[1], (k,)).value for k in (1, 2)] == [10, 11]
    for change in (fixed.insert, fixed.modify, fixed.delete):
        with pytest.raises(ConstantTable):
            change(Entry((Ternary(1, 255),), "set", (1,), priority=9))
    with pytest.raises(ConstantTable):
        fixed.clear()
    with pytest.raises(ConstantTable):
        fixed.set_default("set", (1,))
    with pytest.raises(BadEntry, match="no keys"):
        keyless.insert(Entry((), "NoAction"))
    keyless.set_default("set", (5,))
    assert probe.ask(tables[2], ()).data[0] == 5
    probe.pipeline.reset()
    assert keyless.default().action == "NoAction"
    assert (len(small), len(fixed)) == (0, 2)
    probe.close()
    with pytest.raises(Closed):
        small.entries()


def test_direct_counters_and_meters() -> None:
    info = table("t", 0, (8, "exact"), direct_counter="c", direct_meter="m", direct_meter_kind=0)
    plain = table("plain", 1, (8, "exact"))
    probe = Prober(info, plain)
    target = probe.pipeline.tables["t"]
    entries = [Entry((Exact(i),), "NoAction") for i in range(40)]
    target.insert_many(entries)
    for _ in range(3):
        probe.ask(info, (5,))
    probe.ask(info, (5,), pad=100)
    assert target.direct_counter(entries[5]) == CounterValue(4, 4 * 24 + 100)
    assert target.direct_counter(entries[6]) == (0, 0)
    target.modify(Entry((Exact(5),), "set", (1,)))
    assert target.direct_counter(entries[5]).packets == 4
    target.set_direct_counter(entries[5], CounterValue(7, 8))
    assert [s.counter for s in target.states()][4:7] == [(0, 0), (7, 8), (0, 0)]
    target.delete(entries[5])
    target.insert(entries[5])
    assert target.direct_counter(entries[5]) == (0, 0)
    with pytest.raises(ObjectNotFound):
        probe.pipeline.tables["plain"].set_direct_counter(entries[0], CounterValue(1, 1))
    assert target.direct_meter(entries[7]) is None
    config = MeterConfig(cir=1, cburst=2, pir=2, pburst=3)
    target.set_direct_meter(entries[7], config)
    assert target.direct_meter(entries[7]) == config
    assert [probe.ask(info, (7,)).colour for _ in range(4)] == [0, 0, 1, 2]
    probe.switch.set_time(1_500_000)  # half a second: one token at the peak rate, half a committed one
    assert [probe.ask(info, (7,)).colour for _ in range(2)] == [1, 2]
    target.set_direct_meter(entries[7], None)
    assert probe.ask(info, (7,)).colour == 0
    assert target.hits_misses()[0] == 4 + 4 + 2 + 1
    with pytest.raises(EntryNotFound):
        target.direct_counter(Entry((Exact(200),)))
    probe.close()


def test_idle_entries() -> None:
    info = table("t", 0, (8, "exact"), idle_timeout=True)
    probe = Prober(info)
    target = probe.pipeline.tables["t"]
    entries = [Entry((Exact(i),), "NoAction", idle_timeout_ns=i * 1_000_000) for i in range(4)]
    target.insert_many(entries)
    probe.switch.set_time(1_001_500)
    assert target.expired() == [entries[1]]
    probe.ask(info, (1,))
    probe.switch.set_time(1_002_000)
    assert target.expired() == [entries[2]]
    assert [s.idle_ns for s in target.states()][1:] == [500_000, 2_000_000, 2_000_000]
    probe.close()


def test_metadata_of_entries(prober: Prober) -> None:
    target = prober.pipeline.tables["t6"]
    target.clear()
    noted = Entry((Ternary(0x0F, 0x0F), Exact(1), Ternary(0, 0)), "set", (1,), priority=3, metadata=b"note")
    target.insert_many([noted, replace(noted, priority=4, metadata=b"")])
    assert [e.metadata for e in target.entries()] == [b"note", b""]
    # The same entry in other words: bits outside of the mask do not count.
    target.modify(replace(noted, keys=(Ternary(0xFF, 0x0F), Exact(1), Ternary(9, 0)), metadata=b"other"))
    assert target.entries()[0] == replace(noted, metadata=b"other")
    target.delete(noted)
    target.insert(replace(noted, metadata=b""))
    assert [e.metadata for e in target.entries()] == [b"", b""]
