"""The program that a switch starts with: P4 source, or a file that `softswitch compile -o` or the p4c of
`softswitch compat` wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from softswitch.build.device_config import collect
from softswitch.build.isolated import Compilers
from softswitch.build.program import CompiledPipeline, compile_program
from softswitch.cli.arguments import UsageError
from softswitch.errors import ProgramRefused, TooExpensive


@dataclass(frozen=True)
class Loaded:
    """`config`: the device config, as a controller would push it."""

    compiled: CompiledPipeline
    config: bytes


def load_argument(path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()) -> Loaded:
    """Compiles a program, or finds it in the cache. Raises P4Error, SwitchError, OSError."""
    data = path.read_bytes()
    if data.lstrip()[:1] != b"{":
        compiled = compile_program(path, include_dirs=include_dirs, defines=defines)
        return Loaded(compiled, collect(path, include_dirs=include_dirs, defines=defines).to_bytes())
    if include_dirs or defines:
        raise UsageError(f"{path} is a compiled file: -I and -D belong to the command that compiles it")
    _check_is_ours(path, data)
    try:
        return Loaded(Compilers().compile(data), data)
    except (ProgramRefused, TooExpensive) as error:
        raise type(error)(f"{path}: {error}") from None


def _check_is_ours(path: Path, data: bytes) -> None:
    """Raises UsageError for a file that a compiler for bmv2 wrote: it has no source in it."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return  # the compiler says what is wrong with it
    if isinstance(content, dict) and "pipelines" in content and "softswitch_config" not in content:
        raise UsageError(
            f"{path} was compiled for bmv2. This switch compiles from source: compile the program with the p4c or "
            "p4c-bm2-ss of `softswitch compat install`, or name the .p4 file"
        )
