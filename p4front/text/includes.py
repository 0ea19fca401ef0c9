"""Reading source files, and where `#include` looks for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from p4front.text.source import Diagnostic, P4Error, SourceFile, Span

LIBRARY = Path(__file__).resolve().parents[1] / "include"
"""Our own core.p4 and v1model.p4; always searched first."""

LIBRARY_VERSION = "20180101"
"""V1MODEL_VERSION where nothing else is said."""

LIBRARY_FILES = ("core.p4", "v1model.p4")


def decode(data: bytes) -> str:
    """Source bytes as text. P4 wants UTF-8; older programs have Latin-1 in their comments, so that is read too."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_source(path: Path | str) -> SourceFile:
    """Reads one file. Raises P4Error if it cannot be read or is no text."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise P4Error(Diagnostic(f"cannot read {path}: {error.strerror or error}")) from error
    source = SourceFile(str(path), decode(data))
    zero = source.text.find("\0")
    if zero >= 0:
        place = Span(source, zero, zero + 1)
        raise P4Error(Diagnostic("not a P4 source text: there is a zero byte here", place))
    return source


def search_path(include_dirs: Sequence[Path]) -> list[Path]:
    """Every directory that an `#include <...>` is looked for in, in order."""
    return [LIBRARY, *include_dirs]
