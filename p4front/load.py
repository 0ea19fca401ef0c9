"""From a file or a text to a checked program, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from p4front.check.program import check
from p4front.program import Program
from p4front.syntax.parse import parse_file, parse_given, parse_text
from p4front.text.includes import GivenFiles


def load_program(path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()) -> Program:
    """Preprocesses, parses and checks a P4_16 file.

    `include_dirs` are searched after our own core.p4 and v1model.p4; `defines` are "NAME" or "NAME=value". Raises
    P4Error with all errors of the first phase that finds any."""
    syntax, files = parse_file(path, include_dirs=include_dirs, defines=defines)
    return check(syntax, files, path)


def load_text(
    text: str, path: str = "<text>", *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()
) -> Program:
    """The same for a text; `path` is its name in messages."""
    syntax, files = parse_text(text, path, include_dirs=include_dirs, defines=defines)
    return check(syntax, files, Path(path))


def load_given(files: GivenFiles, main: str, *, defines: Sequence[str] = ()) -> Program:
    """The same for a program that was sent with its files: they and our library are all that it can include."""
    syntax, sources = parse_given(files, main, defines=defines)
    return check(syntax, sources, Path(main))
