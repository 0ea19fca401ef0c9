"""The hash algorithms of v1model as functions of the runtime."""

from __future__ import annotations

from p4front.types.constants import ConstValue

HASHES = ("crc32", "crc32_custom", "crc16", "crc16_custom", "random", "identity", "csum16", "xor16")


def hash_name(value: ConstValue | None) -> str:
    """The algorithm behind a HashAlgorithm constant."""
    member = value.rsplit(".", 1)[-1] if isinstance(value, str) else ""
    return member if member in HASHES else "crc16"


def hash_call(algorithm: str, data: str, length: str, more: str = "") -> str:
    """The hash of bytes as a C expression of type uint64_t. `more`: bytes that follow, as "pointer, length"."""
    if algorithm == "random":
        return "ss_random(0, UINT64_MAX)"
    name = algorithm.removesuffix("_custom")  # the custom polynomials begin as the standard ones
    if more:
        return f"((uint64_t)ss_{name}_joined({data}, {length}, {more}))"
    return f"((uint64_t)ss_{name}({data}, {length}))"
