"""Names of table keys (P4Runtime specification 6.4.2; the names follow p4c)."""

from __future__ import annotations

from p4front.elaborate.names import annotated_name
from p4front.program import Program
from p4front.syntax import ast
from p4front.types.types import StructType


def key_name(key: ast.KeyElement, program: Program) -> str:
    """`@name`, else the expression as text: "hdr.ipv4.dst_addr", "hdr.vlan[0].id[7:4]", "hdr.ipv4.$valid$"."""
    given = annotated_name(key.annotations)
    return given if given is not None else _expr_name(key.expr, program)


def _expr_name(expr: ast.Expr, program: Program) -> str:
    if isinstance(expr, ast.PathExpr):
        return expr.name.text
    if isinstance(expr, ast.IntLiteral):
        return _number(expr)
    if isinstance(expr, ast.Member):
        field = _member_name(expr, program)
        return field[1:] if field.startswith(".") else f"{_expr_name(expr.base, program)}.{field}"
    if isinstance(expr, ast.Index):
        return f"{_expr_name(expr.base, program)}[{_expr_name(expr.index, program)}]"
    if isinstance(expr, ast.Slice):
        hi, lo = (_constant_name(e, program) for e in (expr.hi, expr.lo))
        return f"{_expr_name(expr.base, program)}[{hi}:{lo}]"
    if isinstance(expr, ast.Binary) and expr.op == "&":
        return f"{_expr_name(expr.left, program)} & {_expr_name(expr.right, program)}"
    if isinstance(expr, ast.Call) and not expr.args:
        return _expr_name(expr.callee, program)
    return " ".join(expr.span.text.split())


def _constant_name(expr: ast.Expr, program: Program) -> str:
    value = program.constants.get(expr)
    if isinstance(value, int) and not isinstance(expr, ast.IntLiteral):
        return str(int(value))
    return _expr_name(expr, program)


def _member_name(expr: ast.Member, program: Program) -> str:
    base = program.types.get(expr.base)
    if isinstance(base, StructType):
        if expr.member.text == "isValid" and base.kind != "struct":
            return "$valid$"
        field = base.field(expr.member.text)
        if field is not None and field.decl is not None:
            return annotated_name(field.decl.annotations) or field.name
    return expr.member.text


def _number(expr: ast.IntLiteral) -> str:
    prefix, form = {16: ("0x", "x"), 8: ("0o", "o"), 2: ("0b", "b")}.get(expr.base, ("", "d"))
    return prefix + format(expr.value, form)
