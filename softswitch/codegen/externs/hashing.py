"""hash and random (v1model)."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.elaborate.evaluate import evaluate
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType, IntegerType, VarbitType, strip
from softswitch.codegen.algorithms import HASHES, hash_call
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import expressions, places
from softswitch.codegen.externs import operands
from softswitch.codegen.statements.body import Body, Val
from softswitch.codegen.values import packing, scalars
from softswitch.codegen.values.layout import scalar_width, wire_bits


def pack(body: Body, parts: Sequence[operands.Part]) -> tuple[str, str]:
    """Puts fields one after another into a byte array; its name and the C text of its length.

    Like simple_switch, a field of an invalid header is left out."""
    total = sum(wire_bits(part.leaf.type) for part in parts)
    name = body.names.local("bytes")
    groups: list[tuple[str, list[operands.Part]]] = []
    for part in parts:
        if groups and groups[-1][0] == part.header and not _is_varbit(part):
            groups[-1][1].append(part)
        else:
            groups.append((part.header, [part]))
    guarded = any(header for header, _ in groups)
    varying = any(_is_varbit(part) for part in parts)
    body.emit(f"uint8_t {name}[{-(-total // 8) + 8}] = {{0}};")
    if not guarded and not varying:
        writer = packing.Writer(name)
        for part in parts:
            writer.leaf(part.leaf)
        writer.flush()
        for line in writer.lines:
            body.emit(line)
        return name, f"{-(-total // 8)}"
    whole_bytes = all(sum(wire_bits(p.leaf.type) for p in group) % 8 == 0 for _, group in groups)
    if whole_bytes:
        return name, _pack_bytes(body, name, groups)
    return name, _pack_bits(body, name, groups)


def _is_varbit(part: operands.Part) -> bool:
    return isinstance(strip(part.leaf.type), VarbitType)


def _pack_bytes(body: Body, name: str, groups: list[tuple[str, list[operands.Part]]]) -> str:
    """Groups of whole bytes behind a moving pointer."""
    at = body.temp("uint8_t *", name, "at")
    for header, group in groups:
        writer = packing.Writer(at)
        for part in group:
            writer.leaf(part.leaf)
        writer.flush()
        size = sum(wire_bits(p.leaf.type) for p in group if not _is_varbit(p)) // 8
        with body.braces(f"if ({header}.valid_)" if header else ""):
            for line in writer.lines:
                body.emit(line)
            body.emit(f"{at} += {size};")
    return f"(uint32_t)({at} - {name})"


def _pack_bits(body: Body, name: str, groups: list[tuple[str, list[operands.Part]]]) -> str:
    """The general case: a moving bit position."""
    at = body.temp("uint32_t", "0", "bit")
    for header, group in groups:
        with body.braces(f"if ({header}.valid_)" if header else ""):
            for part in group:
                text, width = part.leaf.text, scalar_width(part.leaf.type) or 0
                if _is_varbit(part):
                    body.emit(f"ss_copy_bits({name}, {at}, {text}.data, 0, {text}.bits);")
                    body.emit(f"{at} += {text}.bits;")
                    continue
                kind = "limbs" if scalars.is_wide(width) else "bits128" if width > 64 else "bits"
                body.emit(f"ss_put_{kind}({name}, {at}, {width}, {text}{'.w' if kind == 'limbs' else ''});")
                body.emit(f"{at} += {width};")
    return f"({at} + 7) / 8"


def algorithm_of(body: Body, info: CallInfo, where: ast.Node) -> str:
    """The algorithm given for parameter `algo`; it must be a constant."""
    expr = operands.argument(info, "algo", where)
    value = evaluate(body.env, expr)
    member = value.rsplit(".", 1)[-1] if isinstance(value, str) else ""
    if member not in HASHES:
        raise refuse(expr.span, f"the hash algorithm must be a constant, one of {', '.join(HASHES)}")
    return member


def hash_(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """hash(out result, algo, base, data, max): base + H % max, or base if max is 0."""
    result = operands.target(body, operands.argument(info, "result", expr))
    algorithm = algorithm_of(body, info, expr)
    base = body.keep(_number(body, info, "base", expr))
    parts = operands.parts(body, operands.argument(info, "data", expr))
    limit = body.keep(_number(body, info, "max", expr))
    data, length = pack(body, parts)
    value = body.temp("uint64_t", hash_call(algorithm, data, length), "hash")
    bound = operands.as64(limit)
    body.emit(f"{value} = {bound} == 0 ? 0 : {value} % {bound};")
    if result is None:
        return None
    width = max(64, scalar_width(base.type) or 64)
    body.gen.layout.need_limbs(width)
    wide_base = scalars.cast(base.text, scalar_width(base.type) or 64, False, width)
    total = scalars.arithmetic("+", wide_base, scalars.cast(value, 64, False, width), width, False)
    operands.assign(body, result, total, width)
    return None


def _number(body: Body, info: CallInfo, name: str, where: ast.Node) -> Val:
    expr = operands.argument(info, name, where)
    want = BitType(64) if isinstance(strip(expressions.final_type(body, expr)), IntegerType) else None
    return operands.scalar(body, expr, want)


def random(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """random(out result, in lo, in hi): inclusive bounds, up to 64 bits."""
    result = operands.target(body, operands.argument(info, "result", expr))
    want = places.place_type(result) if result is not None else None
    lo_expr, hi_expr = operands.argument(info, "lo", expr), operands.argument(info, "hi", expr)
    lo, hi = expressions.rvalues(body, [lo_expr, hi_expr], [want, want])
    if (scalar_width(lo.type) or 0) > 64:
        raise refuse(expr.span, "random numbers have at most 64 bits")
    value = body.temp("uint64_t", f"ss_random({operands.as64(lo)}, {operands.as64(hi)})", "number")
    operands.assign(body, result, value, 64)
    return None
