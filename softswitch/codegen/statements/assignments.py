"""Assignments (11.1)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import header_lengths, lvalues, operators, rvalues
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.statements import blocks
from softswitch.codegen.values import scalars
from softswitch.codegen.values.layout import is_signed, scalar_width


@blocks.register(ast.Assignment)
def assignment(body: FunctionBody, statement: ast.Assignment) -> None:
    """`target = value` and `target op= value`; the target's indices are evaluated first (8.1, 11.1)."""
    where = lvalues.lvalue(body, statement.target)
    type_ = lvalues.stored_type(where)
    if statement.op == "=":
        value = rvalues.rvalue(body, statement.value, type_)
        header_lengths.assigned(body, statement.value, type_, where.c)
        lvalues.store(body, where, value)
        return
    op = statement.op[:-1]
    width = scalar_width(type_)
    if width is None:
        raise refuse(statement.span, f"{statement.op} on a value of type {type_} is not supported")
    if op in ("<<", ">>"):
        known = evaluate(body.env, statement.value)
        by = int(known) if isinstance(known, int) else rvalues.rvalue(body, statement.value)
        result = operators.shifted(op, lvalues.load(body, where), by, statement)
    else:
        value = rvalues.rvalue(body, statement.value, type_)
        result = scalars.arithmetic(op, lvalues.load(body, where).c, value.c, width, is_signed(type_))
    lvalues.store(body, where, Value(result, type_))
