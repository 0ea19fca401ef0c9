"""Statements (11): blocks, assignments, if, return, exit, declarations. Loops and switches have files of their own."""

from __future__ import annotations

from p4front.elaborate import live
from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.text.source import P4Error
from p4front.types.types import Type, VoidType, strip
from softswitch.codegen import constants
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import calls, expressions, places
from softswitch.codegen.names import printf_text
from softswitch.codegen.statements import loops, switches
from softswitch.codegen.statements.body import Body, Val
from softswitch.codegen.values import cexpr, header_lengths, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import X
from softswitch.codegen.values.layout import is_signed, scalar_width

MOST_OF_A_CONDITION = 100
"""Characters of an `if` that the packet's story shows."""


def block(body: Body, statement: ast.BlockStatement) -> None:
    """The statements of a block that can run, without braces. A refusal is recorded and the next statement looked
    at."""
    for inner in live.running(body.env, statement.statements):
        try:
            emit(body, inner)
        except P4Error as error:
            body.gen.report(error)


def emit(body: Body, statement: ast.Node) -> None:
    """One statement or declaration."""
    match statement:
        case ast.BlockStatement():
            with body.braces():
                block(body, statement)
        case ast.Assignment():
            assignment(body, statement)
        case ast.CallStatement():
            calls.call(body, statement.call)
        case ast.DirectApply():
            direct_apply(body, statement)
        case ast.If():
            conditional(body, statement)
        case ast.Switch():
            switches.switch(body, statement)
        case ast.For():
            loops.for_loop(body, statement)
        case ast.ForIn():
            loops.for_in(body, statement)
        case ast.Break() | ast.Continue():
            loops.jump(body, statement)
        case ast.Return():
            return_(body, statement)
        case ast.Exit():
            exit_(body, statement)
        case ast.VariableDecl():
            variable(body, statement)
        case ast.ConstantDecl():
            constants.require(body.env, statement)
        case ast.EmptyStatement():
            pass
        case _:
            raise refuse(statement.span, "this statement is not supported here")


def variable(body: Body, decl: ast.VariableDecl) -> None:
    type_ = body.env.type(body.gen.program.declared[decl])
    body.declare(decl, type_, initial(body, decl, type_))


def initial(body: Body, decl: ast.VariableDecl, type_: Type) -> CExpr:
    """The value that a variable begins with, in C."""
    if decl.init is None:
        return body.gen.layout.zero(type_)
    value = expressions.rvalue(body, decl.init, type_)
    header_lengths.made(body, decl.init, type_)
    return value.c


def assignment(body: Body, statement: ast.Assignment) -> None:
    """`target = value` and `target op= value`; the target's indices are evaluated first (8.1, 11.1)."""
    where = places.place(body, statement.target)
    type_ = places.place_type(where)
    if statement.op == "=":
        value = expressions.rvalue(body, statement.value, type_)
        header_lengths.assigned(body, statement.value, type_, where.c)
        places.store(body, where, value)
        return
    op = statement.op[:-1]
    width = scalar_width(type_)
    if width is None:
        raise refuse(statement.span, f"{statement.op} on a value of type {type_} is not supported")
    if op in ("<<", ">>"):
        known = evaluate(body.env, statement.value)
        by = int(known) if isinstance(known, int) else expressions.rvalue(body, statement.value)
        result = expressions.shifted(op, places.load(body, where), by, statement)
    else:
        value = expressions.rvalue(body, statement.value, type_)
        result = scalars.arithmetic(op, places.load(body, where).c, value.c, width, is_signed(type_))
    places.store(body, where, Val(result, type_))


def conditional(body: Body, statement: ast.If) -> None:
    known = evaluate(body.env, statement.cond)
    if isinstance(known, bool):
        chosen = statement.then if known else statement.otherwise
        if chosen is not None:
            with body.braces():
                inner(body, chosen)
        return
    _branches(body, statement, f"if ({_decided(body, statement)})")


def _decided(body: Body, statement: ast.If) -> CExpr:
    """The condition in C, which tells how it came out when packets are traced."""
    condition = expressions.rvalue(body, statement.cond).c
    words = " ".join(statement.cond.span.text.split())
    if len(words) > MOST_OF_A_CONDITION:
        words = words[:MOST_OF_A_CONDITION] + "..."
    return cexpr.macro("SS_DECIDE", X, condition, cexpr.constant(f'"if ({printf_text(words)})"'))


def _branches(body: Body, statement: ast.If, head: str) -> None:
    with body.braces(head):
        inner(body, statement.then)
    otherwise = statement.otherwise
    if otherwise is None:
        return
    known = evaluate(body.env, otherwise.cond) if isinstance(otherwise, ast.If) else True
    if not isinstance(otherwise, ast.If) or isinstance(known, bool):
        with body.braces("else"):
            inner(body, otherwise)
        return
    # `else if` in C, too, unless the condition needs statements of its own.
    start = len(body.lines)
    body.depth += 1
    condition = _decided(body, otherwise)
    body.depth -= 1
    if len(body.lines) == start:
        _branches(body, otherwise, f"else if ({condition})")
        return
    body.lines.insert(start, "    " * body.depth + "else {")
    body.depth += 1
    _branches(body, otherwise, f"if ({condition})")
    body.depth -= 1
    body.emit("}")


def inner(body: Body, statement: ast.Node) -> None:
    """A statement that already stands in C braces."""
    if isinstance(statement, ast.BlockStatement):
        block(body, statement)
    else:
        emit(body, statement)


def return_(body: Body, statement: ast.Return) -> None:
    returns = body.function.returns
    if statement.value is None or returns is None or isinstance(strip(returns), VoidType):
        body.emit("return;")
        return
    value = expressions.rvalue(body, statement.value, returns)
    header_lengths.made(body, statement.value, returns)
    body.emit(f"return {value.c};")


def exit_(body: Body, statement: ast.Exit) -> None:
    """Ends the whole ingress, egress or deparser; callers still copy out (11.5)."""
    if body.kind == "parser":
        raise refuse(statement.span, "exit is not allowed in a parser")
    body.function.may_exit = True
    body.emit("x->exited = true;")
    body.emit(body.leave)


def direct_apply(body: Body, statement: ast.DirectApply) -> None:
    """`C.apply(args)` on a type: an instance of its own per place (13.2)."""
    calls.apply_instance(body, body.env.lookup(statement), body.gen.program.calls[statement].args, statement)
