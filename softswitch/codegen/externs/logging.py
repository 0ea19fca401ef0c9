"""assert, assume, log_msg (v1model) and static_assert (core)."""

from __future__ import annotations

from p4front import ast
from p4front.program import CallInfo
from p4front.types import BOOL, VarbitType, strip
from softswitch.codegen import consteval, expressions, scalars
from softswitch.codegen.body import Body, Val
from softswitch.codegen.errors import refuse
from softswitch.codegen.externs import operands
from softswitch.codegen.layout import scalar_width
from softswitch.codegen.names import c_string, place


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
    return None


def log_msg(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """log_msg("a = {}, b = {}", {a, b}): numbers in decimal, wide ones in hexadecimal."""
    message = consteval.evaluate(body.gen, body.env, operands.argument(info, info.args[0].param_name, expr))
    if not isinstance(message, str):
        raise refuse(expr.span, "the message must be a string literal")
    parts = operands.parts(body, operands.argument(info, "data", expr)) if operands.has_argument(info, "data") else []
    pieces = message.split("{}")
    text = c_string(pieces[0])
    values: list[str] = []
    for i, piece in enumerate(pieces[1:]):
        if i < len(parts):
            shown, arguments = _shown(parts[i])
            text += shown
            values += arguments
        else:
            text += "{}"
        text += c_string(piece)
    body.emit(f'ss_log(x->pipeline, "{text}"{"".join(", " + v for v in values)});')
    return None


def _shown(part: operands.Part) -> tuple[str, list[str]]:
    """printf conversion and arguments of one value."""
    text, type_ = part.leaf.text, strip(part.leaf.type)
    if isinstance(type_, VarbitType):
        return "%u bits", [f"{text}.bits"]
    width = scalar_width(type_) or 0
    if width <= 64:
        return "%llu", [f"(unsigned long long){text}"]
    words = list(reversed(scalars.words_of(text, width)))
    return "0x" + "%016llx" * len(words), [f"(unsigned long long)({word})" for word in words]
