"""Dropping, cloning, sending packets round again, truncation, digests (v1model). The runtime carries them out."""

from __future__ import annotations

from collections.abc import Iterator

from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType, Type, VarbitType, strip
from softswitch.codegen import fieldlists
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import expressions, places
from softswitch.codegen.externs import operands
from softswitch.codegen.statements.body import Body, Val
from softswitch.codegen.values import scalars
from softswitch.codegen.values.layout import Leaf, scalar_width

DIGEST_WORDS = 64
DIGESTS_PER_PACKET = 4


def mark_to_drop(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """mark_to_drop(standard_metadata), and the old form without an argument."""
    text = "(*x->std)"
    if info.args and info.args[0].expr is not None:
        text = places.place(body, info.args[0].expr).text
    body.emit(f"{text}.egress_spec = x->pipeline->drop_port;")
    body.emit(f"{text}.mcast_grp = 0;")
    body.trace("mark_to_drop")
    return None


def truncate(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """truncate(length): at most so many bytes leave. Of several calls the least counts, as in simple_switch."""
    size = body.keep(operands.scalar(body, operands.argument(info, info.args[0].param_name, expr), BitType(32)))
    body.emit(f"if ({size.text} < x->packet->requests.truncate_to)")
    body.emit(f"    x->packet->requests.truncate_to = {size.text};")
    body.trace_values("truncate to {} bytes", ("%u", [f"(unsigned int){size.text}"]))
    return None


def clone(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """clone, clone3 and clone_preserving_field_list. The last call of a pass wins."""
    session_expr = operands.argument(info, "session", expr)
    session = body.keep(operands.scalar(body, session_expr, BitType(32)))
    fields = _field_list(body, info, expr)
    body.emit("x->packet->requests.clone = true;")
    body.emit(f"x->packet->requests.clone_session = {session.text};")
    body.emit(f"x->packet->requests.clone_fields = {fields};")
    body.trace_values("clone to session {}", ("%u", [f"(unsigned int){session.text}"]))
    return None


def again(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """resubmit and recirculate, with and without a field list."""
    which = "resubmit" if info.name.startswith("resubmit") else "recirculate"
    fields = _field_list(body, info, expr)
    body.emit(f"x->packet->requests.{which} = true;")
    body.emit(f"x->packet->requests.{which}_fields = {fields};")
    body.trace(which)
    return None


def _field_list(body: Body, info: CallInfo, expr: ast.Call) -> str:
    """The number of the field list that a call preserves, as a C expression; SS_NO_FIELDS without one."""
    if operands.has_argument(info, "index"):
        return operands.scalar(body, operands.argument(info, "index", expr), BitType(8)).text
    if operands.has_argument(info, "data"):
        return str(fieldlists.legacy(body, operands.argument(info, "data", expr)))
    return "SS_NO_FIELDS"


def digest(body: Body, expr: ast.Call, info: CallInfo) -> Val | None:
    """digest(receiver, data): the values of now, as words: those of the data's leaves as P4Data has them."""
    data = operands.argument(info, "data", expr)
    type_ = body.env.type(info.type_args[0]) if info.type_args else expressions.final_type(body, data)
    plain = strip(type_)
    leaves = list(_digest_leaves(body, data, type_))
    if any(isinstance(strip(leaf.type), VarbitType) for leaf in leaves):
        raise refuse(expr.span, "a digest cannot hold a varbit")
    fields: list[tuple[str, int]] = []
    texts: list[str] = []
    for i, leaf in enumerate(leaves):
        width = scalar_width(leaf.type) or 1
        fields.append((leaf.name or f"f{i}", width))
        texts += scalars.words_of(leaf.text, width)
    if len(texts) > DIGEST_WORDS:
        raise refuse(expr.span, f"a digest holds at most {DIGEST_WORDS} fields of up to 64 bits")
    name = body.gen.elaboration.digest_names.name(info, plain)
    index = body.gen.digest(name, tuple(fields))
    body.trace(f"digest {name}")
    with body.braces(f"if (x->packet->requests.digest_count < {DIGESTS_PER_PACKET})"):
        requests = "x->packet->requests"
        message = body.temp("ss_digest_message *", f"&{requests}.digests[{requests}.digest_count++]", "message")
        body.emit(f"{message}->digest = {index};")
        body.emit(f"{message}->words = {len(texts)};")
        for i, text in enumerate(texts):
            body.emit(f"{message}->data[{i}] = {text};")
    return None


def _digest_leaves(body: Body, data: ast.Expr, type_: Type) -> Iterator[Leaf]:
    if places.is_place(body, data):
        where = places.place(body, data)
        if where.slice is None and where.window is None:
            return body.gen.layout.data_leaves(where.text, where.type)
    value = expressions.addressable(body, body.keep(expressions.rvalue(body, data, type_)))
    return body.gen.layout.data_leaves(value.text, value.type)
