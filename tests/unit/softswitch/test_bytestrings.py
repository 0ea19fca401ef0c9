"""P4Runtime's byte strings: the shortest form is sent, any valid form is accepted (specification 8.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.server.errors import Code, Refused
from softswitch.server.values.bytestrings import decode, decode_signed, encode, encode_signed

WIDTHS = st.integers(1, 200)


@given(WIDTHS.flatmap(lambda w: st.tuples(st.just(w), st.integers(0, (1 << w) - 1))), st.integers(0, 5))
def test_unsigned_values_come_back(value: tuple[int, int], padding: int) -> None:
    width, number = value
    data = encode(number)
    assert decode(bytes(padding) + data, width, "x") == number
    assert len(data) == 1 or data[0] != 0


@given(
    WIDTHS.flatmap(lambda w: st.tuples(st.just(w), st.integers(-(1 << (w - 1)), (1 << (w - 1)) - 1))), st.integers(0, 5)
)
def test_signed_values_come_back(value: tuple[int, int], padding: int) -> None:
    width, number = value
    bits = number & ((1 << width) - 1)
    data = encode_signed(bits, width)
    sign = b"\xff" if number < 0 else b"\0"
    assert decode_signed(sign * padding + data, width, "x") == bits
    assert int.from_bytes(data, "big", signed=True) == number
    assert len(data) == 1 or not -(1 << (8 * len(data) - 9)) <= number < 1 << (8 * len(data) - 9)


@pytest.mark.parametrize(
    ("width", "data"),
    [
        (8, b"\x01\x63"),
        (8, b""),
        (16, b"\x01\x00\x63"),
        (12, b"\x10\x63"),
        (12, b"\x01\x00\x63"),
        (12, b"\x00\x40\x63"),
    ],
)
def test_the_specifications_bad_unsigned_examples(width: int, data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        decode(data, width, "x")
    assert caught.value.code is Code.OUT_OF_RANGE


@pytest.mark.parametrize(("width", "data"), [(8, b"\x00\x9d"), (12, b"\x8d\x1d"), (16, b"")])
def test_the_specifications_bad_signed_examples(width: int, data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        decode_signed(data, width, "x")
    assert caught.value.code is Code.OUT_OF_RANGE


def test_the_specifications_good_examples() -> None:
    assert encode(99) == b"\x63" and encode(12388) == b"\x30\x64" and encode(0) == b"\0"
    assert encode_signed(-99 & 0xFF, 8) == b"\x9d"
    assert encode_signed(-739 & 0xFFF, 12) == b"\xfd\x1d"
    assert decode_signed(b"\xff\x9d", 8, "x") == 0x9D
