"""Uses of the whole metadata or headers struct, to which State4 adds a field.

Where such a struct is data (of `resubmit`, `recirculate`, `clone3`, a hash, a checksum), the user's own fields are
listed one by one in its place, so that the added ones are not among them. Where it gets a value as a whole, the added
field keeps its own (`state4.instrumentation.whole_values`). What would change otherwise is refused: a message or a
register cell of that type, a comparison, an `out` argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error
from p4front.types.types import ListType, StackType, StructType, TupleType, Type, strip
from state4.instrumentation.edits import Edits, code_position, editable
from state4.instrumentation.whole_values import WholeValue, given_value

_AGAIN = ("clone3", "resubmit", "recirculate")
"""Externs that preserve the fields of their data."""

_DATA = ("hash", "verify_checksum", "update_checksum", "log_msg")
"""Beginnings of externs whose data has any type, and means the same field by field."""


@dataclass(frozen=True)
class WholeUse:
    """The whole metadata as data of a call that takes its fields as well. `joins`: it stands in a list, and
    its fields become part of that."""

    expr: ast.Expr
    call: ast.Call
    type: StructType
    joins: bool


def whole_structs(
    program: Program, roots: Mapping[str, ast.ParserDecl | ast.ControlDecl]
) -> tuple[list[Diagnostic], list[WholeUse], list[WholeValue]]:
    """What is refused, with places; what is to be listed by its fields; where the added field needs a value."""
    metadata = program.declared.get(roots["ingress"].params[1])
    headers = program.declared.get(roots["deparser"].params[1])
    refused: list[Diagnostic] = []
    listed: list[WholeUse] = []
    values: list[WholeValue] = []
    for expr, type_ in program.types.items():
        for owner, what in ((metadata, "the user metadata"), (headers, "the headers")):
            if not isinstance(owner, StructType) or not _holds(type_, owner):
                continue
            reason, use = _judge(program, expr, type_, owner, what, is_metadata=owner is metadata)
            if reason:
                notes = (("the field is added here", owner.decl.span),) if owner.decl is not None else ()
                refused.append(Diagnostic(reason, expr.span, notes=notes))
            elif isinstance(use, WholeUse):
                listed.append(use)
            elif use is not None:
                values.append(use)
    return refused, listed, values


def list_fields(uses: list[WholeUse], edits: Edits) -> set[ast.Call]:
    """Puts the fields of each in its place; returns the calls. Raises P4Error if that is inside a macro's call."""
    calls: dict[ast.Call, None] = {}
    for use in uses:
        text = editable(use.expr.span).text
        if "/*" in text or "//" in text:
            message = "State4 lists the fields of this here; write it without a comment inside"
            raise P4Error(Diagnostic(message, use.expr.span))
        fields = ", ".join(f"{text}.{f.name}" for f in use.type.fields)
        edits.before(use.expr.span, f"{fields} /* " if use.joins and fields else f"{{ {fields} }} /* ")
        edits.after(use.expr.span, " */")
        calls[use.call] = None
    for call in calls:  # explicit type arguments name the struct
        without_type_arguments(call, edits)
    return set(calls)


def without_type_arguments(call: ast.Call, edits: Edits) -> None:
    """Makes a comment of explicit type arguments, so that they are inferred."""
    if call.type_args:
        file = editable(call.callee.span).file
        edits.insert(file, code_position(file, call.callee.span.end, "<"), "/* ")
        edits.insert(file, code_position(file, call.type_args[-1].span.end, ">") + 1, " */")


def _same(type_: Type, other: StructType) -> bool:
    return isinstance(type_, StructType) and type_.decl is not None and type_.decl is other.decl


def _holds(type_: Type, owner: StructType) -> bool:
    """Whether values of a type have the struct in them."""
    plain = strip(type_)
    if isinstance(plain, StructType):
        return _same(plain, owner) or any(_holds(field.type, owner) for field in plain.fields)
    if isinstance(plain, StackType):
        return _holds(plain.element, owner)
    return isinstance(plain, (TupleType, ListType)) and any(_holds(item, owner) for item in _items(plain))


def _items(type_: TupleType | ListType) -> Iterator[Type]:
    yield from type_.items if isinstance(type_, TupleType) else (type_.element,)


def _judge(
    program: Program, expr: ast.Expr, type_: Type, owner: StructType, what: str, *, is_metadata: bool
) -> tuple[str, WholeUse | WholeValue | None]:
    """Why a use is refused ("" if it is not), or what is added to it."""
    if isinstance(expr, (ast.ListExpr, ast.StructExpr)):
        if _same(strip(type_), owner):
            value = given_value(program, expr, owner, local=_is_local)
            if is_metadata or value.kept:
                return "", value
            give = "so all its fields cannot be given a value here; assign them one by one"
            return f"State4 adds a field to {what}, {give}", None
        if not _holds_by_name(type_, owner):
            return "", None  # what is in the list is looked at by itself
    top, parent = _consumer(program, expr)
    if isinstance(parent, ast.Argument):
        return _argument(program, expr, type_, owner, what, top, parent, is_metadata)
    if not is_metadata:
        return "", None
    if isinstance(parent, ast.Assignment) and parent.target is top and _same(type_, owner):
        return "", given_value(program, parent, owner, local=_is_local)
    if isinstance(parent, ast.Binary):
        return f"State4 adds a field to {what}, which would become part of this comparison", None
    return "", None


def _holds_by_name(type_: Type, owner: StructType) -> bool:
    """Whether a struct that the program declares holds the owner: then the type changes with it."""
    plain = strip(type_)
    return isinstance(plain, StructType) and plain.decl is not None and _holds(plain, owner)


def _consumer(program: Program, expr: ast.Expr) -> tuple[ast.Node, ast.Node | None]:
    """The outermost list, cast or choice that hands the value on, and what uses that."""
    top: ast.Node = expr
    while True:
        parent = program.parents.get(top)
        inside = isinstance(parent, (ast.ListExpr, ast.StructExpr, ast.KeyValue, ast.Cast))
        if inside or (isinstance(parent, ast.Ternary) and parent.cond is not top):
            assert parent is not None
            top = parent
        else:
            return top, parent


def _argument(
    program: Program,
    expr: ast.Expr,
    type_: Type,
    owner: StructType,
    what: str,
    top: ast.Node,
    argument: ast.Argument,
    is_metadata: bool,
) -> tuple[str, WholeUse | None]:
    node = program.parents.get(argument)
    call = program.calls.get(node) if node is not None else None
    if call is None:
        return "", None
    if call.kind in ("extern_function", "method"):
        return _extern(program, expr, type_, owner, what, top, node, call, is_metadata)
    overwritten = any(a.expr is expr and a.direction == "out" for a in call.args)
    if is_metadata and overwritten and _same(type_, owner) and not _is_local(program, expr):
        return "this overwrites the user metadata as a whole, and with it State4's notes", None
    return "", None


def _extern(
    program: Program,
    expr: ast.Expr,
    type_: Type,
    owner: StructType,
    what: str,
    top: ast.Node,
    node: ast.Node | None,
    call: CallInfo,
    is_metadata: bool,
) -> tuple[str, WholeUse | None]:
    if call.name.startswith("emit") or call.name.endswith(".emit"):
        return "", None
    again, data = call.name in _AGAIN, call.name.startswith(_DATA)
    if not is_metadata and (again or data):
        return "", None  # the added header is invalid there, and no part of such data
    named = isinstance(node, ast.Call) and bool(node.type_args)
    plain = isinstance(expr, (ast.PathExpr, ast.Member)) and _same(strip(type_), owner)
    between = _between(program, expr, top)
    if isinstance(node, ast.Call) and plain and between and (again or (data and not named)):
        return "", WholeUse(expr, node, owner, joins=top is not expr)
    return f"State4 adds a field to {what}, which would become part of what {call.name} gets here", None


def _between(program: Program, expr: ast.Expr, top: ast.Node) -> bool:
    """Whether only lists stand between an expression and an argument."""
    step: ast.Node = expr
    while step is not top:
        step = program.parents[step]
        if not isinstance(step, ast.ListExpr):
            return False
    return True


def _is_local(program: Program, expr: ast.Expr) -> bool:
    """Whether an expression is (part of) a variable of the program, a copy of what State4 adds to."""
    while isinstance(expr, (ast.Member, ast.Index)):
        expr = expr.base
    return isinstance(program.referent(expr), ast.VariableDecl)
