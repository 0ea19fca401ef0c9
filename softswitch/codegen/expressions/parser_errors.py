"""Leaving a parser because of an error (12.8): the error is recorded and the packet goes on to ingress."""

from __future__ import annotations

from softswitch.codegen.functions.function_body import FunctionBody
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import STD


def reject_if(body: FunctionBody, condition: CExpr, error: str) -> None:
    """Rejects with a standard error if the C condition holds. Outside of parsers, where no error exists, nothing."""
    if body.kind != "parser":
        return
    with body.braces(f"if ({cexpr.unlikely(condition)})"):
        reject(body, error_number(body, error), error)


def reject(body: FunctionBody, number: CExpr, name: str = "") -> None:
    """Rejects with the error of that number."""
    parser_error = cexpr.member(STD, "parser_error")
    body.emit(f"{parser_error} = {number};")
    if name:
        body.trace(f"parser error {name}")
    else:
        body.trace_values("parser error {}", ("%s", [cexpr.index(cexpr.name("error_names"), parser_error)]))
    body.emit("goto reject_;")


def error_number(body: FunctionBody, error: str) -> CExpr:
    return scalars.literal(body.unit.program.errors.index(error), 32)
