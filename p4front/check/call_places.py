"""Where a call may stand, and what core.p4's own functions ask of their arguments (12.10, 13.4, 14, appendix D)."""

from __future__ import annotations

from p4front.check.arguments import Mismatch
from p4front.check.context import Context
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.rules import contains_varbit, is_header, is_union, kind_of
from p4front.types.types import ObjectType, StackType, StructType, TupleType, Type, TypeVar, VarbitType


def place_problem(cx: Context, info: CallInfo) -> str | None:
    """Why this call can't be made in the current frame; None if it can."""
    frame = cx.frame.kind
    if info.kind == "action":
        if frame in ("state", "parser") or cx.frame.in_parser:
            return f'the action "{info.name}" can\'t be called in a parser'
        if frame in ("function", "method"):
            return f'a function can\'t call the action "{info.name}"'
        if frame not in ("action", "apply"):
            return f'the action "{info.name}" can\'t be called here'
    elif info.kind in ("table_apply", "control_apply"):
        what = "a table" if info.kind == "table_apply" else "a control"
        if frame != "apply" and (frame, info.kind) != ("key", "table_apply"):
            place = {"action": "an action", "function": "a function", "state": "a parser", "key": "a table"}
            here = place.get(frame, "a declaration")
            return f"{what} can only be applied in the apply block of a control, not in {here}"
    elif info.kind == "parser_apply":
        if frame != "state":
            return "a parser can only be applied in a state of a parser"
    elif (info.kind, info.name, len(info.args)) == ("extern_function", "verify", 2) and not cx.frame.in_parser:
        return "`verify` can only be called in a parser"
    return None


def core_call_problem(cx: Context, info: CallInfo) -> Mismatch | None:
    """What is wrong with the arguments of packet_in, packet_out and static_assert beyond their types."""
    if info.kind == "extern_function" and info.name == "static_assert":
        return _static_assert(cx, info)
    if info.kind != "method" or info.object is None:
        return None
    base = cx.type_of(info.object)
    if not isinstance(base, ObjectType):
        return None
    if base.name == "packet_in":
        if info.name == "extract":
            return _extract(cx, info)
        if info.name == "lookahead" and info.type_args:
            return _lookahead(info.type_args[0])
    if base.name == "packet_out" and info.name == "emit" and info.args:
        return _emit(info)
    return None


def _static_assert(cx: Context, info: CallInfo) -> Mismatch | None:
    condition = info.args[0].expr
    value = cx.constant(condition) if condition is not None else None
    if value is True or condition is None:
        return None
    if value is None:
        return Mismatch("the condition of static_assert must be known at compile time", condition.span)
    text = cx.constant(info.args[1].expr) if len(info.args) > 1 and info.args[1].expr is not None else None
    return Mismatch(f"static_assert failed{f': {text}' if text else ''}", condition.span)


def _extract(cx: Context, info: CallInfo) -> Mismatch | None:
    arg = info.args[0]
    span = arg.expr.span if arg.expr is not None else None
    type_ = arg.type if arg.expr is None or isinstance(arg.expr, ast.DontCare) else cx.type_of(arg.expr)
    if isinstance(arg.expr, ast.DontCare) or isinstance(type_, TypeVar):
        return None
    if not is_header(type_) or not isinstance(type_, StructType):
        return Mismatch(f"`extract` takes a header, not {kind_of(type_)}", span)
    varbits = sum(isinstance(f.type, VarbitType) for f in type_.fields)
    if len(info.args) == 1 and varbits:
        return Mismatch(f"{kind_of(type_)} has a varbit field: give its size in bits as the second argument", span)
    if len(info.args) == 2 and varbits != 1:
        return Mismatch(f"{kind_of(type_)} needs one varbit field to be extracted with a size", span)
    return None


def _lookahead(type_: Type) -> Mismatch | None:
    if contains_varbit(type_):
        return Mismatch(f"`lookahead` needs a type of fixed width, and {kind_of(type_)} has a varbit")
    if isinstance(type_, StructType) and type_.kind == "header_union":
        return Mismatch("`lookahead` can't give a header union")
    return None


def _emit(info: CallInfo) -> Mismatch | None:
    arg = info.args[0]
    if arg.expr is None or _emittable(arg.type):
        return None
    return Mismatch(
        f"`emit` takes headers, stacks, unions and structs of these, not {kind_of(arg.type)}", arg.expr.span
    )


def _emittable(type_: Type) -> bool:
    if isinstance(type_, StackType):
        return True
    if isinstance(type_, TypeVar) or is_header(type_) or is_union(type_):
        return True
    if isinstance(type_, StructType):
        return all(_emittable(f.type) for f in type_.fields)
    return isinstance(type_, TupleType) and all(map(_emittable, type_.items))
