"""Expressions, types and annotations as P4_16 text, with no more brackets than the grammar needs."""

from __future__ import annotations

from collections.abc import Iterable

from p4front.syntax import ast
from p4front.syntax.parser.expressions import PRECEDENCE

_TERNARY, _PREFIX, _POSTFIX = 0, 20, 21
_PREFIX_OF_BASE = {2: "0b", 8: "0o", 10: "", 16: "0x"}


def expression_text(expr: ast.Expr, lowest: int = _TERNARY) -> str:
    """The expression; in brackets if it binds less than `lowest` asks for."""
    text, level = _expression(expr)
    return f"({text})" if level < lowest else text


def _expression(expr: ast.Expr) -> tuple[str, int]:
    """Text, and how strongly its outermost operator binds."""
    if isinstance(expr, ast.Ternary):
        cond = expression_text(expr.cond, _TERNARY + 1)
        return f"{cond} ? {expression_text(expr.then)} : {expression_text(expr.otherwise)}", _TERNARY
    if isinstance(expr, ast.Binary):
        level = PRECEDENCE.get(expr.op, _TERNARY)  # `&&&` and `..` bind least of all
        left, right = expression_text(expr.left, level), expression_text(expr.right, level + 1)
        return f"{left} {expr.op} {right}", level
    if isinstance(expr, ast.Unary):
        inner = expression_text(expr.operand, _POSTFIX if isinstance(expr.operand, ast.Unary) else _PREFIX)
        return f"{expr.op}{inner}", _PREFIX
    if isinstance(expr, ast.Cast):
        return f"({type_text(expr.type)}){expression_text(expr.operand, _PREFIX)}", _PREFIX
    return _operand(expr), _POSTFIX


def _operand(expr: ast.Expr) -> str:
    if isinstance(expr, ast.IntLiteral):
        return int_text(expr)
    if isinstance(expr, ast.BoolLiteral):
        return "true" if expr.value else "false"
    if isinstance(expr, ast.StringLiteral):
        return f'"{expr.value}"'
    if isinstance(expr, ast.PathExpr):
        return ("." if expr.absolute else "") + expr.name.text
    if isinstance(expr, ast.TypeNameExpr):
        return type_text(expr.type)
    if isinstance(expr, ast.Member):
        return f"{expression_text(expr.base, _POSTFIX)}.{expr.member.text}"
    if isinstance(expr, ast.Index):
        return f"{expression_text(expr.base, _POSTFIX)}[{expression_text(expr.index)}]"
    if isinstance(expr, ast.Slice):
        return f"{expression_text(expr.base, _POSTFIX)}[{expression_text(expr.hi)}:{expression_text(expr.lo)}]"
    if isinstance(expr, ast.PlusSlice):
        return f"{expression_text(expr.base, _POSTFIX)}[{expression_text(expr.low)} +: {expression_text(expr.width)}]"
    if isinstance(expr, ast.Call):
        types = f"<{', '.join(map(type_text, expr.type_args))}>" if expr.type_args else ""
        return f"{expression_text(expr.callee, _POSTFIX)}{types}{arguments_text(expr.args)}"
    if isinstance(expr, ast.ListExpr):
        return _braces([expression_text(item) for item in expr.items], expr.has_default)
    if isinstance(expr, ast.StructExpr):
        return _braces([_key_value(field) for field in expr.fields], expr.has_default)
    if isinstance(expr, ast.KeysetTuple):
        return f"({', '.join(keyset_text(item) for item in expr.items)})"
    if isinstance(expr, ast.InvalidExpr):
        return "{#}"
    if isinstance(expr, ast.DefaultExpr):
        return "..."
    if isinstance(expr, ast.DontCare):
        return "_"
    raise TypeError(f"no text for a {type(expr).__name__}")


def int_text(literal: ast.IntLiteral) -> str:
    """`8w0xFF` and the like, in the base it was written in."""
    sign = "" if literal.width is None else f"{literal.width}{'s' if literal.signed else 'w'}"
    digits = format(literal.value, {2: "b", 8: "o", 10: "d", 16: "x"}[literal.base])
    return f"{sign}{_PREFIX_OF_BASE[literal.base]}{digits}"


def _braces(items: list[str], has_default: bool) -> str:
    every = [*items, "..."] if has_default else items
    return f"{{ {', '.join(every)} }}" if every else "{}"


def _key_value(pair: ast.KeyValue) -> str:
    return f"{pair.key.text} = {expression_text(pair.value)}"


def keyset_text(expr: ast.Expr) -> str:
    """A keyset of a select case, a table entry or a switch label, where `default` may stand."""
    return "default" if isinstance(expr, ast.DefaultExpr) else expression_text(expr)


def arguments_text(args: Iterable[ast.Argument]) -> str:
    """`(a, name = b)`"""
    parts = [(f"{a.name.text} = " if a.name else "") + expression_text(a.expr) for a in args]
    return f"({', '.join(parts)})"


def type_text(type_ref: ast.TypeRef) -> str:
    """A type as written."""
    if isinstance(type_ref, ast.BaseType):
        if type_ref.width is None:
            return "int" if type_ref.name == "integer" else type_ref.name
        return f"{type_ref.name}<{expression_text(type_ref.width, _POSTFIX)}>"
    if isinstance(type_ref, ast.NamedType):
        return ("." if type_ref.absolute else "") + type_ref.name.text
    if isinstance(type_ref, ast.SpecializedType):
        return f"{type_text(type_ref.base)}<{', '.join(map(type_text, type_ref.args))}>"
    if isinstance(type_ref, ast.StackType):
        return f"{type_text(type_ref.element)}[{expression_text(type_ref.size)}]"
    if isinstance(type_ref, ast.TupleType):
        return f"tuple<{', '.join(map(type_text, type_ref.args))}>"
    if isinstance(type_ref, ast.ListType):
        return f"list<{type_text(type_ref.element)}>"
    if isinstance(type_ref, ast.DontCareType):
        return "_"
    raise TypeError(f"no text for a {type(type_ref).__name__}")


def annotation_text(note: ast.Annotation) -> str:
    """`@name`, `@name(tokens)`, `@name[values]`; a pragma comes out as an annotation."""
    if note.structured:
        values = [expression_text(e) for e in note.exprs] + [_key_value(p) for p in note.pairs]
        return f"@{note.name}[{', '.join(values)}]"
    if not note.tokens:
        return f"@{note.name}"
    text = ""
    for token, before in zip(note.tokens, ["(", *note.tokens], strict=False):
        tight = token in (",", ")", "]", ".", ";") or before in ("(", "[", ".")
        text += token if tight else f" {token}"
    return f"@{note.name}({text})"


def annotations_text(notes: Iterable[ast.Annotation]) -> str:
    """All of them, each with a space behind it."""
    return "".join(f"{annotation_text(note)} " for note in notes)
