"""hash and random (v1model)."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.elaborate.evaluate import evaluate
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType, IntegerType, VarbitType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import lvalues, rvalues
from softswitch.codegen.externs import operands
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.values import cexpr, packing, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.hashes import HASHES, custom_crc_call, hash_call
from softswitch.codegen.values.layout import scalar_width, wire_bits


def pack(body: FunctionBody, parts: Sequence[operands.Part]) -> tuple[CExpr, CExpr]:
    """Puts fields one after another into a byte array; the array and its length.

    Like simple_switch, a field of an invalid header is left out."""
    total = sum(wire_bits(part.leaf.type) for part in parts)
    array = cexpr.name(body.names.local("bytes"))
    groups: list[tuple[CExpr | None, list[operands.Part]]] = []
    for part in parts:
        if groups and groups[-1][0] == part.header and not _is_varbit(part):
            groups[-1][1].append(part)
        else:
            groups.append((part.header, [part]))
    guarded = any(header is not None for header, _ in groups)
    varying = any(_is_varbit(part) for part in parts)
    body.emit(f"uint8_t {array}[{-(-total // 8) + 8}] = {{0}};")
    if not guarded and not varying:
        writer = packing.Writer(array)
        for part in parts:
            writer.leaf(part.leaf)
        writer.flush()
        for line in writer.lines:
            body.emit(line)
        return array, cexpr.constant(f"{-(-total // 8)}")
    whole_bytes = all(sum(wire_bits(p.leaf.type) for p in group) % 8 == 0 for _, group in groups)
    if whole_bytes:
        return array, _pack_bytes(body, array, groups)
    return array, _pack_bits(body, array, groups)


def _guard(header: CExpr | None) -> str:
    return f"if ({cexpr.member(header, 'valid_')})" if header is not None else ""


def _is_varbit(part: operands.Part) -> bool:
    return isinstance(strip(part.leaf.type), VarbitType)


def _pack_bytes(body: FunctionBody, array: CExpr, groups: list[tuple[CExpr | None, list[operands.Part]]]) -> CExpr:
    """Groups of whole bytes behind a moving pointer."""
    at = body.temp("uint8_t *", array, "at")
    for header, group in groups:
        writer = packing.Writer(at)
        for part in group:
            writer.leaf(part.leaf)
        writer.flush()
        size = sum(wire_bits(p.leaf.type) for p in group if not _is_varbit(p)) // 8
        with body.braces(_guard(header)):
            for line in writer.lines:
                body.emit(line)
            body.emit(f"{at} += {size};")
    return cexpr.cast("uint32_t", cexpr.binary("-", at, array))


def _pack_bits(body: FunctionBody, array: CExpr, groups: list[tuple[CExpr | None, list[operands.Part]]]) -> CExpr:
    """The general case: a moving bit position."""
    at = body.temp("uint32_t", cexpr.constant("0"), "bit")
    for header, group in groups:
        with body.braces(_guard(header)):
            for part in group:
                value, width = part.leaf.c, scalar_width(part.leaf.type) or 0
                if _is_varbit(part):
                    data, bits = cexpr.member(value, "data"), cexpr.member(value, "bits")
                    body.emit(f"{cexpr.call('ss_copy_bits', array, at, data, 0, bits)};")
                    body.emit(f"{at} += {bits};")
                    continue
                body.emit(packing.put_bits(array, at, width, value))
                body.emit(f"{at} += {width};")
    return cexpr.binary("/", cexpr.binary("+", at, 7), 8)


def algorithm_of(body: FunctionBody, info: CallInfo, where: ast.Node) -> str:
    """The algorithm given for parameter `algo`; it must be a constant."""
    expr = operands.argument(info, "algo", where)
    value = evaluate(body.env, expr)
    member = value.rsplit(".", 1)[-1] if isinstance(value, str) else ""
    if member not in HASHES:
        raise refuse(expr.span, f"the hash algorithm must be a constant, one of {', '.join(HASHES)}")
    return member


def hash_(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """hash(out result, algo, base, data, max): base + H % max, or base if max is 0."""
    result = operands.target(body, operands.argument(info, "result", expr))
    algorithm = algorithm_of(body, info, expr)
    base = body.keep(_number(body, info, "base", expr))
    parts = operands.parts(body, operands.argument(info, "data", expr))
    limit = body.keep(_number(body, info, "max", expr))
    data, length = pack(body, parts)
    number = body.unit.custom_crc(algorithm)
    call = hash_call(algorithm, data, length)
    if number is not None:
        call = custom_crc_call(number, algorithm, data, length)
    value = body.temp("uint64_t", call, "hash")
    bound = operands.as64(limit)
    reduced = cexpr.ternary(cexpr.binary("==", bound, 0), 0, cexpr.binary("%", value, bound))
    body.emit(f"{value} = {reduced};")
    if result is None:
        return None
    width = max(64, scalar_width(base.type) or 64)
    body.unit.layout.need_limbs(width)
    wide_base = scalars.cast(base.c, scalar_width(base.type) or 64, False, width)
    total = scalars.arithmetic("+", wide_base, scalars.cast(value, 64, False, width), width, False)
    operands.assign(body, result, total, width)
    return None


def _number(body: FunctionBody, info: CallInfo, name: str, where: ast.Node) -> Value:
    expr = operands.argument(info, name, where)
    want = BitType(64) if isinstance(strip(rvalues.final_type(body, expr)), IntegerType) else None
    return operands.scalar(body, expr, want)


def random(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """random(out result, in lo, in hi): inclusive bounds, up to 64 bits."""
    result = operands.target(body, operands.argument(info, "result", expr))
    want = lvalues.stored_type(result) if result is not None else None
    lo_expr, hi_expr = operands.argument(info, "lo", expr), operands.argument(info, "hi", expr)
    lo, hi = rvalues.rvalues(body, [lo_expr, hi_expr], [want, want])
    if (scalar_width(lo.type) or 0) > 64:
        raise refuse(expr.span, "random numbers have at most 64 bits")
    value = body.temp("uint64_t", cexpr.call("ss_random", operands.as64(lo), operands.as64(hi)), "number")
    operands.assign(body, result, value, 64)
    return None
