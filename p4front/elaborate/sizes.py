"""Sizes: numbers that must be known once the instance is made."""

from __future__ import annotations

from p4front.elaborate.evaluate import require_int
from p4front.elaborate.scope import Scope
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error


def array_size(scope: Scope, expr: ast.Expr, what: str) -> int:
    """A number of cells, entries or members. Raises P4Error, with the place, if it is not known at compile time or is
    negative; `what` names it in the message."""
    size = require_int(scope, expr, what)
    if size < 0:
        raise P4Error(Diagnostic(f"{what} must not be negative, as {size} is", expr.span))
    return size
