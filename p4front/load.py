"""From a file or a text to a checked program, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from p4front.check.program import check
from p4front.program import Program, Reading
from p4front.syntax.parse import parse_source
from p4front.text.includes import LIBRARY, LIBRARY_FILES, EditedFiles, FolderFiles, GivenFiles, read_source
from p4front.text.source import Diagnostic, SourceFile


def load_program(path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()) -> Program:
    """Preprocesses, parses and checks a P4_16 file.

    `include_dirs` are searched after our own core.p4 and v1model.p4; a file of either name in one of them is named in
    `Program.warnings`. `defines` are "NAME" or "NAME=value". Raises P4Error with all errors of the first phase that
    finds any."""
    program = _load(read_source(path), path, Reading(FolderFiles(include_dirs), tuple(defines)))
    program.warnings += _not_used(include_dirs, program)
    return program


def load_text(
    text: str, path: str = "<text>", *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()
) -> Program:
    """The same for a text; `path` is its name in messages."""
    program = _load(SourceFile(path, text), Path(path), Reading(FolderFiles(include_dirs), tuple(defines)))
    program.warnings += _not_used(include_dirs, program)
    return program


def load_given(files: GivenFiles, main: str, *, defines: Sequence[str] = ()) -> Program:
    """The same for a program that was sent with its files: they and our library are all that it can include."""
    return _load(files.source(main), Path(main), Reading(files, tuple(defines)))


def load_edited(program: Program, texts: Mapping[SourceFile, str]) -> Program:
    """A program once more, with other texts in place of some of its files. Raises P4Error, and ValueError for a program
    that was not loaded from a text."""
    if program.reading is None:
        raise ValueError("the program was not loaded from a text")
    edited = {file: SourceFile(file.path, text) for file, text in texts.items()}
    main = program.files[0]
    reading = Reading(EditedFiles(program.reading.files, edited), program.reading.defines)
    return _load(edited.get(main, main), program.path, reading)


def _load(source: SourceFile, path: Path, reading: Reading) -> Program:
    syntax, files, warnings = parse_source(source, reading.files, reading.defines)
    program = check(syntax, files, path)
    program.warnings = warnings + program.warnings
    program.reading = reading
    return program


def _not_used(include_dirs: Sequence[Path], program: Program) -> Iterator[Diagnostic]:
    """The user's files that were not included, because our own of that name are."""
    included = {Path(file.path) for file in program.files}
    for folder in include_dirs:
        for name in LIBRARY_FILES:
            if LIBRARY / name in included and folder / name not in included and (folder / name).is_file():
                reason = f"{name} is built in; to use this file, include it under another name"
                yield Diagnostic(f"{folder / name} is not used: {reason}", None, "warning")
