"""Shared by the tests of the grammar: texts in, nodes or messages out."""

from __future__ import annotations

from typing import TypeVar

import pytest

from p4front.syntax import ast
from p4front.syntax.parse import parse_text
from p4front.text.source import P4Error

N = TypeVar("N", bound=ast.Node)


def parse(text: str) -> ast.P4Program:
    return parse_text(text, "t.p4")[0]


def find(text: str, kind: type[N]) -> N:
    """The first node of a kind in a program."""
    return next(node for node in parse(text).walk() if isinstance(node, kind))


def expression(text: str, before: str = "") -> ast.Expr:
    node = parse(f"{before} const bit<8> result = {text};").declarations[-1]
    assert isinstance(node, ast.ConstantDecl)
    return node.value


def statement(text: str, before: str = "") -> ast.Node:
    action = parse(f"{before} action a() {{ {text} }}").declarations[-1]
    assert isinstance(action, ast.ActionDecl)
    return action.body.statements[-1]


def errors(text: str) -> list[str]:
    """`line:col message` of each error."""
    with pytest.raises(P4Error) as caught:
        parse(text)
    return [f"{d.span.line}:{d.span.col} {d.message}" for d in caught.value.diagnostics if d.span is not None]
