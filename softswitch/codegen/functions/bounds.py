"""Bounds of what one packet can cost, so that no program holds the switch.

Rounds of loops, and of parser states that come again, are counted while they run (`SS_MAX_ROUNDS`, context.h), each
with the calls that it makes. Calls outside of loops are counted here, by the code generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from p4front.text.source import Span
from softswitch.codegen.errors import refuse
from softswitch.codegen.functions.function_body import Function, FunctionBody
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.names import location, printf_text
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.context import X

MAX_ROUNDS = 1 << 20
"""SS_MAX_ROUNDS of context.h."""

MAX_CALLS = 1 << 20
"""Most calls in one call of a function."""

MAX_DEPTH = 64
"""Most calls within calls."""

MAX_EMIT_BYTES = 1 << 24
"""Most bytes that the deparser can emit."""

EXHAUSTED = cexpr.binary(">", cexpr.arrow(X, "rounds"), cexpr.constant("SS_MAX_ROUNDS"))
"""Whether the packet has used up its rounds."""


def count_call(body: FunctionBody, callee: Function) -> None:
    """Adds a call to what the function that is being written costs."""
    function = body.function
    function.calls += 1 + callee.calls
    function.depth = max(function.depth, 1 + callee.depth)
    function.loops = function.loops or callee.loops


@contextmanager
def making(unit: TranslationUnit, function: Function, what: str, span: Span) -> Iterator[None]:
    """The function is written inside. Refuses it if it costs too much; `what` names it."""
    unit.nesting += 1
    try:
        if unit.nesting > MAX_DEPTH:
            raise refuse(span, f"calls are nested more than {MAX_DEPTH} deep in {what}")
        yield
    finally:
        unit.nesting -= 1
    for value, limit, words in (
        (function.calls, MAX_CALLS, f"{what} makes more than {MAX_CALLS} calls for one packet"),
        (function.depth, MAX_DEPTH, f"calls are nested more than {MAX_DEPTH} deep in {what}"),
        (function.emit_bytes, MAX_EMIT_BYTES, f"{what} can emit more than {MAX_EMIT_BYTES} bytes"),
    ):
        if value > limit:
            unit.report(refuse(span, words))
            function.calls = function.depth = function.emit_bytes = 0  # no further errors for its callers


@contextmanager
def counted_round(body: FunctionBody) -> Iterator[None]:
    """What is emitted inside is one round of something that may go on without end: of a loop, or of states that come
    again. Counts the round with its calls at its start; the check of `EXHAUSTED` is for the caller to emit."""
    start, before, indent = len(body.lines), body.function.calls, "    " * body.depth
    yield
    cost = 1 + body.function.calls - before
    body.lines.insert(start, f"{indent}{cexpr.arrow(X, 'rounds')} += {cost};")
    body.function.calls = before
    body.function.loops = True


def give_up(body: FunctionBody, span: Span) -> None:
    """Drops the packet if its rounds are used up, outside of parsers."""
    message = f"a packet took more than {MAX_ROUNDS} rounds of loops, the last one at {location(span)}"
    with body.braces(f"if ({cexpr.unlikely(EXHAUSTED)})"):
        body.emit("x->packet->requests.aborted = true;")
        body.emit(f'ss_log(x->pipeline, "{printf_text(message)}");')
        body.trace(message)
        body.emit("x->exited = true;")
        body.emit(body.leave)
    body.function.may_exit = True
