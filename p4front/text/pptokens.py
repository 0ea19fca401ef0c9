"""Preprocessing tokens (C11 6.4), with their places in the user's text. Letters that follow a digit belong to the
number, so a macro's name among them is not expanded; signs and dots do not (P4 has no fractions, but `0xE++x` and
`0..N`).

Line continuations are removed first, as in C; `Spliced` maps offsets in what remains to the original.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from p4front.text.lexer import BAD, IDENT, KEYWORDS, OPERATORS, PRAGMA, SHIFT_START, STRING, RawToken, scan
from p4front.text.source import SourceFile

NUMBER, PUNCT, NEWLINE, END, PART = "number", "punctuation", "newline", "end", "part of a string"
WORD = IDENT
"""Kinds of preprocessing tokens; also STRING, PRAGMA, SHIFT_START and BAD of P4's lexer."""

_SPLICE = re.compile(r"\\[ \t]*\r?\n")
_PATTERN = r"""
      (?P<blank>   [ \t\r\f\v\ufeff]+ | //[^\n]* | /\*[\s\S]*?\*/ )
    | (?P<newline> \n )
    | (?P<word>    [A-Za-z_][A-Za-z0-9_]* )
    | (?P<number>  [0-9][A-Za-z0-9_]* )
    | (?P<string>  STRING )
    | (?P<part>    "(?:TEXT)*(?=\n[ \t]*\#) )
    | (?P<pragma>  @pragma\b )
    | (?P<open>    /\*[\s\S]* )
    | (?P<shift>   >(?=>(?!=)) )
    | (?P<punct>   \#\#? | @ | OPERATORS )
    | (?P<bad>     "[^\n]* | . )
"""


_IN_STRING = r'\\[\s\S] | [^"\\\n] | \n(?![ \t]*\#)'


def _compiled(string: str) -> re.Pattern[str]:
    pattern = _PATTERN.replace("STRING", string).replace("TEXT", _IN_STRING)
    return re.compile(pattern.replace("OPERATORS", "|".join(map(re.escape, OPERATORS))), re.VERBOSE)


_TEXT = _compiled(f'"(?:{_IN_STRING})*"')
_STRING_REST = re.compile(f"(?:{_IN_STRING})*", re.VERBOSE)
_LINE = _compiled(r'"(?:\\.|[^"\\\n])*" | \'(?:\\.|[^\'\\\n])+\'')
"""In a directive, where no string goes over a line's end and C's characters count."""
_SKIPPED = re.compile(r"""/\*[\s\S]*?(?:\*/|\Z) | //[^\n]* | "(?:\\.|[^"\\\n])*" | [^\n"/]+ | ["/]""", re.VERBOSE)
_NEXT_HASH = re.compile(r"\n?[ \t]*#")
_BEFORE_HASH = re.compile(r"(?:[ \t\r\f\v]|/\*[\s\S]*?\*/)*")
_KINDS = {
    "word": WORD,
    "number": NUMBER,
    "string": STRING,
    "part": PART,
    "pragma": PRAGMA,
    "shift": SHIFT_START,
    "punct": PUNCT,
    "open": BAD,
    "bad": BAD,
}


@dataclass(slots=True)
class PPToken:
    """`start`, `end` are offsets into `text` of `place`. `space`: white space comes before. `painted`: the name of a
    macro that met itself, which is never expanded again (C11 6.10.3.4)."""

    kind: str
    text: str
    place: Spliced | None = None
    start: int = 0
    end: int = 0
    space: bool = False
    painted: bool = False

    def p4(self) -> list[RawToken]:
        """What it is in P4: kind, text, and offsets into the token's text."""
        if self.kind == WORD:
            return [(self.text if self.text in KEYWORDS else IDENT, self.text, 0, len(self.text))]
        if self.kind == NUMBER:
            return scan(self.text)
        kind = self.kind
        if kind == PUNCT:
            kind = BAD if self.text in ("#", "##") else self.text
        return [(kind, self.text, 0, len(self.text))]


@dataclass(eq=False)
class Spliced:
    """A file's text without its line continuations."""

    source: SourceFile
    text: str = ""
    _starts: list[int] = field(default_factory=list)  # offsets in `text` where something was taken out
    _shifts: list[int] = field(default_factory=list)  # how much was taken out up to there

    def __post_init__(self) -> None:
        original = self.source.text
        if "\\" not in original:
            self.text = original
            return
        parts, at, removed = [], 0, 0
        for match in _SPLICE.finditer(original):
            parts.append(original[at : match.start()])
            at = match.end()
            self._starts.append(match.start() - removed)
            removed += match.end() - match.start()
            self._shifts.append(removed)
        parts.append(original[at:])
        self.text = "".join(parts)

    def origin(self, offset: int) -> int:
        """The offset in the user's text of a character of `text`."""
        if not self._starts:
            return offset
        before = bisect_right(self._starts, offset)
        return offset + (self._shifts[before - 1] if before else 0)

    def origin_end(self, end: int) -> int:
        """The same for the end of a range that is not empty."""
        return self.origin(end - 1) + 1


class PPLexer:
    """Reads one file's tokens; the caller says what a line is."""

    def __init__(self, place: Spliced) -> None:
        self.place = place
        self.at = 0

    def next(self, *, in_line: bool = False) -> PPToken:
        """The next token, NEWLINE or END. `in_line`: it belongs to a directive. PART: a string over several lines, up
        to the end of a line after which a directive comes."""
        text, match_at = self.place.text, (_LINE if in_line else _TEXT).match
        space = False
        while True:
            match = match_at(text, self.at)
            if match is None:
                return PPToken(END, "", self.place, len(text), len(text), space)
            self.at = match.end()
            group = match.lastgroup or "bad"
            if group != "blank":
                break
            space = True
        kind = NEWLINE if group == "newline" else _KINDS[group]
        return PPToken(kind, match.group(), self.place, match.start(), self.at, space)

    def string_goes_on(self) -> tuple[str, bool]:
        """More of a string that a directive interrupted, and whether it ends there; else another one or the file's end
        follows."""
        match = _STRING_REST.match(self.place.text, self.at)
        assert match is not None
        self.at = match.end()
        closed = self.place.text.startswith('"', self.at)
        self.at += closed
        return match.group() + '"' * closed, closed

    def directive_follows(self) -> bool:
        """From the end of a line to just after the `#` that begins the next one; False if none does."""
        match = _NEXT_HASH.match(self.place.text, self.at)
        if match is None:
            return False
        self.at = match.end()
        return True

    def skip_to_directive(self) -> bool:
        """From the start of a line to just after the `#` of the next line that begins with one, if any; else False."""
        text = self.place.text
        while self.at < len(text):
            before = _BEFORE_HASH.match(text, self.at)
            at = before.end() if before is not None else self.at
            if text.startswith("#", at):
                self.at = at + 1
                return True
            while (match := _SKIPPED.match(text, self.at)) is not None:
                self.at = match.end()
            self.at += 1  # the line's end
        self.at = len(text)
        return False


def relex(text: str) -> list[PPToken]:
    """The tokens of a text that is in no file."""
    lexer = PPLexer(Spliced(SourceFile("", text)))
    found = []
    while (token := lexer.next(in_line=True)).kind != END:
        token.place = None
        found.append(token)
    return found
