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

from p4front.lexer import DIRECTIVE, STRING, RawToken, Token, scan
from p4front.source import SourceFile

_WORD = re.compile(r"[A-Za-z_]\w*")

_DEEPEST = 20

Step = tuple[int, int, bool]
"""Index after it in the text's tokens, index after it in the output's tokens, whether it is a macro call."""


class Aligner:
    """The tokens of one file, and the search for output lines in them."""

    def __init__(self, source: SourceFile) -> None:
        self._source = source
        self._raw = scan(source.text)
        self._starts = [token[2] for token in self._raw]

    def align(self, produced: list[RawToken], line: int, macros: dict[str, str]) -> list[Token] | None:
        """Tokens of an output line that stands for the text from 1-based `line` on; None if they are not there: a macro
        call over several lines may come out on several lines. `macros`: name -> definition."""
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
        as_is = out < len(produced) and (
            produced[out][1] == text or (kind == produced[out][0] == STRING and "\n" in text)
        )
        if as_is and (definition is None or text not in _WORD.findall(definition)):
            yield at + 1, out + 1, False
            as_is = False
        if definition is not None:
            rest = len(produced) - out
            for end in self._call_ends(at, definition):
                usual = _usual_length(definition, [t[1] for t in raw[at + 1 : end]], macros)
                if usual is not None and usual <= rest:
                    yield end, out + usual, True
                for count in range(rest, -1, -1):
                    yield end, out + count, True
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


def _usual_length(definition: str, call: list[str], macros: dict[str, str], depth: int = 0) -> int | None:
    """How many tokens a macro call gives; `call`: the tokens from `(` to `)`. It only says where to look first, and is
    None where calls of macros with parameters are in the definition or the arguments."""
    if depth > _DEEPEST or any(word in macros for word in call):
        return None
    arguments: dict[str, int] = {}
    if definition.startswith("("):
        names, _, definition = definition[1:].partition(")")
        arguments = dict(zip((name.strip() for name in names.split(",")), _argument_lengths(call), strict=False))
    parts = re.sub(r"(?<!#)#\s*[A-Za-z_]\w*", '""', definition).split("##")
    total = 1 - len(parts)
    for part in parts:
        tokens = [token[1] for token in scan(part)]
        for token, following in zip(tokens, [*tokens[1:], ""], strict=False):
            inner = macros.get(token)
            if inner is None or (inner.startswith("(") and following != "("):
                total += arguments.get(token, 1)
            elif inner.startswith("("):
                return None
            else:
                length = _usual_length(inner, [], macros, depth + 1)
                if length is None:
                    return None
                total += length
    return total


def _argument_lengths(call: list[str]) -> list[int]:
    counts = [0]
    depth = 0
    for text in call[1:-1]:
        if text == "," and depth == 0:
            counts.append(0)
            continue
        depth += (text == "(") - (text == ")")
        counts[-1] += 1
    return counts
