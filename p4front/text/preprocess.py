"""From a program's text to its tokens: includes, macros and conditional blocks, with spans into the user's own text.

The preprocessor is the C compiler's (`cc -E`), as in p4c. Its output has lost comments and columns, so `align` finds
each token of it again in the text it came from. A program whose only directives are `#include <core.p4>` and
`#include <v1model.p4>` does not need it: `library` reads those two.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from p4front.text.align import Aligner
from p4front.text.builtin_includes import plain_tokens
from p4front.text.includes import LIBRARY_FILES, decode, read_source, search_path
from p4front.text.lexer import DIRECTIVE, EOF, RawToken, Token, scan
from p4front.text.source import Diagnostic, P4Error, SourceFile, Span

_FLAGS = ("-E", "-C", "-dD", "-w", "-undef", "-nostdinc", "-x", "assembler-with-cpp")
_MARKER = re.compile(r'#(?:line)? (\d+) "((?:[^"\\]|\\.)*)"')
_MESSAGE = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):(?:(?P<col>\d+):)? (?:fatal )?error: (?P<text>.*)$")
_MOST_LINES_OF_A_CALL = 50
_LINE_DIRECTIVE = re.compile(r"(?m)^[ \t]*#[ \t]*(?:line[ \t]+)?\d+.*$")


@dataclass(slots=True)
class Preprocessed:
    """The tokens of a program (the last is EOF) and every file they come from, the program's own first."""

    tokens: list[Token]
    files: list[SourceFile] = field(default_factory=list)


def preprocess(source: SourceFile, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()) -> Preprocessed:
    """Tokens of a program after preprocessing.

    `defines` are as for `cc -D`: "NAME" or "NAME=value". Raises P4Error for what the preprocessor reports (a missing
    include, an unbalanced #if, #error) and if there is no C compiler."""
    plain = plain_tokens(source, include_dirs, defines)
    if plain is not None:
        tokens, files = plain
    else:
        tokens, files = _with_cc(source, include_dirs, defines)
    end = len(source.text.rstrip())
    tokens.append(Token(EOF, "", source, end, end))
    return Preprocessed(tokens, files)


def _with_cc(
    source: SourceFile, include_dirs: Sequence[Path], defines: Sequence[str]
) -> tuple[list[Token], list[SourceFile]]:
    path = Path(source.path)
    text = source.text
    if _LINE_DIRECTIVE.search(text):  # it would turn the line markers away from the text; spans are physical
        text = _LINE_DIRECTIVE.sub("", text)
    from_stdin = text is not source.text or not _holds(path, text)
    command = ["cc", *_FLAGS, *(f"-D{d}" for d in defines)]
    if from_stdin:
        command += ["-iquote", str(path.parent)]
    command += [f"-I{directory}" for directory in search_path(include_dirs)]
    name = str(path) if not str(path).startswith("-") else f"./{path}"
    command.append("-" if from_stdin else name)
    try:
        result = subprocess.run(command, input=text.encode() if from_stdin else b"", capture_output=True, check=False)
    except OSError as error:
        raise P4Error(
            Diagnostic(
                "the P4 preprocessor is the C compiler `cc`, which cannot be run "
                f"({error.strerror or error}): install one, for example `apt install gcc`"
            )
        ) from error
    files = _Files(source, {name, "<stdin>"})
    if result.returncode != 0:
        raise P4Error(_diagnostics(decode(result.stderr), files, include_dirs))
    return _tokens(decode(result.stdout), files), list(files.used)


def _holds(path: Path, text: str) -> bool:
    """Whether a file has this very text. An instrumented program goes by the name of the file that it was made from."""
    try:
        return decode(path.read_bytes()) == text
    except OSError:
        return False


class _Files:
    """The source files by the names that the preprocessor gives them."""

    def __init__(self, main: SourceFile, names: set[str]) -> None:
        self.main = main
        self.used = [main]
        self._by_name: dict[str, SourceFile | None] = dict.fromkeys(names, main)
        self._aligners: dict[str, Aligner] = {}

    def get(self, name: str) -> SourceFile | None:
        """None for a name that is no file, such as `<built-in>`."""
        if name not in self._by_name:
            found = read_source(name) if Path(name).is_file() else None
            self._by_name[name] = found
            if found is not None:
                self.used.append(found)
        return self._by_name[name]

    def aligner(self, name: str) -> Aligner | None:
        source = self.get(name)
        if source is None:
            return None
        if source.path not in self._aligners:
            self._aligners[source.path] = Aligner(source)
        return self._aligners[source.path]


@dataclass(slots=True)
class _Chunk:
    """The tokens on one line of the output, and the line of the text that they stand for."""

    aligner: Aligner
    line: int
    tokens: list[RawToken]
    macros: dict[str, str]
    goes_on: bool
    """No line marker stands between this line and the one before."""


def _tokens(output: str, files: _Files) -> list[Token]:
    """The tokens of `cc -E -C -dD`'s output, with their places in the text."""
    tokens: list[Token] = []
    chunks = _chunks(output, files)
    at = 0
    while at < len(chunks):
        chunk = chunks[at]
        joined: list[RawToken] = []
        for count in range(1, _MOST_LINES_OF_A_CALL):
            part = chunks[at + count - 1] if at + count <= len(chunks) else None
            if part is None or part.aligner is not chunk.aligner:
                tokens += chunk.aligner.line(chunk.tokens, chunk.line)
                at += 1
                break
            joined += part.tokens
            found = chunk.aligner.align(joined, chunk.line, chunk.macros, lines=count, goes_on=chunk.goes_on)
            if found is not None:
                tokens += found
                at += count
                break
        else:
            tokens += chunk.aligner.line(chunk.tokens, chunk.line)
            at += 1
    return tokens


def _chunks(output: str, files: _Files) -> list[_Chunk]:
    """Splits the output into its lines. A line marker gives the file and line of what follows it."""
    chunks: list[_Chunk] = []
    macros: dict[str, str] = {}
    aligner: Aligner | None = None
    line, last_end, begin, goes_on = 0, 0, True, False
    for raw in scan(output):
        kind, text, start, end = raw
        gap = output.count("\n", last_end, start)
        line += gap
        if kind == DIRECTIVE:
            begin = True
            marker = _MARKER.match(text)
            if marker:
                line = int(marker.group(1)) - 1
                goes_on = False
                aligner = files.aligner(re.sub(r"\\(.)", r"\1", marker.group(2)))
            else:
                macros = _directive(text, macros)
        elif aligner is not None:
            if begin or gap:
                chunks.append(_Chunk(aligner, line, [], macros, goes_on))
                begin, goes_on = False, True
            chunks[-1].tokens.append(raw)
        line += output.count("\n", start, end)
        last_end = end
    return chunks


def _directive(text: str, macros: dict[str, str]) -> dict[str, str]:
    """The macros (name -> parameters and body) after a #define or #undef that -dD left in the output."""
    match = re.match(r"#\s*(define|undef)\s+(\w+)(.*)", text)
    if not match:
        return macros
    changed = dict(macros)
    if match.group(1) == "define":
        changed[match.group(2)] = match.group(3)
    else:
        changed.pop(match.group(2), None)
    return changed


def _diagnostics(stderr: str, files: _Files, include_dirs: Sequence[Path]) -> list[Diagnostic]:
    """The compiler's messages in our form."""
    found = []
    for message in stderr.splitlines():
        match = _MESSAGE.match(message)
        if not match:
            continue
        source = files.get(match.group("path"))
        text = re.sub(r" \[-W.*\]$", "", match.group("text"))
        missing = re.match(r"(.*): No such file or directory$", text) or re.match(r"'(.*)' file not found$", text)
        if missing:
            places = ", ".join(["the file's own directory", *map(str, include_dirs)])
            text = (
                f"cannot find the include file '{missing.group(1)}' (searched: {places}; built in: "
                f"{', '.join(LIBRARY_FILES)}); give its directory with -I"
            )
        span = None if source is None else _line_span(source, int(match.group("line")), int(match.group("col") or 1))
        found.append(Diagnostic(text, span))
    return found or [Diagnostic(f"the preprocessor failed: {stderr.strip() or 'no message'}")]


def _line_span(source: SourceFile, line: int, col: int) -> Span | None:
    text = source.line_text(line)
    if not text:
        return None
    start = source.line_start(line) + min(max(col - 1, 0), len(text) - 1)
    word = re.compile(r'\w+|[<"][^>"\n]*[>"]|.').match(source.text, start)
    return Span(source, start, word.end() if word else start + 1)
