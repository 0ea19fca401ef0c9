"""`for` loops, `break` and `continue` (11.8). Jumps are gotos, since a C switch may stand between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.types import StackType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import lvalues, parser_errors, rvalues
from softswitch.codegen.functions import bounds
from softswitch.codegen.functions.function_body import FunctionBody, Loop, Value
from softswitch.codegen.statements import blocks
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.layout import element, is_signed, scalar_width


@contextmanager
def _loop(body: FunctionBody) -> Iterator[Loop]:
    loop = Loop(body.names.local("break"), body.names.local("continue"))
    body.loops.append(loop)
    try:
        yield loop
    finally:
        body.loops.pop()
    if loop.breaks:
        body.label(loop.break_label)


@contextmanager
def _rounds(body: FunctionBody, statement: ast.Node, head: str) -> Iterator[None]:
    """A C loop whose rounds are counted; a packet that takes too many is dropped, or rejected by its parser."""
    with body.braces(head), bounds.counted_round(body):
        if body.kind == "parser":
            parser_errors.reject_if(body, bounds.EXHAUSTED, "ParserTimeout")
        else:
            bounds.give_up(body, statement.span)
        yield


def _body(body: FunctionBody, statement: ast.Node, loop: Loop) -> None:
    with body.braces():
        blocks.inner(body, statement)
    if loop.continues:
        body.label(loop.continue_label)


@blocks.register(ast.For)
def for_loop(body: FunctionBody, statement: ast.For) -> None:
    with body.braces():
        for init in statement.init:
            blocks.emit(body, init)
        with _loop(body) as loop, _rounds(body, statement, "for (;;)"):
            condition = rvalues.rvalue(body, statement.cond).c
            body.emit(f"if ({cexpr.negation(condition)})")
            body.emit("    break;")
            _body(body, statement.body, loop)
            for update in statement.update:
                blocks.emit(body, update)


@blocks.register(ast.ForIn)
def for_in(body: FunctionBody, statement: ast.ForIn) -> None:
    collection = statement.collection
    while isinstance(collection, ast.Cast):
        collection = collection.operand
    with body.braces():
        if isinstance(collection, ast.Binary) and collection.op == "..":
            _range(body, statement, collection)
            return
        if isinstance(collection, ast.ListExpr):
            _items(
                body,
                statement,
                lambda type_: rvalues.rvalues(body, collection.items, [type_] * len(collection.items)),
            )
            return
        known = evaluate(body.env, collection)
        if isinstance(known, tuple):
            _items(body, statement, lambda type_: [_constant(body, value, type_, collection) for value in known])
            return
        type_ = strip(rvalues.final_type(body, collection))
        if isinstance(type_, StackType) and lvalues.is_lvalue(body, collection):
            _stack(body, statement, collection, type_)
            return
        raise refuse(collection.span, "a for loop can run over a range, a list or a header stack")


def _variable(body: FunctionBody, statement: ast.ForIn) -> tuple[CExpr, Type]:
    """Declares the loop's variable; its place."""
    if statement.variable is not None:
        type_ = body.env.type(body.unit.program.declared[statement.variable])
        return body.declare(statement.variable, type_, body.unit.layout.zero(type_)).c, type_
    if statement.target is not None:
        where = lvalues.lvalue(body, statement.target)
        if where.slice is None and where.window is None and where.union is None:
            return where.c, where.type
    raise refuse(statement.span, "the variable of this loop is not supported")


def _range(body: FunctionBody, statement: ast.ForIn, bounds: ast.Binary) -> None:
    """Both bounds are evaluated once and belong to the range."""
    variable, type_ = _variable(body, statement)
    low, high = (body.keep(v) for v in rvalues.rvalues(body, [bounds.left, bounds.right], [type_, type_]))
    width, signed = scalar_width(type_), is_signed(type_)
    if width is None:
        raise refuse(bounds.span, "a range needs integers")
    c_type = body.unit.layout.c_type(type_)
    at = body.temp(c_type, low.c, "at")
    with _loop(body) as loop:
        beyond = scalars.compare(">", at, high.c, width, signed)
        with body.braces(f"if ({cexpr.negation(beyond)})"), _rounds(body, statement, "for (;;)"):
            body.emit(f"{variable} = {at};")
            _body(body, statement.body, loop)
            body.emit(f"if ({scalars.compare('==', at, high.c, width, signed)})")
            body.emit("    break;")
            one = scalars.literal(1, width)
            body.emit(f"{at} = {scalars.arithmetic('+', at, one, width, signed)};")


def _constant(body: FunctionBody, value: ConstValue, type_: Type, where: ast.Expr) -> Value:
    return rvalues.constant_value(body, value, type_, where)


def _items(body: FunctionBody, statement: ast.ForIn, items: Callable[[Type], list[Value]]) -> None:
    variable, type_ = _variable(body, statement)
    values = [body.keep(value) for value in items(type_)]
    if not values:
        return
    c_type = body.unit.layout.c_type(type_)
    array = cexpr.name(body.names.local("items"))
    body.emit(f"const {c_type} {array}[] = {{{', '.join(str(v.c) for v in values)}}};")
    with _loop(body) as loop:
        at = body.names.local("at")
        with _rounds(body, statement, f"for (uint32_t {at} = 0; {at} < {len(values)}; {at}++)"):
            body.emit(f"{variable} = {cexpr.index(array, cexpr.name(at))};")
            _body(body, statement.body, loop)


def _stack(body: FunctionBody, statement: ast.ForIn, collection: ast.Expr, type_: StackType) -> None:
    where = lvalues.lvalue(body, collection)
    variable, _ = _variable(body, statement)
    with _loop(body) as loop:
        at = body.names.local("at")
        with _rounds(body, statement, f"for (uint32_t {at} = 0; {at} < {type_.size}; {at}++)"):
            body.emit(f"{variable} = {element(where.c, cexpr.name(at))};")
            _body(body, statement.body, loop)


def _jump(body: FunctionBody, statement: ast.Break | ast.Continue) -> None:
    if not body.loops:
        raise refuse(statement.span, "break and continue are allowed in loops only")
    loop = body.loops[-1]
    if isinstance(statement, ast.Break):
        loop.breaks = True
        body.emit(f"goto {loop.break_label};")
    else:
        loop.continues = True
        body.emit(f"goto {loop.continue_label};")


blocks.register(ast.Break)(_jump)
blocks.register(ast.Continue)(_jump)
