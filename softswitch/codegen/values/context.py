"""What every generated function has: its context `x` (runtime/include/context.h), and what hangs from it."""

from __future__ import annotations

from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr

X = cexpr.name("x")
PACKET = cexpr.arrow(X, "packet")
REQUESTS = cexpr.arrow(PACKET, "requests")
LENGTH = cexpr.arrow(PACKET, "length")
STD = cexpr.dereference(cexpr.arrow(X, "std"))
FRAME = cexpr.name("f")
"""The frame of the control: its parameters and variables."""


def pipeline_object(kind: str, number: int) -> CExpr:
    """An object of the running pipeline. `kind`: "tables", "arrays", "counters", "meters", "value_sets" or "crcs"."""
    return cexpr.index(cexpr.arrow(cexpr.arrow(X, "pipeline"), kind), number)


def packet_bytes_left() -> CExpr:
    """Bytes that the parser has not taken yet."""
    return cexpr.binary("-", cexpr.arrow(X, "end"), cexpr.arrow(X, "at"))
