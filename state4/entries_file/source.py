"""From the text of a file of entries to blocks of plain values that know their lines."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from state4.entries_file.model import EntryError, Place

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BLOCKS = {
    "entry": ("table", "match", "action", "params", "priority"),
    "default": ("table", "action", "params"),
    "multicast": ("group", "ports", "replicas"),
    "clone": ("session", "ports", "replicas", "truncate"),
    "register": ("name", "index", "values"),
}

_HEADER = re.compile(r"^\s*\[\[\s*(\w+)\s*\]\]")
_TABLE = re.compile(r"^\s*\[")
_KEY = re.compile(r"^\s*(\w+)\s*=")
_ERROR_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True)
class Block:
    """One `[[kind]]` block of the file. `lines`: the line of each key in it."""

    kind: str
    values: dict[str, Any]
    place: Place
    lines: dict[str, int]

    def at(self, key: str) -> Place:
        """Where `key` stands, or the block's first line."""
        return Place(self.place.path, self.lines.get(key, self.place.line))


@dataclass(frozen=True)
class EntrySource:
    """A file of entries before it meets a program. `names`: words that stand for values in this file."""

    path: Path
    names: dict[str, int | str]
    blocks: tuple[Block, ...]


def parse(text: str, path: Path) -> EntrySource:
    """Blocks of a file in its order, after those of the files that it includes.

    Raises EntryError for what is no TOML, for unknown blocks and keys, and for an included file that can't be read.
    """
    return _parse(text, path, (path.resolve(),))


def _parse(text: str, path: Path, chain: tuple[Path, ...]) -> EntrySource:
    """`chain`: this file and those that led to it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _ERROR_LINE.search(str(error))
        line = int(found.group(1)) if found else text.count("\n") + 1
        raise EntryError([f"{path}:{line}: error: not TOML: {_ERROR_LINE.sub('', str(error)).strip()}"]) from None

    problems: list[str] = []
    included, found_problems = _included(document.pop("include", []), Place(path, _line_of(text, "include")), chain)
    problems += found_problems
    names = document.pop("names", {})
    if not isinstance(names, dict):
        raise EntryError([f"{path}:1: error: `names` has to be a [names] table of words and their values"])
    for word, value in names.items():
        if isinstance(value, bool) or not isinstance(value, int | str):
            problems.append(f"{path}:1: error: the name '{word}' has to stand for a number or a string")
    for source in included:
        for word, value in source.names.items():
            if names.setdefault(word, value) != value:
                problems.append(f"{path}:1: error: the name '{word}' stands for another value in {source.path}")

    blocks: list[Block] = []
    headers = _headers(text)
    for kind, contents in document.items():
        if kind not in BLOCKS:
            problems.append(f"{path}:{_line_of(text, kind)}: error: unknown block '{kind}'; known: {', '.join(BLOCKS)}")
            continue
        places = headers.get(kind, [])
        if not isinstance(contents, list) or len(contents) != len(places):
            problems.append(
                f"{path}:{_line_of(text, kind)}: error: write every '{kind}' as a separate block [[{kind}]]"
            )
            continue
        for values, (line, lines) in zip(contents, places, strict=True):
            block = Block(kind, values, Place(path, line), lines)
            for key in values:
                if key not in BLOCKS[kind]:
                    problems.append(f"{block.at(key)}: error: unknown key '{key}'; known: {', '.join(BLOCKS[kind])}")
            blocks.append(block)
    if problems:
        raise EntryError(problems)
    blocks.sort(key=lambda block: block.place.line)
    return EntrySource(path, names, (*(block for source in included for block in source.blocks), *blocks))


def _included(wanted: object, place: Place, chain: tuple[Path, ...]) -> tuple[list[EntrySource], list[str]]:
    """The files that `include` names, which lie in the same folder or are named from there, and what is wrong."""
    if not isinstance(wanted, list) or not all(isinstance(name, str) for name in wanted):
        return [], [f'{place}: error: `include` has to be a list of files: include = ["other.entries.toml"]']
    sources, problems = [], []
    for name in wanted:
        file = place.path.parent / name
        if file.resolve() in chain:
            problems.append(f"{place}: error: '{name}' includes itself")
            continue
        try:
            sources.append(_parse(file.read_text(encoding="utf-8"), file, (*chain, file.resolve())))
        except EntryError as error:
            problems += error.problems
        except OSError as error:
            problems.append(f"{place}: error: cannot read '{name}': {error.strerror}")
    return sources, problems


def _headers(text: str) -> dict[str, list[tuple[int, dict[str, int]]]]:
    """By kind of block: the line of each block and the lines of its keys."""
    found: dict[str, list[tuple[int, dict[str, int]]]] = {}
    keys: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            keys = {}
            found.setdefault(header.group(1), []).append((number, keys))
        elif _TABLE.match(line):
            keys = {}
        elif key := _KEY.match(line):
            keys.setdefault(key.group(1), number)
    return found


def _line_of(text: str, word: str) -> int:
    pattern = re.compile(rf"^\s*\[*\s*{re.escape(word)}\b")
    return next((number for number, line in enumerate(text.splitlines(), start=1) if pattern.match(line)), 1)
