"""assert, assume, log_msg (v1model) and static_assert (core)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BOOL, VarbitType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import expressions
from softswitch.codegen.externs import operands
from softswitch.codegen.names import c_string, place
from softswitch.codegen.statements.body import Body, Val
from softswitch.codegen.values import scalars
from softswitch.codegen.values.layout import is_signed, scalar_width


def nothing(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """static_assert: the front end has checked it."""
    return Val("true", BOOL, True)


def check(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """assert and assume: a packet for which they fail is dropped, counted and logged."""
    given = info.args[0].expr
    if given is None:
        raise refuse(expr.span, f"{info.name} needs a condition")
    condition = expressions.rvalue(body, given, BOOL)
    with body.braces(f"if (!{condition.text})"):
        body.emit("x->packet->requests.aborted = true;")
        where = place(expr.span).strip("/* ")
        body.emit(f'ss_log(x->pipeline, "{c_string(f"{info.name} failed at {where}")}");')
        body.trace(f"{info.name} failed at {where}")
    return None


def log_msg(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """log_msg("a = {}, b = {}", {a, b}): numbers in decimal."""
    message = evaluate(body.env, operands.argument(info, info.args[0].param_name, expr))
    if not isinstance(message, str):
        raise refuse(expr.span, "the message must be a string literal")
    parts = operands.parts(body, operands.argument(info, "data", expr)) if operands.has_argument(info, "data") else []
    pieces = message.split("{}")
    text = c_string(pieces[0])
    values: list[str] = []
    for i, piece in enumerate(pieces[1:]):
        if i < len(parts):
            shown, arguments = _shown(body, parts[i])
            text += shown
            values += arguments
        else:
            text += "{}"
        text += c_string(piece)
    body.emit(f'ss_log(x->pipeline, "{text}"{"".join(", " + v for v in values)});')
    return None


def _shown(body: Body, part: operands.Part) -> tuple[str, list[str]]:
    """printf conversion and arguments of one value."""
    text, type_ = part.leaf.text, strip(part.leaf.type)
    if isinstance(type_, VarbitType):
        return "%u bits", [f"{text}.bits"]
    width = scalar_width(type_) or 0
    if width <= 64:
        if is_signed(type_):
            return "%lld", [f"(long long){scalars.cast(text, width, True, 64)}"]
        return "%llu", [f"(unsigned long long){text}"]
    sign = []
    if is_signed(type_):
        body.gen.layout.need_limbs(width)
        negative = body.temp("bool", scalars.compare("<", text, scalars.literal(0, width), width, True), "negative")
        sign = [f'{negative} ? "-" : ""']
        text = body.temp(scalars.ct(width), f"{negative} ? {scalars.negate(text, width)} : {text}", "magnitude")
    words = scalars.words_of(text, width)
    name, room = body.names.local("words"), body.names.local("digits")
    body.emit(f"uint64_t {name}[] = {{{', '.join(words)}}};")
    body.emit(f"char {room}[{20 * len(words) + 1}];")
    return "%s" * (len(sign) + 1), [*sign, f"ss_decimal({room}, {name}, {len(words)})"]
