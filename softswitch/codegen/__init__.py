"""C code from checked P4 programs: one file per P4 construct. `generate(program)` is all that the outside needs."""

from softswitch.codegen.pipeline import Generated, generate

__all__ = ["Generated", "generate"]
