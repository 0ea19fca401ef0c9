"""From a file or a text to a checked program, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from p4front.check.program import check
from p4front.program import Program
from p4front.syntax.parse import parse_file, parse_given, parse_text
from p4front.text.includes import LIBRARY, LIBRARY_FILES, GivenFiles
from p4front.text.source import Diagnostic


def load_program(path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()) -> Program:
    """Preprocesses, parses and checks a P4_16 file.

    `include_dirs` are searched after our own core.p4 and v1model.p4; a file of either name in one of them is named in
    `Program.warnings`. `defines` are "NAME" or "NAME=value". Raises P4Error with all errors of the first phase that
    finds any."""
    syntax, files = parse_file(path, include_dirs=include_dirs, defines=defines)
    program = check(syntax, files, path)
    program.warnings += _not_used(include_dirs, program)
    return program


def load_text(
    text: str, path: str = "<text>", *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()
) -> Program:
    """The same for a text; `path` is its name in messages."""
    syntax, files = parse_text(text, path, include_dirs=include_dirs, defines=defines)
    program = check(syntax, files, Path(path))
    program.warnings += _not_used(include_dirs, program)
    return program


def load_given(files: GivenFiles, main: str, *, defines: Sequence[str] = ()) -> Program:
    """The same for a program that was sent with its files: they and our library are all that it can include."""
    syntax, sources = parse_given(files, main, defines=defines)
    return check(syntax, sources, Path(main))


def _not_used(include_dirs: Sequence[Path], program: Program) -> Iterator[Diagnostic]:
    """Files of the user's in whose place our own were included."""
    included = {Path(file.path) for file in program.files}
    for folder in include_dirs:
        for name in LIBRARY_FILES:
            if LIBRARY / name in included and folder / name not in included and (folder / name).is_file():
                reason = f"{name} is built in; to use this file, include it under another name"
                yield Diagnostic(f"{folder / name} is not used: {reason}", None, "warning")
