"""Additions to source text, and one text from a program and the files that it includes.

Nothing is ever taken away: an edit inserts text at an offset. The text of an included file replaces its `#include` line
in the sense that the line becomes a comment and the text follows; so the result is self-contained (but for the standard
core.p4 and v1model.p4), and taking the additions out again gives the user's own text.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from p4front.text.source import Diagnostic, P4Error, SourceFile, Span

_COMMENT_OR_STRING = re.compile(r'//[^\n]*|/\*[\s\S]*?\*/|"(?:[^"\\\n]|\\.)*"')
_CONDITION = re.compile(r"^[ \t]*#[ \t]*(?:(if)(?:n?def)?|(endif))\b", re.MULTILINE)
_GUARD = re.compile(r"\s*#[ \t]*ifndef[ \t]+(\w+)[^\n]*\n\s*#[ \t]*define[ \t]+(\w+)")
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"\n]+)"|<([^>\n]+)>)[^\n]*$', re.MULTILINE)


Ranges = Sequence[tuple[int, int]]
"""[start, end) of pieces of a text."""


class InMacro(P4Error):
    """Text is to be put where the call of a macro stands."""

    def __init__(self, spans: Sequence[Span]) -> None:
        message = "this comes from a macro that State4 cannot expand here, so its code has no place; write it out"
        self.spans = tuple(dict.fromkeys(spans))
        super().__init__([Diagnostic(message, span) for span in self.spans])


def comments(text: str) -> list[tuple[int, int]]:
    """[start, end) of every comment, in order."""
    found = _COMMENT_OR_STRING.finditer(text)
    return [m.span() for m in found if not m.group().startswith('"')]


def code_position(file: SourceFile, start: int, char: str) -> int:
    """Offset of the first `char` from `start` on that is not in a comment. Raises ValueError if there is none."""
    inside = comments(file.text)
    position = file.text.index(char, start)
    while (skip := _covering(inside, position)) is not None:
        position = file.text.index(char, skip[1])
    return position


def _covering(ranges: Sequence[tuple[int, int]], position: int) -> tuple[int, int] | None:
    """The range that `position` is inside of (not at its start)."""
    k = bisect_right(ranges, (position, len(ranges) and ranges[-1][1] + 1)) - 1
    return ranges[k] if k >= 0 and ranges[k][0] <= position < ranges[k][1] else None


@dataclass
class Edits:
    """Insertions, per file. Those at one offset stand in the order in which they were made."""

    _by_file: dict[SourceFile, list[tuple[int, str]]] = field(default_factory=dict)

    def insert(self, file: SourceFile, offset: int, text: str) -> None:
        self._by_file.setdefault(file, []).append((offset, text))

    def before(self, span: Span, text: str) -> None:
        self.insert(span.file, editable(span).start, text)

    def after(self, span: Span, text: str) -> None:
        self.insert(span.file, editable(span).end, text)

    def touched(self) -> list[SourceFile]:
        return list(self._by_file)

    def insertions(self, file: SourceFile) -> list[tuple[int, str]]:
        """(offset, text) in the order of the file."""
        return sorted(self._by_file.get(file, []), key=lambda edit: edit[0])

    def statement_after(self, file: SourceFile, offset: int, statement: str) -> None:
        """A statement after the one that ends at `offset`: on a separate line, after any trailing comment."""
        line_end = file.text.find("\n", offset)
        line_end = len(file.text) if line_end < 0 else line_end
        rest = file.text[offset:line_end].strip()
        if not rest or rest.startswith("//") or re.fullmatch(r"/\*(?:(?!\*/).)*\*/", rest):
            at = line_end - 1 if file.text[line_end - 1 : line_end] == "\r" else line_end
            self.insert(file, at, f"\n{indentation(file, offset)}{statement}")
        else:
            self.insert(file, offset, f" {statement}")


def editable(span: Span) -> Span:
    """The span. Raises InMacro if it is the call of a macro, into which no text can be inserted."""
    if span.from_macro:
        raise InMacro([span])
    return span


def indentation(file: SourceFile, offset: int) -> str:
    """White space that begins the line of an offset."""
    start = file.text.rfind("\n", 0, offset) + 1
    match = re.match(r"[ \t]*", file.text[start:])
    return match.group() if match else ""


def above_comment(file: SourceFile, offset: int) -> int:
    """The offset, or that of the comment lines directly above it, which belong to it."""
    inside = comments(file.text)
    line_start = file.text.rfind("\n", 0, offset) + 1
    if file.text[line_start:offset].strip():
        return offset
    position = line_start
    while position > 0:
        end = len(file.text[:position].rstrip())
        blank = file.text[end:position]
        k = bisect_right([start for start, _ in inside], end - 1) - 1
        if blank.count("\n") != 1 or k < 0 or inside[k][1] != end:
            break
        start = inside[k][0]
        above = file.text.rfind("\n", 0, start) + 1
        if file.text[above:start].strip():
            break
        position = above
    return position


def splice(text: str, insertions: Sequence[tuple[int, str]]) -> tuple[str, list[tuple[int, int]]]:
    """A text with insertions at offsets of it, and where they are in the result."""
    parts: list[str] = []
    places: list[tuple[int, int]] = []
    position = length = 0
    for offset, added in sorted(insertions, key=lambda edit: edit[0]):
        length += offset - position
        parts += [text[position:offset], added]
        places.append((length, length + len(added)))
        position, length = offset, length + len(added)
    return "".join([*parts, text[position:]]), places


def moved(ranges: Ranges, additions: Ranges) -> list[tuple[int, int]]:
    """Where ranges of a text are after something was added to it. `additions`: places in the new text, in order."""
    added: list[tuple[int, int]] = []  # offset in the old text, length
    for start, end in additions:
        added.append((start - sum(length for _, length in added), end - start))

    def shifted(offset: int, *, behind: bool) -> int:
        return offset + sum(length for at, length in added if at < offset or (behind and at == offset))

    return [(shifted(start, behind=True), shifted(end, behind=False)) for start, end in ranges]


def merged(ranges: Ranges) -> list[tuple[int, int]]:
    """In order, those that meet made one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


@dataclass
class Inliner:
    """Joins a program's files, with their edits, into one text. `is_library`: files that stay an `#include`."""

    edits: Edits
    files: Sequence[SourceFile]
    include_dirs: Sequence[Path]
    is_library: Callable[[SourceFile], bool]
    guard: str
    repeated: frozenset[SourceFile] = frozenset()
    inlined: list[SourceFile] = field(default_factory=list)
    _settled: set[SourceFile] = field(default_factory=set)

    def render(self, main: SourceFile) -> tuple[str, list[tuple[int, int]]]:
        """The text, and where in it something was added to `main`'s own text: [start, end) each.

        Raises P4Error if a file with edits is included in a way that cannot be followed."""
        result = splice(main.text, self._insertions(main, settles=True))
        for file in self.edits.touched():
            if file is not main and file not in self.inlined:
                place = Span(file, 0, 0)
                raise P4Error(Diagnostic("cannot find the #include of this file, so State4's code has no place", place))
            if file in self.repeated:
                at = self.edits.insertions(file)[0][0]
                message = "the text of this file is used more than once; State4 cannot put its code here"
                raise P4Error(Diagnostic(message, Span(file, at, at + 1)))
        return result

    def _insertions(self, file: SourceFile, *, settles: bool) -> list[tuple[int, str]]:
        """The edits of a file, and the text of what it includes. `settles`: the compiler certainly sees this text, so
        what it includes unconditionally is not inserted again further down."""
        insertions = list(self.edits.insertions(file))
        inside = comments(file.text)
        for match in _INCLUDE.finditer(file.text):
            directive = file.text.index("#", match.start())
            included = self._find(file, match.group(1), match.group(2))
            if included is None or self.is_library(included) or _covering(inside, directive) is not None:
                continue
            insertions.append((directive, "// "))
            if included in self._settled:
                insertions.append((match.end(), "  (given above)"))
                continue
            sure = settles and not _conditional(file.text, directive)
            if sure and included not in self.repeated:
                self._settled.add(included)
            self.inlined.append(included)
            body = splice(included.text, self._insertions(included, settles=sure))[0]
            if body and not body.endswith("\n"):
                body += "\n"
            insertions.append((match.end(), f"\n{self._guarded(included, body)}// end of {_quoted(match)}"))
        return insertions

    def _guarded(self, file: SourceFile, body: str) -> str:
        if file in self.repeated:
            return body
        name = f"{self.guard}_FILE_{self.files.index(file)}"
        return f"#ifndef {name}\n#define {name}\n{body}#endif\n"

    def _find(self, includer: SourceFile, quoted: str | None, angled: str | None) -> SourceFile | None:
        directories = list(self.include_dirs)
        if quoted is not None:
            directories.insert(0, Path(includer.path).parent)
        for directory in directories:
            path = os.path.realpath(directory / (quoted or angled or ""))
            for file in self.files:
                if os.path.realpath(file.path) == path:
                    return file
        return None


def _conditional(text: str, offset: int) -> bool:
    """Whether a place is inside an `#if` other than the guard around the whole file."""
    inside = comments(text)
    found = [m for m in _CONDITION.finditer(text) if _covering(inside, m.start(m.lastindex or 0)) is None]
    depth = sum(1 if m.group(1) else -1 for m in found if m.start() < offset)
    first_code = 0
    for start, end in inside:
        if text[first_code:start].strip():
            break
        first_code = end
    guard = _GUARD.match(text, first_code)
    guarded = guard is not None and guard.group(1) == guard.group(2)
    return depth > (1 if guarded and depth > 0 else 0)


def _quoted(match: re.Match[str]) -> str:
    return f'"{match.group(1)}"' if match.group(1) is not None else f"<{match.group(2)}>"
