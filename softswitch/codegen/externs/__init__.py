"""The externs of core.p4 and v1model, one file per family. Each handler emits the call and gives its value, if any.

May import `expressions` and what is below it."""

from __future__ import annotations

from collections.abc import Callable

from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo
from p4front.syntax import ast
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import calls
from softswitch.codegen.externs import checksums, hashing, logging, metering, packet, registers, replication
from softswitch.codegen.functions.function_body import FunctionBody, Value

Function = Callable[[FunctionBody, ast.Call, CallInfo], "Value | None"]
Method = Callable[[FunctionBody, ast.Call, CallInfo, ExternObject], "Value | None"]

_FUNCTIONS: dict[str, Function] = {
    "verify": packet.verify,
    "static_assert": logging.nothing,
    "mark_to_drop": replication.mark_to_drop,
    "truncate": replication.truncate,
    "clone": replication.clone,
    "clone3": replication.clone,
    "clone_preserving_field_list": replication.clone,
    "resubmit": replication.again,
    "resubmit_preserving_field_list": replication.again,
    "recirculate": replication.again,
    "recirculate_preserving_field_list": replication.again,
    "digest": replication.digest,
    "hash": hashing.hash_,
    "random": hashing.random,
    "verify_checksum": checksums.verify,
    "verify_checksum_with_payload": checksums.verify,
    "update_checksum": checksums.update,
    "update_checksum_with_payload": checksums.update,
    "assert": logging.check,
    "assume": logging.check,
    "log_msg": logging.log_msg,
}

REQUESTS = frozenset(
    name for name, handler in _FUNCTIONS.items() if handler.__module__ == replication.__name__ and name != "truncate"
)
"""Externs that ask something of the switch, which looks at the requests at fixed points of a packet's way."""

_METHODS: dict[tuple[str, str], Method] = {
    ("packet_in", "extract"): packet.extract,
    ("packet_in", "lookahead"): packet.lookahead,
    ("packet_in", "advance"): packet.advance,
    ("packet_in", "length"): packet.length,
    ("packet_out", "emit"): packet.emit,
    ("register", "read"): registers.read,
    ("register", "write"): registers.write,
    ("counter", "count"): metering.count,
    ("meter", "execute_meter"): metering.execute,
    ("direct_counter", "count"): metering.direct_count,
    ("direct_meter", "read"): metering.direct_read,
    ("Checksum16", "get"): checksums.get,
}


@calls.register("extern_function")
def _function(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """A call of an extern function."""
    handler = _FUNCTIONS.get(info.name)
    if handler is None:
        raise refuse(expr.span, f"extern function {info.name} is not part of v1model")
    if info.name in REQUESTS:
        body.function.requests[info.name, expr.span] = None
    return handler(body, expr, info)


@calls.register("method")
def _method(body: FunctionBody, expr: ast.Call, info: CallInfo) -> Value | None:
    """A call of a method of an extern object."""
    obj = calls.resolve_object(body, info.object, expr)
    if not isinstance(obj, ExternObject):
        raise refuse(expr.span, "the object of this method is not known at compile time")
    handler = _METHODS.get((obj.kind, info.name.rsplit(".", 1)[-1]))
    if handler is None:
        raise refuse(expr.span, f"method {info.name} of extern {obj.kind} is not part of v1model")
    return handler(body, expr, info, obj)
