"""Finds the tokens of the preprocessor's output again in the text they came from.

The output keeps the order and the lines of the text but not its columns, comments or continuation lines, and has
replaced each macro call by what it stands for. Each output line is therefore matched with the tokens of the text from
that line on: a token that is no macro's name must come out as itself, and a macro call may come out as any number of
tokens, all of which get the call's span.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from p4front.lexer import DIRECTIVE, RawToken, Token, scan
from p4front.source import SourceFile

_WORD = re.compile(r"[A-Za-z_]\w*")

Step = tuple[int, int, bool]
"""Index after it in the text's tokens, index after it in the output's tokens, whether it is a macro call."""


class Aligner:
    """The tokens of one file, and the search for output lines in them."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._raw = scan(source.text)
        self._starts = [token[2] for token in self._raw]

    def align(self, output: str, line: int, macros: dict[str, str]) -> list[Token]:
        """Tokens of an output line that stands for the text from 1-based `line` on. `macros`: name -> definition."""
        produced = scan(output)
        if not produced:
            return []
        source, raw = self._source, self._raw
        try:
            first = bisect_left(self._starts, source.line_start(line))
        except IndexError:
            first = len(raw)
        same = raw[first : first + len(produced)]
        if (
            len(same) == len(produced)
            and all(a[1] == b[1] and a[1] not in macros for a, b in zip(same, produced, strict=True))
            and self._line_ends_at(first + len(produced))
        ):
            return [Token(p[0], p[1], source, s[2], s[3]) for p, s in zip(produced, same, strict=True)]
        steps = self._search(produced, first, macros)
        if steps is None:
            start = raw[first][2] if first < len(raw) else len(source.text)
            newline = source.text.find("\n", start)
            end = newline if newline >= 0 else len(source.text)
            return [Token(p[0], p[1], source, start, end, True) for p in produced]
        tokens = []
        at, out = first, 0
        for next_at, next_out, is_macro in steps:
            start, end = raw[at][2], raw[next_at - 1][3]
            tokens += [Token(p[0], p[1], source, start, end, is_macro) for p in produced[out:next_out]]
            at, out = next_at, next_out
        return tokens

    def _line_ends_at(self, index: int) -> bool:
        """Whether the token at `index` begins a line (or there is none)."""
        raw = self._raw
        if index >= len(raw) or index == 0:
            return True
        return "\n" in self._source.text[raw[index - 1][3] : raw[index][2]]

    def _search(self, produced: list[RawToken], first: int, macros: dict[str, str]) -> list[Step] | None:
        """A path through (text, output) that uses up the output and stops at the end of a line; depth first."""
        raw, goal = self._raw, len(produced)
        failed: set[tuple[int, int]] = set()
        path: list[Step] = []
        choices = [self._options(first, 0, produced, macros)]
        while choices:
            step = next(choices[-1], None)
            if step is None:
                choices.pop()
                if path:
                    dead = path.pop()
                    failed.add((dead[0], dead[1]))
                continue
            at, out, _ = step
            if (at, out) in failed:
                continue
            path.append(step)
            if out == goal and self._line_ends_at(at):
                return path
            choices.append(self._options(at, out, produced, macros) if at < len(raw) else iter(()))
        return None

    def _options(self, at: int, out: int, produced: list[RawToken], macros: dict[str, str]) -> Iterator[Step]:
        raw = self._raw
        if at >= len(raw):
            return
        kind, text, _, _ = raw[at]
        if kind == DIRECTIVE:
            return
        definition = macros.get(text)
        if definition is not None:
            for end in self._call_ends(at, definition):
                rest = len(produced) - out
                usual = _usual_length(definition, macros)
                if usual is not None and usual <= rest:
                    yield end, out + usual, True
                for count in range(rest, -1, -1):
                    yield end, out + count, True
        if out < len(produced) and produced[out][1] == text:
            yield at + 1, out + 1, False

    def _call_ends(self, at: int, definition: str) -> Iterator[int]:
        """Where the macro call that begins at `at` may end: after its name, or after its brackets."""
        raw = self._raw
        if not definition.startswith("("):
            yield at + 1
        if at + 1 < len(raw) and raw[at + 1][1] == "(":
            depth = 0
            for i in range(at + 1, len(raw)):
                text = raw[i][1]
                depth += (text == "(") - (text == ")")
                if depth == 0:
                    yield i + 1
                    return


def _usual_length(definition: str, macros: dict[str, str]) -> int | None:
    """How many tokens a macro without parameters gives, if no other macro is in it."""
    if definition.startswith("(") or any(word in macros for word in _WORD.findall(definition)):
        return None
    return len(scan(definition))
