"""verify_checksum, update_checksum, their forms with payload, and Checksum16 (v1model)."""

from __future__ import annotations

from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BOOL, BitType
from softswitch.codegen.expressions import rvalues
from softswitch.codegen.externs import hashing, operands
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import LENGTH, PACKET, STD
from softswitch.codegen.values.hashes import hash_call
from softswitch.codegen.values.layout import scalar_width


def _compute(body: FunctionBody, data_expr: ast.Expr, algorithm: str, with_payload: bool) -> CExpr:
    """Emits the computation; its result is a uint64_t."""
    parts = operands.parts(body, data_expr)
    data, length = hashing.pack(body, parts)
    payload: tuple[CExpr, CExpr] | None = None
    if with_payload:
        consumed = cexpr.binary("/", cexpr.arrow(PACKET, "consumed"), 8)
        payload = cexpr.binary("+", cexpr.arrow(PACKET, "data"), consumed), cexpr.binary("-", LENGTH, consumed)
    return body.temp("uint64_t", hash_call(algorithm, data, length, payload), "sum")


def verify(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """verify_checksum(condition, data, checksum, algo): sets checksum_error to 1 where they differ."""
    algorithm = hashing.algorithm_of(body, info, expr)
    condition = rvalues.rvalue(body, operands.argument(info, "condition", expr), BOOL)
    with body.braces(f"if ({condition.c})"):
        total = _compute(body, operands.argument(info, "data", expr), algorithm, "payload" in info.name)
        checksum = operands.scalar(body, operands.argument(info, "checksum", expr))
        width = scalar_width(checksum.type) or 16
        body.unit.layout.need_limbs(width)
        expected = scalars.cast(total, 64, False, width)
        error = cexpr.member(STD, "checksum_error")
        body.emit(f"if ({scalars.compare('!=', checksum.c, expected, width, False)})")
        body.emit(f"    {error} = 1;")
        body.trace_values("verify_checksum: checksum_error is {}", ("%u", [error]))
    return None


def update(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """update_checksum(condition, data, checksum, algo)"""
    algorithm = hashing.algorithm_of(body, info, expr)
    condition = rvalues.rvalue(body, operands.argument(info, "condition", expr), BOOL)
    with body.braces(f"if ({condition.c})"):
        total = _compute(body, operands.argument(info, "data", expr), algorithm, "payload" in info.name)
        operands.assign(body, operands.target(body, operands.argument(info, "checksum", expr)), total, 64)
    return None


def get(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """Checksum16.get(data)"""
    total = _compute(body, operands.argument(info, info.args[0].param_name, expr), "csum16", False)
    return Value(cexpr.cast("uint32_t", total), BitType(16), True)
