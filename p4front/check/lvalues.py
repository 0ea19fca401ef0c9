"""What may be written to: the target of an assignment, an `out` or `inout` argument (6.6)."""

from __future__ import annotations

from p4front.check.context import Context
from p4front.syntax import ast
from p4front.types.types import StackType


def lvalue_problem(cx: Context, expr: ast.Expr) -> str | None:
    """Why the (already typed) expression can't be written; None if it can."""
    if isinstance(expr, ast.PathExpr):
        decl = cx.program.refs.get(expr)
        if isinstance(decl, ast.VariableDecl):
            return None
        if isinstance(decl, ast.Parameter):
            if decl.direction in ("out", "inout"):
                return None
            how = "an `in` parameter" if decl.direction == "in" else "a parameter without a direction"
            return f'"{decl.name}" is {how}, which can\'t be written'
        if isinstance(decl, ast.ConstantDecl):
            return f'"{decl.name}" is a constant'
        return "it is not a variable"
    if isinstance(expr, ast.Member):
        base = cx.type_of(expr.base)
        if isinstance(base, StackType) and expr.member.text in ("size", "lastIndex"):
            return f"`{expr.member.text}` of a stack can only be read"
        return lvalue_problem(cx, expr.base)
    if isinstance(expr, ast.Index):
        return lvalue_problem(cx, expr.base)
    if isinstance(expr, (ast.Slice, ast.PlusSlice)):
        return lvalue_problem(cx, expr.base)
    return "it is not a variable, a field, a slice or an element of one"
