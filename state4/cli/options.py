"""Options that several commands share, and what they all print with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from state4.plan.state_map import StateMap, load_map

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def new_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], None], text: str
) -> argparse.ArgumentParser:
    """A parser for one command; `run` does it."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def preprocessor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-I", dest="include", action="append", type=Path, default=[], metavar="DIR")
    parser.add_argument("-D", dest="define", action="append", default=[], metavar="NAME[=VALUE]")


def counts_option(parser: argparse.ArgumentParser) -> None:
    text = "clone counts of indirect counters as well, for a switch that cannot hold packets (bmv2)"
    parser.add_argument("--clone-counts", action="store_true", help=text)


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable")


def plan_options(parser: argparse.ArgumentParser) -> None:
    text = (
        "registers and tables to keep, by name or its end (default: all); tables are left behind only if one is named"
    )
    parser.add_argument("--only", type=_names, metavar="A,B", help=text)
    parser.add_argument(
        "--map", type=Path, metavar="FILE", help="TOML or JSON: other names and forms in the new program"
    )
    parser.add_argument("--allow-loss", action="store_true", help="go on although some state has no place any more")


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("name a component, or use --strategy none to keep nothing")
    return names


def state_map(path: Path | None) -> StateMap:
    """The file of --map. Raises BadMap."""
    return StateMap() if path is None else load_map(path)


def console() -> Console:
    """A console that shows text as it is, and does not wrap what is not shown on a terminal."""
    return Console(emoji=False, markup=False, highlight=False, width=None if sys.stdout.isatty() else 220)
