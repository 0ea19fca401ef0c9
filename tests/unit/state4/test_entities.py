"""Which entities concern the same object."""

from __future__ import annotations

from finsy.proto import p4r
from hypothesis import given
from hypothesis import strategies as st

from state4.plan.entities import entity_identity

numbers = st.integers(0, 1 << 40)
padding = st.integers(0, 3)


def encoded(number: int, zeros: int = 0) -> bytes:
    return bytes(zeros) + number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")


def entry(value: bytes, low: bytes, high: bytes, *, turned: bool = False) -> p4r.Entity:
    fields = [
        p4r.FieldMatch(field_id=1, exact=p4r.FieldMatch.Exact(value=value)),
        p4r.FieldMatch(field_id=2, range=p4r.FieldMatch.Range(low=low, high=high)),
    ]
    return p4r.Entity(table_entry=p4r.TableEntry(table_id=7, match=fields[::-1] if turned else fields, priority=3))


@given(numbers, numbers, numbers, padding, padding, padding, st.booleans())
def test_an_entry_is_the_same_however_its_numbers_are_written(
    value: int, low: int, high: int, first: int, second: int, third: int, turned: bool
) -> None:
    plain = entry(encoded(value), encoded(low), encoded(high))
    other = entry(encoded(value, first), encoded(low, second), encoded(high, third), turned=turned)
    assert entity_identity(plain) == entity_identity(other)


@given(numbers, numbers)
def test_entries_with_other_keys_are_others(one: int, two: int) -> None:
    same = entity_identity(entry(encoded(one), b"\0", b"\1")) == entity_identity(entry(encoded(two), b"\0", b"\1"))
    assert same == (one == two)
