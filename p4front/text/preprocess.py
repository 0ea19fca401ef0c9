"""From a program's text to its tokens: includes, macros and conditional blocks, with spans into the user's own text.

This is a C preprocessor (C11 6.10, with GNU's variable arguments), as P4_16 programs expect one, made for P4: a token
that was written has its exact place in the user's file, and one that a macro produced has the place of the macro's
call. The text of an include comes from `IncludeFiles` and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from p4front.text.directives import Reader
from p4front.text.expansion import Call
from p4front.text.includes import FolderFiles, IncludeFiles
from p4front.text.lexer import END_PRAGMA, EOF, PRAGMA, Token
from p4front.text.pptokens import END, PPToken
from p4front.text.source import Diagnostic, Reporter, SourceFile


@dataclass(slots=True)
class Preprocessed:
    """The tokens of a program (the last is EOF), every file they come from, the program's own first, and warnings."""

    tokens: list[Token]
    files: list[SourceFile] = field(default_factory=list)
    warnings: list[Diagnostic] = field(default_factory=list)


def preprocess(
    source: SourceFile,
    include_dirs: Sequence[Path] = (),
    defines: Sequence[str] = (),
    *,
    files: IncludeFiles | None = None,
) -> Preprocessed:
    """Tokens of a program after preprocessing.

    `include_dirs` are searched after our own core.p4 and v1model.p4; `files` replaces them. `defines` are as
    for `cc -D`: "NAME" or "NAME=value". Raises P4Error for a missing include, an unbalanced #if, #error and what else
    is wrong with a directive or a macro's call, and for programs beyond `expansion.MAX_STEPS`."""
    reporter = Reporter()
    reader = Reader(source, files or FolderFiles(include_dirs), reporter)
    for define in defines:
        reader.define(define)
    output = _Output()
    expander = reader.expander
    while (token := expander.next()).kind != END:
        output.add(token, expander.call)
    reader.finish()
    reporter.raise_if_errors()
    output.finish()
    end = len(source.text.rstrip())
    output.tokens.append(Token(EOF, "", source, end, end))
    return Preprocessed(output.tokens, reader.used, reporter.warnings)


class _Output:
    """Collects P4's tokens."""

    def __init__(self) -> None:
        self.tokens: list[Token] = []
        self._pragma: tuple[SourceFile, int] | None = None
        """The line of a `@pragma` that is being read: its file and end."""
        self._call: Call | None = None
        self._first_of_call = 0

    def add(self, token: PPToken, call: Call | None) -> None:
        if call is not self._call:
            self._end_call()
            self._call, self._first_of_call = call, len(self.tokens)
        if call is not None:
            self._end_pragma_before(call.source, call.start)
            self.tokens += [Token(k, text, call.source, call.start, call.end, True) for k, text, _, _ in token.p4()]
            return
        place = token.place
        assert place is not None  # only macros make tokens without a place
        self._end_pragma_before(place.source, place.origin(token.start))
        pieces = token.p4()
        for kind, text, start, end in pieces:
            whole = len(pieces) == 1
            first = place.origin(token.start if whole else token.start + start)
            last = place.origin_end(token.end if whole else token.start + end)
            self.tokens.append(Token(kind, text, place.source, first, last, last - first != len(text)))
        if token.kind == PRAGMA or self._pragma is not None:
            newline = place.text.find("\n", token.end)
            self._pragma = (place.source, place.origin(newline) if newline >= 0 else len(place.source.text))

    def finish(self) -> None:
        self._end_call()
        self._end_pragma_before(None, 0)

    def _end_call(self) -> None:
        """Its tokens get the whole of the call as their place: the arguments may have come last."""
        if self._call is None:
            return
        for token in self.tokens[self._first_of_call :]:
            token.end = self._call.end
            if token.kind == PRAGMA:
                newline = token.file.text.find("\n", token.end)
                self._pragma = (token.file, newline if newline >= 0 else len(token.file.text))

    def _end_pragma_before(self, source: SourceFile | None, start: int) -> None:
        if self._pragma is not None and (source is not self._pragma[0] or start >= self._pragma[1]):
            file, end = self._pragma
            self.tokens.append(Token(END_PRAGMA, "", file, end, end))
            self._pragma = None
