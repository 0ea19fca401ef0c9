"""Constants inside parsers, controls and blocks."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from softswitch.codegen.env import Env
from softswitch.codegen.errors import refuse


def require(env: Env, decl: ast.ConstantDecl) -> None:
    """Refuses a constant whose value is not known at compile time (10.4)."""
    if evaluate(env, decl.value) is None:
        raise refuse(decl.value.span, "the value of a constant must be known at compile time")
