"""Command lines of other programs' commands: each flag of the original is accepted, has no effect (with a note), or is
refused with the reason. What cannot be meant is told in one line, without the usage: bmv2 has forty flags."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from softswitch.errors import SwitchError


class CommandError(SwitchError):
    """A command line that is refused; the message names the flag and the reason."""


@dataclass(frozen=True)
class Flag:
    """One flag with its `names` in the original command. `value` names its argument; None: it takes none. `optional`:
    the value if the argument is missing; if present it follows `=`. `several`: the flag may be repeated. `number`: the
    argument is a whole number, from `low` to `high` (None: any).

    `no_effect` and `refused` give the reason why the flag does nothing here, or why a command with it does not start. A
    `silent` flag needs no note, because the switch always does what it asks for."""

    names: tuple[str, ...]
    text: str
    value: str | None = None
    optional: str | None = None
    several: bool = False
    number: bool = False
    low: int = 0
    high: int | None = None
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


class Parser(argparse.ArgumentParser):
    """Raises CommandError where argparse prints the usage and exits. Its subparsers do so, too."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(self._clear(message.removeprefix("argument ")))

    def _clear(self, message: str) -> str:
        flag, _, problem = message.partition(": ")
        action = self._option_string_actions.get(flag.partition("/")[0])
        if action is not None and problem == "expected one argument":
            return f"{flag} needs a value: {action.metavar or action.dest.upper()}"
        if action is not None and problem.startswith("ignored explicit argument"):
            return f"{flag} takes no value:{problem.removeprefix('ignored explicit argument')} is too much"
        return message


def parse(command: str, description: str, flags: Sequence[Flag], words: Sequence[str], usage: str) -> Given:
    """Parses a command line. Raises CommandError for what the original would reject and for flags that are refused
    here; SystemExit(0) after `--help`."""
    parser = Parser(prog=command, description=description, usage=usage)
    for flag in flags:
        add_flag(parser, flag)
    known, rest = parser.parse_known_args(list(_joined(flags, words)))
    unknown = [word for word in rest if word.startswith("-") and len(word) > 1]
    if unknown:
        raise CommandError(f"unknown option {unknown[0]} (--help lists all)")
    return Given(known, tuple(rest), tuple(_judge(flags, known)))


def add_flag(parser: argparse.ArgumentParser, flag: Flag) -> None:
    text = flag.help.replace("%", "%%")
    if flag.value is None:
        parser.add_argument(*flag.names, dest=flag.key, action="store_true", help=text)
        return
    kind = _whole_number(flag.low, flag.high) if flag.number else str
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


def _whole_number(low: int, high: int | None) -> Callable[[str], int]:
    limits = f"from {low}" if high is None else f"from {low} to {high}"

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= (int(text) if high is None else high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {limits}")
        return int(text)

    return read


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
