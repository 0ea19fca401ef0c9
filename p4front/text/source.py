"""Source files, spans and located diagnostics."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class SourceFile:
    """The text of one file as the user wrote it; spans are offsets into `text`."""

    path: str
    text: str
    _starts: list[int] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line_col(self, offset: int) -> tuple[int, int]:
        """1-based line and column of an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line_start(self, line: int) -> int:
        """Offset of the first character of a 1-based line."""
        return self._starts[line - 1]

    def line_text(self, line: int) -> str:
        if not 1 <= line <= len(self._starts):
            return ""
        end = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
        return self.text[self._starts[line - 1] : end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range [start, end) of the user's file. `from_macro`: the text there is a macro's call, not the tokens
    themselves, so a tool that edits source text must not edit inside it."""

    file: SourceFile
    start: int
    end: int
    from_macro: bool = False

    @property
    def line(self) -> int:
        return self.file.line_col(self.start)[0]

    @property
    def col(self) -> int:
        return self.file.line_col(self.start)[1]

    @property
    def text(self) -> str:
        return self.file.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other` (this one alone if they are in two files)."""
        if other.file is not self.file or other.end < self.start:
            return self
        return Span(self.file, self.start, other.end, self.from_macro or other.from_macro)

    def __str__(self) -> str:
        line, col = self.file.line_col(self.start)
        return f"{self.file.path}:{line}:{col}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message: `file:line:col: error: text`, then the source line and a caret."""

    message: str
    span: Span | None = None
    severity: str = "error"  # "error" | "warning"
    notes: tuple[tuple[str, Span | None], ...] = ()

    def render(self) -> str:
        lines = _render(self.span, self.severity, self.message)
        for text, span in self.notes:
            lines += _render(span, "note", text)
        return "\n".join(lines)


_WIDEST = 240
"""Longest part of a source line that a message shows."""


def _render(span: Span | None, severity: str, message: str) -> list[str]:
    if span is None:
        return [f"{severity}: {message}"]
    line, col = span.file.line_col(span.start)
    source = span.file.line_text(line)
    first = max(0, col - _WIDEST // 2) if len(source) > _WIDEST else 0
    source = "".join(c if c == "\t" or c.isprintable() else "?" for c in source[first : first + _WIDEST])
    before = col - 1 - first
    width = max(1, min(span.end - span.start, len(source) - before))
    pad = "".join("\t" if char == "\t" else " " for char in source[:before])
    shown = source.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return [f"{span.file.path}:{line}:{col}: {severity}: {message}", shown, f"{pad}{'^' * width}"]


class P4Error(Exception):
    """A program that cannot be used; carries every diagnostic of the run."""

    def __init__(self, diagnostics: list[Diagnostic] | Diagnostic) -> None:
        self.diagnostics = diagnostics if isinstance(diagnostics, list) else [diagnostics]
        super().__init__("\n".join(d.render() for d in self.diagnostics))


@dataclass(slots=True)
class Reporter:
    """Collects diagnostics so that one run reports them all: at most `limit` errors, and as many warnings."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    limit: int = 100

    def error(self, message: str, span: Span | None, *notes: tuple[str, Span | None]) -> None:
        diagnostic = Diagnostic(message, span, "error", notes)
        if len(self.errors) < self.limit and diagnostic not in self.diagnostics:
            self.diagnostics.append(diagnostic)

    def warning(self, message: str, span: Span | None) -> None:
        if len(self.warnings) < self.limit:
            self.diagnostics.append(Diagnostic(message, span, "warning"))

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self.diagnostics if d.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        return [d for d in self.diagnostics if d.severity == "warning"]

    def raise_if_errors(self) -> None:
        """Raises P4Error with every error so far, in source order of discovery."""
        if self.errors:
            raise P4Error(self.errors)
