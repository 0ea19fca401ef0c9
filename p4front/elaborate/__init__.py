"""Elaboration (P4_16 18.3): the one walk from `main` that determines what a program consists of.

Instances of parsers and controls, their control-plane names, constructor and type arguments, compile-time values, sizes
and widths of every object, and which code can run. P4Info, the code generator and State4's analysis use the result of
`elaborate` and derive none of it themselves.

`walk` makes the instances, with `externs` and `tables`; `objects` are what they consist of, `scope` and `evaluate` what
names and expressions mean in them, `live` which statements run; `blocks` is what the control plane sees of each part of
the package; `contexts` maps every piece of code to what its parameters stand for.

May import the checked program (`p4front.program`), `p4front.syntax`, `p4front.types` and `p4front.text`; not the
checker, and nothing that describes a target.
"""

from __future__ import annotations

from p4front.elaborate.elaboration import Elaboration, make_elaboration
from p4front.program import Program


def elaborate(program: Program) -> Elaboration:
    """The elaboration of a checked program, made at the first call and kept with the program.

    Raises P4Error, with the places, for sizes and constructor arguments that are not known at compile time."""
    return program.once(Elaboration, make_elaboration)


__all__ = ["Elaboration", "elaborate"]
