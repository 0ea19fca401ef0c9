"""assert, assume, log_msg (v1model) and static_assert (core)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BOOL, VarbitType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import rvalues
from softswitch.codegen.externs import operands
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.names import location, printf_text
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import X
from softswitch.codegen.values.layout import is_signed, scalar_width


def nothing(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """static_assert: the front end has checked it."""
    return Value(cexpr.TRUE, BOOL, True)


def check(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """assert and assume: a packet for which they fail is dropped, counted and logged."""
    given = info.args[0].expr
    if given is None:
        raise refuse(expr.span, f"{info.name} needs a condition")
    condition = rvalues.rvalue(body, given, BOOL)
    with body.braces(f"if ({cexpr.negation(condition.c)})"):
        body.emit("x->packet->requests.aborted = true;")
        message = f"{info.name} failed at {location(expr.span)}"
        body.emit(f'ss_log(x->pipeline, "{printf_text(message)}");')
        body.trace(message)
    return None


def log_msg(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """log_msg("a = {}, b = {}", {a, b}): numbers in decimal."""
    message = evaluate(body.env, operands.argument(info, info.args[0].param_name, expr))
    if not isinstance(message, str):
        raise refuse(expr.span, "the message must be a string literal")
    parts = operands.parts(body, operands.argument(info, "data", expr)) if operands.has_argument(info, "data") else []
    pieces = message.split("{}")
    text = printf_text(pieces[0])
    values: list[CExpr] = []
    for i, piece in enumerate(pieces[1:]):
        if i < len(parts):
            shown, arguments = _shown(body, parts[i])
            text += shown
            values += arguments
        else:
            text += "{}"
        text += printf_text(piece)
    logged = cexpr.call("ss_log", cexpr.arrow(X, "pipeline"), cexpr.constant(f'"{text}"'), *values)
    body.emit(f"{logged};")
    return None


def _shown(body: FunctionBody, part: operands.Part) -> tuple[str, list[CExpr]]:
    """printf conversion and arguments of one value."""
    value, type_ = part.leaf.c, strip(part.leaf.type)
    if isinstance(type_, VarbitType):
        return "%u bits", [cexpr.member(value, "bits")]
    width = scalar_width(type_) or 0
    if width <= 64:
        if is_signed(type_):
            return "%lld", [cexpr.cast("long long", scalars.cast(value, width, True, 64))]
        return "%llu", [cexpr.cast("unsigned long long", value)]
    sign: list[CExpr] = []
    if is_signed(type_):
        body.unit.layout.need_limbs(width)
        negative = body.temp("bool", scalars.compare("<", value, scalars.literal(0, width), width, True), "negative")
        sign = [cexpr.ternary(negative, cexpr.constant('"-"'), cexpr.constant('""'))]
        magnitude = cexpr.ternary(negative, scalars.negate(value, width), value)
        value = body.temp(scalars.ct(width), magnitude, "magnitude")
    words = scalars.words_of(value, width)
    name, room = body.names.local("words"), body.names.local("digits")
    body.emit(f"uint64_t {name}[] = {{{', '.join(map(str, words))}}};")
    body.emit(f"char {room}[{20 * len(words) + 1}];")
    return "%s" * (len(sign) + 1), [*sign, cexpr.call("ss_decimal", cexpr.name(room), cexpr.name(name), len(words))]
