"""Values for the whole metadata or headers struct, to which State4 adds a field.

A list that has a value for each of the user's fields gets one more: the added field's own where it is assigned to, so
that the updates noted so far stay, and none otherwise. An assignment from elsewhere (a copy, a function's result) goes
by way of a variable, which takes over the added field before it is assigned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error
from p4front.types.types import StructType
from state4.instrumentation.edits import Edits, editable

_LISTS = (ast.ListExpr, ast.StructExpr)


@dataclass(frozen=True)
class WholeValue:
    """A list of all fields, or an assignment of something else. `kept`: the variable whose added field is to stay, None
    if there is none."""

    node: ast.ListExpr | ast.StructExpr | ast.Assignment
    type: StructType
    kept: ast.Expr | None


def given_value(
    program: Program,
    node: ast.ListExpr | ast.StructExpr | ast.Assignment,
    type_: StructType,
    *,
    local: Callable[[Program, ast.Expr], bool],
) -> WholeValue:
    """`local`: whether an expression is a variable of the program's own, whose added field nobody reads."""
    if isinstance(node, ast.Assignment):
        overwritten = not local(program, node.target) and not _is_complete(node.value)
        return WholeValue(node, type_, node.target if overwritten else None)
    top: ast.Node = node
    while isinstance(program.parents.get(top), ast.Cast):
        top = program.parents[top]
    parent = program.parents.get(top)
    if isinstance(parent, ast.Assignment) and parent.value is top and _is_complete(node):
        return WholeValue(node, type_, parent.target if not local(program, parent.target) else None)
    return WholeValue(node, type_, None)


def _is_complete(value: ast.Expr) -> bool:
    """Whether it is a list that gives every field its value."""
    while isinstance(value, ast.Cast):
        value = value.operand
    return isinstance(value, _LISTS) and not value.has_default


def complete(program: Program, values: Sequence[WholeValue], edits: Edits, prefix: str, nothing: str) -> None:
    """Gives the added field its value in each. `nothing`: one without updates. Raises P4Error, with the place, where a
    statement cannot be put into a block."""
    for value in values:
        if isinstance(value.node, ast.Assignment):
            if value.kept is not None:
                _by_way_of_a_variable(program, value.node, value.type, edits, prefix)
            continue
        kept = f"{editable(value.kept.span).text}.{prefix}" if value.kept is not None else nothing
        _append(value.node, kept, edits, prefix)


def _append(node: ast.ListExpr | ast.StructExpr, text: str, edits: Edits, prefix: str) -> None:
    if node.has_default:
        return  # `...` gives the added field its value
    span = editable(node.span)
    parts: Sequence[ast.Node] = node.items if isinstance(node, ast.ListExpr) else node.fields
    if isinstance(node, ast.StructExpr):
        text = f"{prefix} = {text}"
    if parts:
        edits.insert(span.file, parts[-1].span.end, f", {text}")
    else:
        edits.insert(span.file, span.end - 1, f" {text} ")


def _by_way_of_a_variable(
    program: Program, statement: ast.Assignment, type_: StructType, edits: Edits, prefix: str
) -> None:
    around = program.parents[statement]
    target = editable(statement.target.span).text
    if isinstance(around, ast.For) and statement is not around.body:
        message = "this overwrites the user metadata as a whole, and with it State4's notes; move it out of the `for`"
        raise P4Error(Diagnostic(message, statement.span))
    if "/*" in target or "//" in target:
        message = "State4 puts a variable into the place of this; write it without a comment inside"
        raise P4Error(Diagnostic(message, statement.target.span))
    new = f"{prefix}_new"
    edits.insert(statement.span.file, statement.span.start, f"{{ {type_.name} {new}; {new} /* ")
    edits.after(statement.target.span, " */")
    edits.insert(statement.span.file, statement.span.end, f" {new}.{prefix} = {target}.{prefix}; {target} = {new}; }}")
