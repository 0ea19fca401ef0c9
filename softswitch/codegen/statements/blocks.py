"""Blocks of statements (11.3). Which kinds of statements there are is written in the other modules of this room: each
registers what it can emit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from p4front.elaborate import live
from p4front.syntax import ast
from p4front.text.source import P4Error
from softswitch.codegen.errors import refuse
from softswitch.codegen.functions.function_body import FunctionBody

S = TypeVar("S", bound=ast.Node)
Handler: TypeAlias = Callable[[FunctionBody, S], None]

_HANDLERS: dict[type[ast.Node], Handler[Any]] = {}


def register(kind: type[S]) -> Callable[[Handler[S]], Handler[S]]:
    """The decorated function emits this kind of statements."""

    def registered(handler: Handler[S]) -> Handler[S]:
        _HANDLERS[kind] = handler
        return handler

    return registered


def emit(body: FunctionBody, statement: ast.Node) -> None:
    """One statement or declaration."""
    handler = _HANDLERS.get(type(statement))
    if handler is None:
        raise refuse(statement.span, "this statement is not supported here")
    handler(body, statement)


def block(body: FunctionBody, statement: ast.BlockStatement) -> None:
    """The statements of a block that can run, without braces. A refusal is recorded and the next statement looked
    at."""
    for each in live.running(body.env, statement.statements):
        try:
            emit(body, each)
        except P4Error as error:
            body.unit.report(error)


def inner(body: FunctionBody, statement: ast.Node) -> None:
    """A statement that already stands in C braces."""
    if isinstance(statement, ast.BlockStatement):
        block(body, statement)
    else:
        emit(body, statement)


@register(ast.BlockStatement)
def _nested(body: FunctionBody, statement: ast.BlockStatement) -> None:
    with body.braces():
        block(body, statement)


@register(ast.EmptyStatement)
def _empty(body: FunctionBody, statement: ast.EmptyStatement) -> None:
    pass
