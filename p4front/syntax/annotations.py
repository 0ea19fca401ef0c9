"""Values that annotations hold: literals and simple arithmetic on them (P4_16 20)."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.syntax import ast


def literal(expr: ast.Expr) -> int | bool | str | None:
    """Value of the literals and the simple arithmetic that annotations hold; None for anything else."""
    if isinstance(expr, (ast.IntLiteral, ast.BoolLiteral, ast.StringLiteral)):
        return expr.value
    if isinstance(expr, ast.Unary):
        inner = literal(expr.operand)
        if expr.op == "-" and isinstance(inner, int):
            return -inner
        if expr.op == "!" and isinstance(inner, bool):
            return not inner
    if isinstance(expr, ast.Binary):
        left, right = literal(expr.left), literal(expr.right)
        if expr.op in ("==", "!=") and left is not None and right is not None:
            return (left == right) is (expr.op == "==")
        if isinstance(left, int) and isinstance(right, int):
            operators = {"+": left + right, "-": left - right, "*": left * right}
            return operators.get(expr.op)
        if isinstance(left, str) and isinstance(right, str) and expr.op == "++":
            return left + right
    return None


def text_argument(annotations: Sequence[ast.Annotation], name: str) -> str | None:
    """The string of `@name("...")`, None without one."""
    value = _argument(annotations, name)
    return value if isinstance(value, str) else None


def number_argument(annotations: Sequence[ast.Annotation], name: str) -> int | None:
    """The number of `@name(n)`, None without one."""
    value = _argument(annotations, name)
    return value if isinstance(value, int) else None


def _argument(annotations: Sequence[ast.Annotation], name: str) -> int | bool | str | None:
    annotation = next((a for a in annotations if a.name == name), None)
    return literal(annotation.exprs[0]) if annotation is not None and annotation.exprs else None


def has(annotations: Sequence[ast.Annotation], name: str) -> bool:
    """Whether there is an annotation of that name."""
    return any(a.name == name for a in annotations)
