"""The hash algorithms of v1model as functions of the runtime."""

from __future__ import annotations

from p4front.types.constants import ConstValue
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr, Operand
from softswitch.codegen.values.context import pipeline_object

HASHES = ("crc32", "crc32_custom", "crc16", "crc16_custom", "random", "identity", "csum16", "xor16")


def hash_name(value: ConstValue | None) -> str:
    """The algorithm behind a HashAlgorithm constant."""
    member = value.rsplit(".", 1)[-1] if isinstance(value, str) else ""
    return member if member in HASHES else "crc16"


def hash_call(algorithm: str, data: CExpr, length: Operand, more: tuple[CExpr, CExpr] | None = None) -> CExpr:
    """The hash of bytes as a C expression of type uint64_t. `more`: pointer and length of bytes that follow."""
    if algorithm == "random":
        return cexpr.call("ss_random", 0, cexpr.constant("UINT64_MAX"))
    name = algorithm.removesuffix("_custom")  # the custom polynomials begin as the standard ones
    if more is not None:
        return cexpr.cast("uint64_t", cexpr.call(f"ss_{name}_joined", data, length, *more))
    return cexpr.cast("uint64_t", cexpr.call(f"ss_{name}", data, length))


def custom_crc_call(number: int, algorithm: str, data: CExpr, length: Operand) -> CExpr:
    """The hash with the parameters of a CRC of the pipeline, if a controller has set them."""
    crc = pipeline_object("crcs", number)
    custom = cexpr.call("ss_crc_custom", cexpr.address(crc), data, length)
    return cexpr.ternary(cexpr.member(crc, "configured"), custom, hash_call(algorithm, data, length))
