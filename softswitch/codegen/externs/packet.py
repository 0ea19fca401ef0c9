"""packet_in, packet_out and verify (core.p4)."""

from __future__ import annotations

from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType, StackType, StructType, TupleType, Type, VarbitType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import lvalues, parser_errors, rvalues
from softswitch.codegen.externs import operands
from softswitch.codegen.functions.function_body import LOOP_BYTES, FunctionBody, LValue, Value
from softswitch.codegen.values import cexpr, packing, scalars, wire
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import LENGTH, X, packet_bytes_left
from softswitch.codegen.values.layout import element, is_header, is_union, members, scalar_width, wire_bits


def extract(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """extract(header) and extract(header, varbit size)."""
    if body.kind != "parser":
        raise refuse(expr.span, "extract is allowed in parsers only")
    header = info.args[0].expr
    if header is None or isinstance(header, ast.DontCare):
        type_ = strip(body.env.type(info.type_args[0])) if info.type_args else None
        if type_ is None or not is_header(type_):
            raise refuse(expr.span, "extract(_) needs its header type written out")
        where = LValue(body.temp(body.unit.layout.c_type(type_), "{0}", "skipped"), type_)
    else:
        where = lvalues.lvalue(body, header)
    type_ = strip(where.type)
    if not isinstance(type_, StructType) or not is_header(type_):
        raise refuse(expr.span, f"only headers can be extracted, not {type_}")
    leaves = list(body.unit.layout.leaves(cexpr.name("h"), type_))
    varbits = sum(isinstance(strip(leaf.type), VarbitType) for leaf in leaves)
    if varbits > 1:
        raise refuse(expr.span, f"header {type_} has more than one varbit field")
    size: list[CExpr] = []
    if len(info.args) > 1:
        argument = info.args[1].expr
        if argument is None:
            raise refuse(expr.span, "the size of the varbit field is missing")
        bits = operands.scalar(body, argument, BitType(32))
        size = [cexpr.cast("uint32_t", operands.as64(bits))]
    if (varbits > 0) != (len(info.args) > 1):
        raise refuse(expr.span, f"{'a' if varbits else 'no'} size is needed to extract header {type_}")
    name = body.unit.wire.extract(type_, expr.span)
    error = cexpr.arrow(X, "error")
    body.emit(f"{error} = {cexpr.call(name, X, cexpr.address(where.c), *size)};")
    with body.braces(f"if ({cexpr.unlikely(cexpr.binary('!=', error, 0))})"):
        parser_errors.reject(body, error)
    for line in lvalues.union_siblings(where):
        body.emit(line)
    if where.next_of is not None:
        body.emit(f"{cexpr.member(where.next_of, 'next')}++;")
    return None


def _need(body: FunctionBody, bits: CExpr) -> None:
    left = cexpr.binary("*", cexpr.cast("uint64_t", packet_bytes_left()), 8)
    parser_errors.reject_if(body, cexpr.binary("<", left, bits), "PacketTooShort")


def lookahead(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """The next bits of the packet as a value of any fixed-size type."""
    type_ = body.env.type(info.returns)
    if body.kind != "parser":
        raise refuse(expr.span, "lookahead is allowed in parsers only")
    plain = strip(type_)
    c_type = body.unit.layout.c_type(type_, expr.span)
    leaves = list(body.unit.layout.leaves(cexpr.name("value"), plain))
    if any(isinstance(strip(leaf.type), VarbitType) for leaf in leaves):
        raise refuse(expr.span, "lookahead of a varbit is not possible")
    _need(body, scalars.literal(wire_bits(plain), 32))
    ahead = body.temp(c_type, "{0}" if scalar_width(plain) is None else body.unit.layout.zero(plain), "ahead")
    for line in packing.read_all(list(body.unit.layout.leaves(ahead, plain)), cexpr.arrow(X, "at")):
        body.emit(line)
    for line in _validate(ahead, plain):
        body.emit(line)
    return Value(ahead, type_, True)


def _validate(c: CExpr, type_: Type) -> list[str]:
    """Statements that make the headers of a value valid."""
    plain = strip(type_)
    if is_header(plain):
        return [f"{cexpr.member(c, 'valid_')} = true;"]
    if isinstance(plain, (StructType, TupleType)):
        return [line for name, t in members(plain) for line in _validate(cexpr.member(c, name), t)]
    return []


def advance(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """Skips bits; like simple_switch, whole bytes only."""
    bits = body.temp(
        "uint64_t",
        operands.as64(operands.scalar(body, operands.argument(info, info.args[0].param_name, expr), BitType(32))),
    )
    parser_errors.reject_if(body, cexpr.binary("!=", cexpr.binary("%", bits, 8), 0), "ParserInvalidArgument")
    _need(body, bits)
    body.emit(f"{cexpr.arrow(X, 'at')} += {cexpr.binary('/', bits, 8)};")
    return None


def length(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    return Value(LENGTH, BitType(32))


def verify(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """verify(condition, error)"""
    if body.kind != "parser":
        raise refuse(expr.span, "verify is allowed in parsers only")
    check, error = (arg.expr for arg in info.args)
    if check is None or error is None:
        raise refuse(expr.span, "verify needs a condition and an error")
    condition, number = rvalues.rvalues(body, [check, error])
    with body.braces(f"if ({cexpr.negation(condition.c)})"):
        parser_errors.reject(body, number.c, error.span.text.replace("\n", " "))
    return None


def emit(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """Appends headers, stacks, unions, and all of them in a struct."""
    given = info.args[0].expr
    if given is None or body.kind not in ("control", "action", "function"):
        raise refuse(expr.span, "emit is allowed in the deparser only")
    if lvalues.is_lvalue(body, given):
        where = lvalues.lvalue(body, given)
        c, type_ = where.c, where.type
    else:
        value = rvalues.addressable(body, rvalues.rvalue(body, given))
        c, type_ = value.c, value.type
    body.function.emit_bytes += wire.wire_bytes(type_) + (LOOP_BYTES if body.loops else 0)
    _emit(body, c, type_, expr)
    return None


def _emit(body: FunctionBody, c: CExpr, type_: Type, expr: ast.Call) -> None:
    plain = strip(type_)
    if isinstance(plain, StructType) and is_header(plain):
        emitter = body.unit.wire.emit(plain, expr.span)
        body.emit(f"{cexpr.call(emitter, X, cexpr.address(c))};")
    elif isinstance(plain, StackType) and isinstance(strip(plain.element), StructType):
        index = body.names.local("i")
        with body.braces(f"for (uint32_t {index} = 0; {index} < {plain.size}; {index}++)"):
            _emit(body, element(c, cexpr.name(index)), plain.element, expr)
    elif isinstance(plain, (StructType, TupleType)) or is_union(plain):
        for name, member_type in members(plain):
            _emit(body, cexpr.member(c, name), member_type, expr)
    else:
        raise refuse(expr.span, f"a value of type {type_} cannot be emitted")
