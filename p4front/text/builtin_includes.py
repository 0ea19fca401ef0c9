"""Programs that need no C preprocessor: no directive but the includes of our own core.p4 and v1model.p4.

Most programs are like that. Our two library files use only `#ifndef`, `#if NAME >= NUMBER`, `#else`, `#endif`,
`#define`, `#include` and one macro in their text, V1MODEL_VERSION; that much is done here. The tokens are the same as
those that `cc -E` gives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from p4front.text.includes import LIBRARY, LIBRARY_FILES, LIBRARY_VERSION, read_source
from p4front.text.lexer import DIRECTIVE, Token, scan
from p4front.text.source import SourceFile

_INCLUDE = re.compile(r'#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")\s*$')
_COMMENT = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/")
_NEEDS_CC = re.compile(r"\\\r?\n|\b(?:__[A-Z][A-Z_]*__|V1MODEL_[A-Z_]+|_CORE_P4_|_V1_MODEL_P4_)\b")
"""A continuation line, or a name that is a macro: predefined or of the library files."""


def plain_tokens(
    source: SourceFile, include_dirs: Sequence[Path], defines: Sequence[str]
) -> tuple[list[Token], list[SourceFile]] | None:
    """Tokens and files of a program that needs no C preprocessor; None if it needs it."""
    text = source.text
    version = LIBRARY_VERSION
    for define in defines:
        name, _, value = define.partition("=")
        if name != "V1MODEL_VERSION" or not re.fullmatch(r"[1-9][0-9]*", value):
            return None
        version = value
    if _NEEDS_CC.search(text):
        return None
    raw = scan(text)
    here = Path(source.path).parent
    for kind, word, _, _ in raw:
        if kind == DIRECTIVE and _library_name(word, here) is None:
            return None
    tokens: list[Token] = []
    files = [source]
    for kind, word, start, end in raw:
        if kind == DIRECTIVE:
            name = _library_name(word, here) or ""
            if all(Path(f.path).name != name or f is source for f in files):
                tokens += _library_tokens(name, version, files)
        else:
            tokens.append(Token(kind, word, source, start, end))
    return tokens, files


def _library_name(directive: str, here: Path) -> str | None:
    """The library file that a directive includes; None for any other directive."""
    match = _INCLUDE.match(_COMMENT.sub(" ", directive))
    if not match:
        return None
    name = match.group(1) or match.group(2)
    if name not in LIBRARY_FILES or (match.group(2) and (here / name).exists()):
        return None
    return str(name)


def _library_tokens(name: str, version: str, files: list[SourceFile]) -> list[Token]:
    """Tokens of one of our library files and of what it includes, for a V1MODEL_VERSION."""
    source = read_source(LIBRARY / name)
    files.append(source)
    tokens: list[Token] = []
    active: list[bool] = []  # one entry for each open conditional block
    for kind, word, start, end in scan(source.text):
        if kind != DIRECTIVE:
            if all(active):
                if word == "V1MODEL_VERSION":
                    tokens += [Token(k, w, source, start, end, True) for k, w, _, _ in scan(version)]
                else:
                    tokens.append(Token(kind, word, source, start, end))
            continue
        directive = word[1:].split()
        if directive[0] == "ifndef":
            active.append(True)  # guards and defaults: the names are known not to be defined, or it does not matter
        elif directive[0] == "if":
            active.append(int(version) >= int(directive[3]))
        elif directive[0] == "else":
            active[-1] = not active[-1]
        elif directive[0] == "endif":
            active.pop()
        elif directive[0] == "include" and all(active):
            included = directive[1].strip('"<>')
            if all(Path(f.path) != LIBRARY / included for f in files):
                tokens += _library_tokens(included, version, files)
    return tokens
