"""The Simple Test Framework's files (`.stf`): packets in, packets expected, table entries.

Grammar and semantics follow p4c's tools: numbers are decimal, `0x` or `0b`, with `*` for wildcard digits; packet bytes
are hex digits with `*` for any nibble; `$` at the end of an expectation forbids further bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class StfError(Exception):
    """An invalid line of an .stf file; the message has file and line."""


@dataclass(frozen=True)
class Packet:
    port: int
    data: bytes


@dataclass(frozen=True)
class Expect:
    """`pattern`: upper-case hex digits and `*`; None: any packet. `exact`: no bytes may follow."""

    port: int
    pattern: str | None
    exact: bool


@dataclass(frozen=True)
class ActionCall:
    name: str
    args: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Add:
    """`matches`: (field, value or value/prefix) as written."""

    table: str
    priority: int | None
    matches: tuple[tuple[str, str], ...]
    action: ActionCall
    label: str | None


@dataclass(frozen=True)
class SetDefault:
    table: str
    action: ActionCall


@dataclass(frozen=True)
class CheckCounter:
    """`index` is a number or the label of an entry (`$A`); `unit` "packets" | "bytes"; None: nothing is compared."""

    counter: str
    index: str
    unit: str | None
    operator: str
    value: int


@dataclass(frozen=True)
class Command:
    """Any other command (mirroring_add, mc_node_create, register_write, wait, ...) with its words."""

    name: str
    words: tuple[str, ...]


Statement = Packet | Expect | Add | SetDefault | CheckCounter | Command

_ACTION = re.compile(r"([\w.$\[\]]+)\s*\(([^)]*)\)\s*(?:=\s*(\w+))?\s*$")
_COUNTER = re.compile(r"([\w.]+)\s*\(\s*\$?(\w+)\s*\)\s*(?:(packets|bytes)\s*(==|!=|<=|>=|<|>)\s*(\w+))?")


def parse_stf(path: Path) -> list[Statement]:
    """Raises StfError for an invalid line."""
    return list(_statements(path))


def number(text: str) -> int:
    """A plain number; wildcard digits count as 0 (see `mask`)."""
    text = text.replace("*", "0")
    return int(text, 0) if text[:2].lower() in ("0x", "0b", "0o") else int(text)


def mask(text: str) -> int:
    """The mask implied by the digits as written: `*` does not count, every other digit does; decimal: all ones."""
    prefix, digits = text[:2].lower(), text[2:]
    if prefix not in ("0x", "0b", "0o"):
        return -1
    one, base = {"0x": ("f", 16), "0b": ("1", 2), "0o": ("7", 8)}[prefix]
    return int("".join("0" if digit == "*" else one for digit in digits) or "0", base)


def prefix_length(text: str) -> int | None:
    """Prefix length of an lpm value: from `value/n`, or 4, 3 or 1 bits per written digit; None for a decimal number."""
    if "/" in text:
        return int(text.split("/")[1])
    bits = {"0x": 4, "0b": 1, "0o": 3}.get(text[:2].lower())
    return None if bits is None else bits * (len(text) - 2 - text.count("*"))


def _statements(path: Path) -> Iterator[Statement]:
    for count, raw in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        line = raw.split("#")[0].strip()
        if not line:
            continue
        try:
            yield _statement(line)
        except (ValueError, IndexError) as error:
            raise StfError(f"{path}:{count}: {error}: {line}") from error


def _statement(line: str) -> Statement:
    word, _, rest = line.partition(" ")
    word, rest = word.lower(), rest.strip()
    if word == "packet":
        port, _, data = rest.partition(" ")
        return Packet(int(port), bytes.fromhex("".join(data.split())))
    if word == "expect":
        port, _, data = rest.partition(" ")
        pattern = "".join(data.split()).upper()
        return Expect(int(port), pattern.rstrip("$") or None, pattern.endswith("$"))
    if word == "add":
        return _add(rest)
    if word == "setdefault":
        table, _, call = rest.partition(" ")
        return SetDefault(table, _action(call)[0])
    if word == "check_counter":
        found = _COUNTER.match(rest)
        if not found:
            raise ValueError("not a counter check")
        name, index, unit, operator, value = found.groups()
        return CheckCounter(name, index, unit, operator or "==", number(value) if value else 0)
    return Command(word, tuple(rest.split()))


def _action(text: str) -> tuple[ActionCall, str | None]:
    found = _ACTION.match(text.strip())
    if not found:
        raise ValueError("not an action call")
    name, args, label = found.groups()
    pairs = [tuple(part.strip() for part in arg.split(":")) for arg in args.split(",") if arg.strip()]
    return ActionCall(name, tuple((key, value) for key, value in pairs)), label


def _add(rest: str) -> Add:
    # The action is the last word with parentheses; before it are the table, a priority without a colon, and matches.
    start = re.search(r"[\w.$\[\]]+\s*\([^)]*\)\s*(=\s*\w+)?\s*$", rest)
    if not start:
        raise ValueError("no action")
    action, label = _action(rest[start.start() :])
    head = re.sub(r"\s*:\s*", ":", rest[: start.start()]).split()
    table, words = head[0], head[1:]
    priority = None
    if words and ":" not in words[0]:
        priority = int(words.pop(0))
    matches = tuple((field, value) for field, value in (word.split(":") for word in words))
    return Add(table, priority, matches, action, label)
