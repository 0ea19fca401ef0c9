"""Numbers as P4Runtime byte strings (specification 8.4): big-endian, sent in the shortest form, taken in any."""

from __future__ import annotations

from softswitch.server.errors import Refused, out_of_range


def encode(value: int) -> bytes:
    """Shortest string of an unsigned value; one zero byte for 0."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def decode(data: bytes, width: int, what: str) -> int:
    """Value of a bit<width>. Raises Refused (OUT_OF_RANGE) for an empty string or a value that does not fit."""
    if not data:
        raise out_of_range(f"{what}: an empty byte string is not a value")
    value = int.from_bytes(data, "big")
    if value.bit_length() > width:
        raise out_of_range(f"{what}: {value:#x} does not fit in {width} bits")
    return value


def encode_signed(bits: int, width: int) -> bytes:
    """Shortest two's complement string of an int<width>, given its low `width` bits as an unsigned number."""
    value = bits - (1 << width) if bits >> (width - 1) & 1 else bits
    size = (value + (value < 0)).bit_length() // 8 + 1
    return value.to_bytes(size, "big", signed=True)


def decode_signed(data: bytes, width: int, what: str) -> int:
    """The low `width` bits of an int<width>. Raises Refused (OUT_OF_RANGE) as `decode` does."""
    if not data:
        raise out_of_range(f"{what}: an empty byte string is not a value")
    value = int.from_bytes(data, "big", signed=True)
    if not -(1 << (width - 1)) <= value < 1 << (width - 1):
        raise out_of_range(f"{what}: {value} does not fit in int<{width}>")
    return value & ((1 << width) - 1)


__all__ = ["Refused", "decode", "decode_signed", "encode", "encode_signed"]
