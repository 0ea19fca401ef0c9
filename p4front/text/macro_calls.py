"""What each macro call of a program stands for, as text that can be put in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from p4front.text.directives import Reader
from p4front.text.includes import IncludeFiles
from p4front.text.pptokens import END, PUNCT, PPToken, relex
from p4front.text.source import Reporter, SourceFile


@dataclass(slots=True)
class MacroCall:
    """A macro's call in `source`, [start, end), and the tokens that it gives. `repeats`: a macro's own name is among
    its results, so the tokens would be expanded once more where they are read again."""

    source: SourceFile
    start: int
    end: int
    tokens: list[PPToken] = field(default_factory=list)
    repeats: bool = False

    def text(self, indent: str) -> str:
        """The tokens as source text, a statement a line. `indent`: begins each further line."""
        return f"\n{indent}".join(_lines(self.tokens))


def macro_calls(source: SourceFile, files: IncludeFiles, defines: Sequence[str] = ()) -> list[MacroCall]:
    """All calls of macros in a program whose text starts in `source`, in order. Those in directives and inside of other
    calls are not among them. Raises P4Error."""
    reader = Reader(source, files, Reporter())
    for define in defines:
        reader.define(define)
    expander = reader.expander
    found: list[MacroCall] = []
    call = None
    while (token := expander.next()).kind != END:
        if expander.call is not call and expander.call is not None:
            found.append(MacroCall(expander.call.source, expander.call.start, expander.call.end))
        call = expander.call
        if call is None:
            continue
        found[-1].end = call.end  # its arguments may have come last
        found[-1].tokens.append(replace(token))
        found[-1].repeats |= token.painted
    return found


def _lines(tokens: Sequence[PPToken]) -> Iterator[str]:
    """A new line after each statement and around each block, unless it is inside of brackets."""
    line, depth, blocks = "", 0, 0
    for number, token in enumerate(tokens):
        depth += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if token.text == "}" and depth == 0:
            blocks = max(0, blocks - 1)
            if line:
                yield line
            line = "    " * blocks
        elif not line and blocks:
            line = "    " * blocks
        if line.strip() and (token.space or _join(tokens[number - 1], token)):
            line += " "
        line += token.text
        if depth == 0 and token.text in ("{", "}", ";"):
            blocks += token.text == "{"
            yield line
            line = ""
    if line:
        yield line


def _join(left: PPToken, right: PPToken) -> bool:
    """Whether two tokens would be others without a space between them."""
    if left.kind != PUNCT and right.kind != PUNCT:
        return True
    return [t.text for t in relex(left.text + right.text)] != [left.text, right.text]
