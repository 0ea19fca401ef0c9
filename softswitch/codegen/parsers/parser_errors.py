"""Leaving a parser because of an error (12.8): the error is recorded and the packet goes on to ingress."""

from __future__ import annotations

from softswitch.codegen.statements.body import Body


def reject_if(body: Body, condition: str, error: str) -> None:
    """Rejects with a standard error if the C condition holds. Outside of parsers, where no error exists, nothing."""
    if body.kind != "parser":
        return
    with body.braces(f"if (__builtin_expect({condition}, 0))"):
        reject(body, f"{error_number(body, error)}u", error)


def reject(body: Body, number: str, name: str = "") -> None:
    """Rejects with the error whose number is the C expression `number`."""
    body.emit(f"x->std->parser_error = {number};")
    if name:
        body.trace(f"parser error {name}")
    else:
        body.trace_values("parser error {}", ("%s", ["error_names[x->std->parser_error]"]))
    body.emit("goto reject_;")


def error_number(body: Body, error: str) -> int:
    return body.gen.program.errors.index(error)
