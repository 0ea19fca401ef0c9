"""Annotations and documentation of P4Info messages (P4Runtime specification 6.1.4 and 6.1.5)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

from finsy.proto import p4i, p4t

from p4front.syntax import ast
from p4front.syntax.annotations import literal, text_argument

Documented: TypeAlias = p4i.Preamble | p4i.Action.Param | p4i.MatchField | p4i.PkgInfo
Annotated: TypeAlias = Documented | p4i.ActionRef | p4i.ControllerPacketMetadata.Metadata | p4t.P4NewTypeSpec
"""Messages with the fields for documentation, and those for annotations."""

_NOT_COPIED = frozenset({"name", "id", "brief", "description"})
_PARSED = frozenset({"noWarn", "deprecated", "length", "synchronous", "field_list", "match", "command_line", "pkginfo"})
_PARSED |= {"controller_header", "max_group_size", "selector_size_semantics", "max_member_weight"}


def add_annotations(
    message: Annotated, annotations: Sequence[ast.Annotation], *, without: Collection[str] = ()
) -> None:
    """Copies annotations to `annotations` and `structured_annotations` ; those
    that P4Info expresses by other fields, and `without`, are left out."""
    for annotation in annotations:
        if annotation.structured:
            _add_structured(message.structured_annotations.add(), annotation)
        elif annotation.name not in _NOT_COPIED and annotation.name not in without:
            message.annotations.append(annotation_text(annotation))


def annotation_text(annotation: ast.Annotation) -> str:
    """`@name`, `@name(body)`: known annotations with their expressions, others token by token."""
    if annotation.name in _PARSED and (annotation.exprs or annotation.pairs):
        body = ", ".join([_expr_text(e) for e in annotation.exprs])
        body += ", ".join(f"{p.key.text}={_expr_text(p.value)}" for p in annotation.pairs)
    else:
        body = " ".join(annotation.tokens)
    return f"@{annotation.name}({body})" if body else f"@{annotation.name}"


def _expr_text(expr: ast.Expr) -> str:
    if isinstance(expr, ast.StringLiteral):
        return f'"{expr.value}"'
    return expr.span.text


def _add_structured(message: p4t.StructuredAnnotation, annotation: ast.Annotation) -> None:
    message.name = annotation.name
    for expr in annotation.exprs:
        _set_expression(message.expression_list.expressions.add(), expr)
    for pair in annotation.pairs:
        item = message.kv_pair_list.kv_pairs.add()
        item.key = pair.key.text
        _set_expression(item.value, pair.value)


def _set_expression(message: p4t.Expression, expr: ast.Expr) -> None:
    value = literal(expr)
    if isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int):
        message.int64_value = value
    elif isinstance(value, str):
        message.string_value = value


def add_documentation(message: Documented, annotations: Sequence[ast.Annotation]) -> None:
    """`@brief` and `@description`, as the message's `doc`."""
    brief, description = text_argument(annotations, "brief"), text_argument(annotations, "description")
    if brief is not None:
        message.doc.brief = brief
    if description is not None:
        message.doc.description = description


def set_preamble(
    message: p4i.Preamble,
    number: int,
    name: str,
    alias: str,
    annotations: Sequence[ast.Annotation],
    *,
    without: Collection[str] = (),
) -> None:
    message.id = number
    message.name = name
    message.alias = alias
    add_annotations(message, annotations, without=without)
    add_documentation(message, annotations)
