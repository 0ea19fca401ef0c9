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

from p4front.text.expand import expand
from p4front.text.lexer import DIRECTIVE, STRING, RawToken, Token, scan
from p4front.text.source import SourceFile

_WORD = re.compile(r"[A-Za-z_]\w*")

_CONTINUATION = re.compile(r"\\\r?\n")

Step = tuple[int, int, bool]
"""Index after it in the text's tokens, index after it in the output's tokens, whether it is a macro call."""


class Aligner:
    """The tokens of one file, and the search for output lines in them."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._raw = scan(source.text)
        self._starts = [token[2] for token in self._raw]
        self._next = 0

    def align(
        self,
        produced: list[RawToken],
        line: int,
        macros: dict[str, str],
        *,
        lines: int = 1,
        goes_on: bool = False,
    ) -> list[Token] | None:
        """Tokens of one or more output `lines` that stand for the text from 1-based `line` on; None if they are not
        there: a macro call over several lines may come out on several lines. `macros`: name -> definition. `goes_on`:
        the output line before was the last one given here, so this stands for what comes after it in the text."""
        source, raw = self._source, self._raw
        try:
            first = bisect_left(self._starts, source.line_start(line))
        except IndexError:
            first = len(raw)
        if goes_on:  # the output counts lines wrongly after a macro call over several of them
            first = max(first, self._next)
        same = raw[first : first + len(produced)]
        if (
            len(same) == len(produced)
            and all(a[1] == b[1] and a[1] not in macros for a, b in zip(same, produced, strict=True))
            and self._line_ends_at(first + len(produced))
        ):
            self._next = first + len(produced)
            return [Token(p[0], p[1], source, s[2], s[3]) for p, s in zip(produced, same, strict=True)]
        steps = self._search(produced, first, macros, lines)
        if steps is None:
            return None
        tokens = []
        at, out = first, 0
        for next_at, next_out, is_macro in steps:
            start, end = raw[at][2], raw[next_at - 1][3]
            if is_macro or _changed_string(produced[out][1], raw[at][1]):
                tokens += [Token(p[0], p[1], source, start, end, True) for p in produced[out:next_out]]
            else:
                tokens.append(Token(produced[out][0], raw[at][1], source, start, end))
            at, out = next_at, next_out
        self._next = at
        return tokens

    def line(self, produced: list[RawToken], line: int) -> list[Token]:
        """What to do with tokens that cannot be found: all of them stand for the whole line."""
        source = self._source
        text = source.line_text(line).strip()
        start = source.text.find(text, source.line_start(line)) if text else max(len(source.text) - 1, 0)
        return [Token(p[0], p[1], source, start, start + len(text), True) for p in produced]

    def _line_ends_at(self, index: int) -> bool:
        """Whether the token at `index` begins a line (or there is none)."""
        raw = self._raw
        if index >= len(raw) or index == 0:
            return True
        return "\n" in _CONTINUATION.sub("", self._source.text[raw[index - 1][3] : raw[index][2]])

    def _search(self, produced: list[RawToken], first: int, macros: dict[str, str], lines: int) -> list[Step] | None:
        """A path through (text, output) that uses up the output and stops at the end of a line; depth first. A line of
        the output goes over no line end of the text, except inside a macro call."""
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
            if out and self._line_ends_at(at) and (lines == 1 or out == goal):
                if out == goal:
                    return path
                choices.append(iter(()))
                continue
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
        as_is = out < len(produced) and (
            produced[out][1] == text or (kind == produced[out][0] == STRING and "\n" in text)
        )
        if as_is and (definition is None or text not in _WORD.findall(definition)):
            yield at + 1, out + 1, False
            as_is = False
        if definition is not None:
            ends = list(self._call_ends(at, definition))
            for end in ends:
                usual = expand([token[1] for token in raw[at:end]], macros)
                if usual == [token[1] for token in produced[out : out + len(usual)]]:
                    yield end, out + len(usual), True
            for end in ends:
                for next_out in range(len(produced), out - 1, -1):
                    yield end, next_out, True
        if as_is:
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


def _changed_string(output: str, text: str) -> bool:
    """Whether a string over several lines came out as another: without the line breaks that follow a backslash, or with
    macros replaced. Its spaces are always squeezed; that does not count."""
    return "\n" in text and "".join(output.split()) != "".join(text.split())
