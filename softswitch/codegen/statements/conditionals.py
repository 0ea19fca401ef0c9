"""`if` (11.6)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from softswitch.codegen.expressions import rvalues
from softswitch.codegen.functions.function_body import FunctionBody
from softswitch.codegen.names import printf_text
from softswitch.codegen.statements.blocks import inner, register
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import X

MAX_CONDITION = 100
"""Characters of a condition that the packet's story shows."""


@register(ast.If)
def conditional(body: FunctionBody, statement: ast.If) -> None:
    known = evaluate(body.env, statement.cond)
    if isinstance(known, bool):
        chosen = statement.then if known else statement.otherwise
        if chosen is not None:
            with body.braces():
                inner(body, chosen)
        return
    _branches(body, statement, f"if ({_decided(body, statement)})")


def _decided(body: FunctionBody, statement: ast.If) -> CExpr:
    """The condition in C, which logs its result when packets are traced."""
    condition = rvalues.rvalue(body, statement.cond).c
    words = " ".join(statement.cond.span.text.split())
    if len(words) > MAX_CONDITION:
        words = words[:MAX_CONDITION] + "..."
    return cexpr.macro("SS_DECIDE", X, condition, cexpr.constant(f'"if ({printf_text(words)})"'))


def _branches(body: FunctionBody, statement: ast.If, head: str) -> None:
    with body.braces(head):
        inner(body, statement.then)
    otherwise = statement.otherwise
    if otherwise is None:
        return
    known = evaluate(body.env, otherwise.cond) if isinstance(otherwise, ast.If) else True
    if not isinstance(otherwise, ast.If) or isinstance(known, bool):
        with body.braces("else"):
            inner(body, otherwise)
        return
    # `else if` in C, too, unless the condition needs statements of its own.
    start = len(body.lines)
    body.depth += 1
    condition = _decided(body, otherwise)
    body.depth -= 1
    if len(body.lines) == start:
        _branches(body, otherwise, f"else if ({condition})")
        return
    body.lines.insert(start, "    " * body.depth + "else {")
    body.depth += 1
    _branches(body, otherwise, f"if ({condition})")
    body.depth -= 1
    body.emit("}")
