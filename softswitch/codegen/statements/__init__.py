"""Statements, and P4 functions, as C. May import `expressions` and what is below it."""

from softswitch.codegen.statements import assignments, calls, conditionals, declarations, loops, switches

__all__ = ["assignments", "calls", "conditionals", "declarations", "loops", "switches"]
