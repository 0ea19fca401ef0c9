"""Dropping, cloning, sending packets round again, truncation, digests (v1model). The runtime carries them out."""

from __future__ import annotations

from collections.abc import Iterator

from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType, Type, VarbitType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import lvalues, rvalues
from softswitch.codegen.externs import field_lists, operands
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import REQUESTS, STD
from softswitch.codegen.values.layout import Leaf, scalar_width

DIGEST_WORDS = 64
DIGESTS_PER_PACKET = 4


def mark_to_drop(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """mark_to_drop(standard_metadata), and the old form without an argument."""
    given = info.args[0].expr if info.args else None
    std = lvalues.lvalue(body, given).c if given is not None else STD
    body.emit(f"{cexpr.member(std, 'egress_spec')} = x->pipeline->drop_port;")
    body.emit(f"{cexpr.member(std, 'mcast_grp')} = 0;")
    body.trace("mark_to_drop")
    return None


def truncate(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """truncate(length): at most so many bytes leave. Of several calls the least counts, as in simple_switch."""
    size = body.keep(operands.scalar(body, operands.argument(info, info.args[0].param_name, expr), BitType(32)))
    least = cexpr.member(REQUESTS, "truncate_to")
    body.emit(f"if ({cexpr.binary('<', size.c, least)})")
    body.emit(f"    {least} = {size.c};")
    body.trace_values("truncate to {} bytes", ("%u", [cexpr.cast("unsigned int", size.c)]))
    return None


def clone(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """clone, clone3 and clone_preserving_field_list. The last call of a pass wins."""
    session_expr = operands.argument(info, "session", expr)
    session = body.keep(operands.scalar(body, session_expr, BitType(32)))
    fields = _field_list(body, info, expr)
    body.emit("x->packet->requests.clone = true;")
    body.emit(f"x->packet->requests.clone_session = {session.c};")
    body.emit(f"x->packet->requests.clone_fields = {fields};")
    body.trace_values("clone to session {}", ("%u", [cexpr.cast("unsigned int", session.c)]))
    return None


def again(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """resubmit and recirculate, with and without a field list."""
    which = "resubmit" if info.name.startswith("resubmit") else "recirculate"
    fields = _field_list(body, info, expr)
    body.emit(f"x->packet->requests.{which} = true;")
    body.emit(f"x->packet->requests.{which}_fields = {fields};")
    body.trace(which)
    return None


def _field_list(body: FunctionBody, info: CallInfo, expr: ast.Call) -> CExpr:
    """The number of the field list that a call preserves; SS_NO_FIELDS without one."""
    if operands.has_argument(info, "index"):
        return operands.scalar(body, operands.argument(info, "index", expr), BitType(8)).c
    if operands.has_argument(info, "data"):
        return cexpr.constant(str(field_lists.legacy(body, operands.argument(info, "data", expr))))
    return cexpr.constant("SS_NO_FIELDS")


def digest(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """digest(receiver, data): the values of now, as words: those of the data's leaves as P4Data has them."""
    data = operands.argument(info, "data", expr)
    type_ = body.env.type(info.type_args[0]) if info.type_args else rvalues.final_type(body, data)
    plain = strip(type_)
    leaves = list(_digest_leaves(body, data, type_))
    if any(isinstance(strip(leaf.type), VarbitType) for leaf in leaves):
        raise refuse(expr.span, "a digest cannot hold a varbit")
    fields: list[tuple[str, int]] = []
    words: list[CExpr] = []
    for i, leaf in enumerate(leaves):
        width = scalar_width(leaf.type) or 1
        fields.append((leaf.name or f"f{i}", width))
        words += scalars.words_of(leaf.c, width)
    if len(words) > DIGEST_WORDS:
        raise refuse(expr.span, f"a digest holds at most {DIGEST_WORDS} fields of up to 64 bits")
    name = body.unit.elaboration.digest_names.name(info, plain)
    index = body.unit.digest(name, tuple(fields))
    body.trace(f"digest {name}")
    with body.braces(f"if (x->packet->requests.digest_count < {DIGESTS_PER_PACKET})"):
        slot = cexpr.index(cexpr.member(REQUESTS, "digests"), cexpr.member(REQUESTS, "digest_count"))
        message = body.temp("ss_digest_message *", cexpr.address(slot), "message")
        body.emit("x->packet->requests.digest_count++;")
        body.emit(f"{cexpr.arrow(message, 'digest')} = {index};")
        body.emit(f"{cexpr.arrow(message, 'words')} = {len(words)};")
        for i, word in enumerate(words):
            body.emit(f"{cexpr.index(cexpr.arrow(message, 'data'), i)} = {word};")
    return None


def _digest_leaves(body: FunctionBody, data: ast.Expr, type_: Type) -> Iterator[Leaf]:
    if lvalues.is_lvalue(body, data):
        where = lvalues.lvalue(body, data)
        if where.slice is None and where.window is None:
            return body.unit.layout.data_leaves(where.c, where.type)
    value = rvalues.addressable(body, body.keep(rvalues.rvalue(body, data, type_)))
    return body.unit.layout.data_leaves(value.c, value.type)
