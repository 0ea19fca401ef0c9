"""Command lines of other programs' commands: each flag of the original is accepted, has no effect (with a note), or is
refused with the reason."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from softswitch.errors import SwitchError


class CommandError(SwitchError):
    """A command line that is refused; the message names the flag and the reason."""


@dataclass(frozen=True)
class Flag:
    """One flag with its `names` in the original command. `value` names its argument; None: it takes none. `optional`:
    the value if the argument is missing; if present it follows `=`. `several`: the flag may be repeated.

    `no_effect` and `refused` give the reason why the flag does nothing here, or why a command with it does not start. A
    `silent` flag needs no note, because the switch always does what it asks for."""

    names: tuple[str, ...]
    text: str
    value: str | None = None
    optional: str | None = None
    several: bool = False
    number: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None
    no_effect: str = ""
    refused: str = ""
    silent: bool = False

    @property
    def key(self) -> str:
        """The attribute that holds the flag's value."""
        longest = next((name for name in self.names if name.startswith("--")), self.names[0])
        return longest.lstrip("-").replace("-", "_").replace("#", "n")

    @property
    def help(self) -> str:
        if self.refused:
            return f"refused: {self.refused}"
        return f"{self.text} (without effect: {self.no_effect})" if self.no_effect else self.text


@dataclass(frozen=True)
class Given:
    """A parsed command line: values of flags, positional words, and notes about flags for the user."""

    values: argparse.Namespace
    words: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise CommandError(message)


def parse(command: str, description: str, flags: Sequence[Flag], words: Sequence[str], usage: str) -> Given:
    """Parses a command line. Raises CommandError for what the original would reject and for flags that are refused
    here; SystemExit(0) after `--help`."""
    parser = _Parser(prog=command, description=description, usage=usage)
    for flag in flags:
        _add(parser, flag)
    known, rest = parser.parse_known_args(list(_joined(flags, words)))
    unknown = [word for word in rest if word.startswith("-") and len(word) > 1]
    if unknown:
        raise CommandError(f"unknown option {unknown[0]} (--help lists all)")
    return Given(known, tuple(rest), tuple(_judge(flags, known)))


def _add(parser: argparse.ArgumentParser, flag: Flag) -> None:
    text = flag.help.replace("%", "%%")
    if flag.value is None:
        parser.add_argument(*flag.names, dest=flag.key, action="store_true", help=text)
        return
    kind = int if flag.number else str
    if flag.several:
        parser.add_argument(
            *flag.names, dest=flag.key, action="append", default=[], metavar=flag.value, type=kind, help=text
        )
        return
    parser.add_argument(
        *flag.names,
        dest=flag.key,
        metavar=flag.value,
        type=kind,
        choices=flag.choices or None,
        default=flag.default,
        help=text,
    )


def _joined(flags: Sequence[Flag], words: Sequence[str]) -> Iterator[str]:
    """Inserts the default after a flag whose argument is missing, so that the next word is not taken for it."""
    optional = {name: flag.optional for flag in flags if flag.optional is not None for name in flag.names}
    for word in words:
        yield f"{word}={optional[word]}" if word in optional else word


def _judge(flags: Sequence[Flag], values: argparse.Namespace) -> Iterator[str]:
    """Yields notes about flags without effect. Raises CommandError for a refused flag."""
    for flag in flags:
        value = getattr(values, flag.key)
        given = bool(value) if flag.value is None or flag.several else str(value) != str(flag.default)
        if not given:
            continue
        if flag.refused:
            raise CommandError(f"{flag.names[0]}: {flag.refused}")
        if flag.no_effect and not flag.silent:
            yield f"{flag.names[0]} has no effect here: {flag.no_effect}"
