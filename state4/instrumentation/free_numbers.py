"""Numbers that instrumentation needs and the program does not use: a clone session and a field list."""

from __future__ import annotations

from collections.abc import Collection

from p4front.program import Program
from p4front.syntax import ast
from p4front.syntax.annotations import literal
from p4front.text.source import Diagnostic, P4Error
from state4.cam import CLONES

DEFAULT_SESSION = 250
"""The clone session to the CPU port, if it is not otherwise used."""
MAX_SESSION = (1 << 15) - 1
"""bmv2 accepts no larger ones."""
_FIELD_LISTS = range(256)


def chosen_session(program: Program, wanted: int | None, avoid: Collection[int] = ()) -> int:
    """`wanted`, or a session that neither the program nor `avoid` uses.

    Raises P4Error, with the place, if the program clones to the one that is wanted itself."""
    used = program_sessions(program)
    if wanted is None:
        below, above = range(DEFAULT_SESSION, 0, -1), range(DEFAULT_SESSION + 1, MAX_SESSION + 1)
        free = (session for session in (*below, *above) if session not in used and session not in avoid)
        return int(next(free))
    if wanted in used:
        message = f"the program clones to session {wanted} itself; State4 needs a separate one"
        raise P4Error(Diagnostic(message, used[wanted].span))
    return wanted


def program_sessions(program: Program) -> dict[int, ast.Expr]:
    """The sessions that the program clones to, with a place of each, as far as they are constants."""
    found: dict[int, ast.Expr] = {}
    for call in program.calls.values():
        if call.kind != "extern_function" or call.name not in CLONES:
            continue
        for argument in call.args:
            value = program.constants.get(argument.expr) if argument.expr is not None else None
            if argument.param_name == "session" and argument.expr is not None and isinstance(value, int):
                found.setdefault(value, argument.expr)
    return found


def field_list(program: Program) -> tuple[int, bool]:
    """The number of a field list for what State4 preserves, and whether it is free: the largest that the program does
    not use, or one of its own if it uses all."""
    used: set[int] = set()
    for node in program.syntax.walk():
        for annotation in getattr(node, "annotations", ()):
            if annotation.name == "field_list":
                values = [program.constants.get(expr, literal(expr)) for expr in annotation.exprs]
                used |= {value for value in values if isinstance(value, int)}
    for call in program.calls.values():
        if call.name.endswith("_preserving_field_list"):
            for argument in call.args:
                value = program.constants.get(argument.expr) if argument.expr is not None else None
                if argument.param_name == "index" and isinstance(value, int):
                    used.add(value)
    free = [number for number in _FIELD_LISTS if number not in used]
    return (free[-1], True) if free else (_FIELD_LISTS[-1], False)
