"""Calls as statements, `return` and `exit` (11.2, 11.4, 11.5)."""

from __future__ import annotations

from p4front.syntax import ast
from p4front.types.types import VoidType, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import calls, header_lengths, rvalues
from softswitch.codegen.functions.function_body import FunctionBody
from softswitch.codegen.statements import blocks


@blocks.register(ast.CallStatement)
def _call(body: FunctionBody, statement: ast.CallStatement) -> None:
    calls.call(body, statement.call)


@blocks.register(ast.DirectApply)
def _direct_apply(body: FunctionBody, statement: ast.DirectApply) -> None:
    """`C.apply(args)` on a type: an instance of its own per place (13.2)."""
    calls.apply_block(body, body.env.lookup(statement), body.unit.program.calls[statement].args, statement)


@blocks.register(ast.Return)
def _return(body: FunctionBody, statement: ast.Return) -> None:
    returns = body.function.returns
    if statement.value is None or returns is None or isinstance(strip(returns), VoidType):
        body.emit("return;")
        return
    value = rvalues.rvalue(body, statement.value, returns)
    header_lengths.made(body, statement.value, returns)
    body.emit(f"return {value.c};")


@blocks.register(ast.Exit)
def _exit(body: FunctionBody, statement: ast.Exit) -> None:
    """Ends the whole ingress, egress or deparser; callers still copy out (11.5)."""
    if body.kind == "parser":
        raise refuse(statement.span, "exit is not allowed in a parser")
    body.function.may_exit = True
    body.emit("x->exited = true;")
    body.emit(body.leave)
