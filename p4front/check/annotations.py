"""Annotations: structured ones, the arguments of the standard ones, and clashes of control-plane names (20)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from p4front.check.context import Context
from p4front.syntax import ast
from p4front.types.rules import kind_of
from p4front.types.types import BOOL, INTEGER, MATCH_KIND, STRING, WRONG, BitType, IntType, Type

_TRANSLATION = re.compile(r'\s*"[^"]*"\s*,\s*(string|\d\w*|bit\s*<\s*\d\w*\s*>)\s*', re.ASCII)
Named = ast.ActionDecl | ast.TableDecl


class AnnotationChecker:
    """Checks annotations once the whole program is declared."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx

    def check(self, nodes: Iterable[ast.Node]) -> None:
        """All annotations of the program's nodes."""
        absolute: dict[tuple[str, str], Named] = {}
        for node in nodes:
            annotations: list[ast.Annotation] = getattr(node, "annotations", [])
            if annotations:
                self._on_node(annotations)
            if isinstance(node, (ast.ActionDecl, ast.TableDecl)):
                self._control_name(node, absolute)

    def _on_node(self, annotations: list[ast.Annotation]) -> None:
        cx = self.cx
        structured: dict[str, ast.Annotation] = {}
        for annotation in annotations:
            name = annotation.name
            first = structured.get(name)
            if first is not None and (annotation.structured or first.structured):
                cx.error(f"@{name} stands twice, and one is structured", annotation.span, ("the first", first.span))
            structured.setdefault(name, annotation)
            if annotation.structured:
                self._structured(annotation)
            elif name == "match":
                self._match(annotation)
            elif name in ("name", "deprecated") and annotation.raw.strip():
                self._string(annotation)
            elif name == "p4runtime_translation":
                self._translation(annotation)
            elif name in ("pkginfo", "platform_property") and not annotation.raw.strip():
                cx.error(f"@{name} takes name = value pairs", annotation.span)

    def _structured(self, annotation: ast.Annotation) -> None:
        """`@a[1, "x"]` and `@a[k = 1]`: values known at compile time, of type int, string or bool."""
        keys: set[str] = set()
        for pair in annotation.pairs:
            if pair.key.text in keys:
                self.cx.error(f'the key "{pair.key}" of @{annotation.name} is given twice', pair.key.span)
            keys.add(pair.key.text)
        for expr in [*annotation.exprs, *(pair.value for pair in annotation.pairs)]:
            type_ = self.cx.expressions.infer(expr)
            if type_ is not WRONG and not _plain(type_):
                self.cx.error(f"a structured annotation holds int, string or bool, not {kind_of(type_)}", expr.span)
            elif type_ is not WRONG and not self.cx.is_known(expr):
                self.cx.error("a structured annotation holds values known at compile time", expr.span)

    def _match(self, annotation: ast.Annotation) -> None:
        """`@match(kind)` on a field of a value set."""
        for expr in annotation.exprs:
            type_ = self.cx.expressions.infer(expr)
            if type_ is not WRONG and type_ != MATCH_KIND:
                self.cx.error(f"@match takes a match kind, not {kind_of(type_)}", expr.span)

    def _translation(self, annotation: ast.Annotation) -> None:
        """`@p4runtime_translation("uri", type)`: what a controller sends is a string or a bit<W>, W written out."""
        if not _TRANSLATION.fullmatch(annotation.raw):
            message = "@p4runtime_translation takes a string and one of bit<W>, W and string, with W a number"
            self.cx.error(message, annotation.span)

    def _string(self, annotation: ast.Annotation) -> None:
        if len(annotation.exprs) != 1:
            return
        expr = annotation.exprs[0]
        if isinstance(expr, ast.PathExpr):
            return  # old programs leave the quotes out
        type_ = self.cx.expressions.infer(expr)
        if type_ is not WRONG and type_ != STRING:
            self.cx.error(f"@{annotation.name} takes a string, not {kind_of(type_)}", expr.span)

    def _control_name(self, node: Named, absolute: dict[tuple[str, str], Named]) -> None:
        """Two actions, or two tables, can't have the same control-plane name from the root on (`@name(".x")`)."""
        annotation = node.annotation("name")
        text = node.name.text
        if annotation is not None and len(annotation.exprs) == 1 and isinstance(annotation.exprs[0], ast.StringLiteral):
            text = annotation.exprs[0].value
        top_level = self.cx.program.parents.get(node) is self.cx.program.syntax
        if not top_level and not text.startswith("."):
            return
        key = (type(node).__name__, text.lstrip("."))
        first = absolute.setdefault(key, node)
        if first is not node and not (_numbered(first, key[1]) and _numbered(node, key[1])):
            self.cx.error(
                f'the control-plane name "{key[1]}" is used twice', node.name.span, ("the first use", first.name.span)
            )


def _numbered(node: Named, name: str) -> bool:
    """Whether the declaration is `name` or a numbered copy of it: P4_14 programs translated to P4_16 have an action
    once per control that uses it, and the control plane sees one."""
    return re.fullmatch(rf"{re.escape(name)}(_\d+)?", node.name.text) is not None


def _plain(type_: Type) -> bool:
    return type_ in (BOOL, INTEGER, STRING) or isinstance(type_, (BitType, IntType))
