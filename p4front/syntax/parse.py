"""The entry of the syntax half: a file or a text to its tree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from p4front.syntax import ast
from p4front.syntax.parser.program import parse_tokens
from p4front.text.includes import FolderFiles, IncludeFiles, read_source
from p4front.text.preprocess import preprocess
from p4front.text.source import Diagnostic, Reporter, SourceFile


def parse_file(
    path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()
) -> tuple[ast.P4Program, list[SourceFile]]:
    """Preprocesses and parses a program; also gives every file that was read, the program's own first.

    `include_dirs` are searched after our own core.p4 and v1model.p4; `defines` are "NAME" or "NAME=value". Raises
    P4Error with every error found."""
    return parse_source(read_source(path), FolderFiles(include_dirs), defines)[:2]


def parse_text(
    text: str, path: str = "<text>", *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()
) -> tuple[ast.P4Program, list[SourceFile]]:
    """The same for a text; `path` is its name in messages and the place that `#include "..."` starts from."""
    return parse_source(SourceFile(path, text), FolderFiles(include_dirs), defines)[:2]


def parse_source(
    source: SourceFile, files: IncludeFiles, defines: Sequence[str] = ()
) -> tuple[ast.P4Program, list[SourceFile], list[Diagnostic]]:
    """The same for a text that was read already, with the preprocessor's warnings; `files` has what it can include."""
    found = preprocess(source, files=files, defines=defines)
    reporter = Reporter()
    program = parse_tokens(found.tokens, reporter)
    reporter.raise_if_errors()
    return program, found.files, found.warnings
