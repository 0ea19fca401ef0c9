"""verify_checksum, update_checksum, their forms with payload, and Checksum16 (v1model)."""

from __future__ import annotations

from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BOOL, BitType
from softswitch.codegen.algorithms import hash_call
from softswitch.codegen.expressions import expressions, places
from softswitch.codegen.externs import hashing, operands
from softswitch.codegen.statements.body import Body, Val
from softswitch.codegen.values import scalars
from softswitch.codegen.values.layout import scalar_width


def _compute(body: Body, data_expr: ast.Expr, algorithm: str, with_payload: bool) -> str:
    """Emits the computation; the name of its result, a uint64_t."""
    parts = operands.parts(body, data_expr)
    data, length = hashing.pack(body, parts)
    if not with_payload:
        return body.temp("uint64_t", hash_call(algorithm, data, length), "sum")
    payload = "x->packet->data + x->packet->consumed / 8"
    size = "x->packet->length - x->packet->consumed / 8"
    return body.temp("uint64_t", hash_call(algorithm, data, length, f"{payload}, {size}"), "sum")


def verify(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """verify_checksum(condition, data, checksum, algo): sets checksum_error to 1 where they differ."""
    algorithm = hashing.algorithm_of(body, info, expr)
    condition = expressions.rvalue(body, operands.argument(info, "condition", expr), BOOL)
    with body.braces(f"if ({places.bare(condition.text)})"):
        total = _compute(body, operands.argument(info, "data", expr), algorithm, "payload" in info.name)
        checksum = operands.scalar(body, operands.argument(info, "checksum", expr))
        width = scalar_width(checksum.type) or 16
        body.gen.layout.need_limbs(width)
        expected = scalars.cast(total, 64, False, width)
        body.emit(f"if ({scalars.compare('!=', checksum.text, expected, width, False)})")
        body.emit("    x->std->checksum_error = 1;")
        body.trace_values("verify_checksum: checksum_error is {}", ("%u", ["x->std->checksum_error"]))
    return None


def update(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """update_checksum(condition, data, checksum, algo)"""
    algorithm = hashing.algorithm_of(body, info, expr)
    condition = expressions.rvalue(body, operands.argument(info, "condition", expr), BOOL)
    with body.braces(f"if ({places.bare(condition.text)})"):
        total = _compute(body, operands.argument(info, "data", expr), algorithm, "payload" in info.name)
        operands.assign(body, operands.target(body, operands.argument(info, "checksum", expr)), total, 64)
    return None


def get(body: Body, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Val | None:
    """Checksum16.get(data)"""
    total = _compute(body, operands.argument(info, info.args[0].param_name, expr), "csum16", False)
    return Val(f"((uint32_t){total})", BitType(16), True)
