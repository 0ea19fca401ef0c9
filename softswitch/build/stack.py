"""The stack that a packet needs in a compiled program: the C compiler's figure for each function, summed along calls.

Generated code knows no recursion, no function pointers and no arrays of variable size, and a function is written after
those that it calls, so the sum is a bound. What the compiler inlined has no frame of its own any more: it is in its
caller's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from p4front.program import Program
from softswitch.codegen.errors import refuse

MAX_STACK_BYTES = 4 << 20
"""SS_PROGRAM_STACK of api.h: what each thread has that runs packets."""

_FUNCTION = re.compile(r"^\w[^\n;={}]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.DOTALL)


@dataclass(frozen=True)
class StackUse:
    """Bytes for one packet, and the frames of which they consist: (C function, bytes), the caller first."""

    total: int
    frames: tuple[tuple[str, int], ...]


def check_stack(program: Program, c_source: str, usage: str) -> None:
    """Raises P4Error if the program needs more stack than there is. `usage`: what the compiler wrote."""
    use = stack_use(c_source, usage)
    if use.total <= MAX_STACK_BYTES:
        return
    assert program.main is not None
    largest = sorted(use.frames, key=lambda frame: -frame[1])[:3]
    where = ", ".join(f"{size} in {name}" for name, size in largest)
    raise refuse(
        program.main.span,
        f"a packet needs {use.total} bytes of stack, more than {MAX_STACK_BYTES}: {where}; "
        "make local variables and arguments smaller, or nest fewer calls",
    )


def stack_use(c_source: str, usage: str) -> StackUse:
    """The deepest chain of calls of a generated C file. `usage`: the text of the compiler's .su file."""
    frames = _frames(usage)
    deepest: dict[str, StackUse] = {}
    for name, body in _functions(c_source):
        called = [deepest[callee] for callee in set(_NAME.findall(body)) if callee in deepest]
        below = max(called, key=lambda use: use.total, default=StackUse(0, ()))
        own = frames.pop(name, 0)
        deepest[name] = StackUse(own + below.total, ((name, own), *below.frames) if own else below.frames)
    use = max(deepest.values(), key=lambda use: use.total, default=StackUse(0, ()))
    headers = sum(frames.values())  # functions of the runtime's headers that were not inlined: each at most once
    return StackUse(use.total + headers, (*use.frames, ("the runtime's headers", headers)))


def _functions(c_source: str) -> Iterator[tuple[str, str]]:
    """Names and bodies, in order. Comments and strings, which may hold text of the user's, are left out."""
    plain = _COMMENT_OR_TEXT.sub(" ", c_source)
    for found in _FUNCTION.finditer(plain):
        yield found[1], found[2]


def _frames(usage: str) -> dict[str, int]:
    """Bytes by function. The compiler may split a function (f.part.0), and specialise it (f.constprop.0)."""
    alternatives: dict[str, int] = defaultdict(int)
    parts: dict[str, int] = defaultdict(int)
    for line in usage.splitlines():
        place, size, _kind = line.rsplit("\t", 2)
        name, _, suffix = place.rsplit(":", 1)[1].partition(".")
        if "part" in suffix:
            parts[name] += int(size)
        else:
            alternatives[name] = max(alternatives[name], int(size))
    return {name: alternatives[name] + parts[name] for name in {*alternatives, *parts}}
