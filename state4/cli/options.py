"""Options that several commands share, and what they all print with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rich.console import Console

from p4front.load import load_program
from p4front.p4info import build_p4info
from state4.analysis.needless import needless_registers
from state4.cim import Track
from state4.instrumentation.free_numbers import MAX_SESSION
from state4.plan.state_map import StateMap, load_map
from state4.programs import PrepareOptions
from state4.targets import addresses
from state4.targets.cpu_port import CPU_PORT
from state4.targets.p4runtime.mastership import OWN_ROLE
from state4.targets.p4runtime.target import P4RuntimeTarget

if TYPE_CHECKING:
    from state4.targets.bmv2.target import Bmv2Target

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def new_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int | None], text: str
) -> argparse.ArgumentParser:
    """A parser for one command; `run` does it and may return an exit code."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def preprocessor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-I", dest="include", action="append", type=Path, default=[], metavar="DIR")
    parser.add_argument("-D", dest="define", action="append", default=[], metavar="NAME[=VALUE]")


def counts_option(parser: argparse.ArgumentParser) -> None:
    text = "also clone counts of indirect counters, for a switch that cannot hold packets (bmv2)"
    parser.add_argument("--clone-counts", action="store_true", help=text)


def track_option(parser: argparse.ArgumentParser, default: Track | None) -> None:
    text = "how updates are tracked: by packet clones, by a dirty map (for strategy precopy), or both; default: " + (
        str(default) if default is not None else "what the strategy needs"
    )
    parser.add_argument("--track", type=Track, choices=list(Track), default=default, help=text)


def session_option(parser: argparse.ArgumentParser) -> None:
    text = "clone session to the CPU port (default: a free one)"
    parser.add_argument("--session", type=_session, default=None, help=text)


def _session(text: str) -> int:
    session = int(text)
    if not 1 <= session <= MAX_SESSION:
        raise argparse.ArgumentTypeError(f"a clone session is a number from 1 to {MAX_SESSION}")
    return session


def prepare_options(args: argparse.Namespace, avoid: Collection[int] = ()) -> PrepareOptions:
    """What `preprocessor_options`, `session_option`, `counts_option` and `track_option` found. `avoid`: sessions."""
    return PrepareOptions(
        tuple(args.include), tuple(args.define), args.session, frozenset(avoid), args.clone_counts, args.track
    )


def target_options(parser: argparse.ArgumentParser) -> None:
    text = "unix:/path/of/socket or host:port of P4Runtime; bmv2 or bmv2://host:port of simple_switch's Thrift server"
    parser.add_argument("--target", required=True, metavar="ADDRESS", help=text)
    text = "the program running on bmv2, if State4 did not install it"
    parser.add_argument("--running", type=Path, metavar="OLD.p4", help=text)
    parser.add_argument("--cpu-interface", default="", metavar="IF", help="where clones arrive")
    text = f"port of the switch (default: the one behind --cpu-interface, or {CPU_PORT})"
    parser.add_argument("--cpu-port", type=int, default=None, help=text)
    text = "P4Runtime device id (default: as reported by the switch, else 1)"
    parser.add_argument("--device-id", type=int, default=None, help=text)
    text = f"P4Runtime role (default: {OWN_ROLE}, so that other controllers stay primary; '' is the default role)"
    parser.add_argument("--role", default=None, help=text)
    text = "P4Runtime election id (default: above all that the switch has seen for the role)"
    parser.add_argument("--election-id", type=int, default=None, help=text)


def ring_option(parser: argparse.ArgumentParser) -> None:
    text = "whether state4_exact gets updates by shared memory where the switch is on this machine (default: on)"
    parser.add_argument("--update-ring", choices=("on", "off"), default="on", help=text)


def connect(args: argparse.Namespace) -> P4RuntimeTarget | Bmv2Target:
    """The switch that `target_options` name. Raises what `addresses.connect` raises, and P4Error for --running."""
    running = None
    if args.running is not None:
        running = build_p4info(load_program(args.running, include_dirs=args.include, defines=args.define))
    return addresses.connect(
        args.target,
        cpu_interface=args.cpu_interface,
        cpu_port=args.cpu_port,
        device_id=args.device_id,
        role=args.role,
        election_id=args.election_id,
        update_ring=getattr(args, "update_ring", "on") == "on",
        running=running,
    )


def json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable")


def plan_options(parser: argparse.ArgumentParser) -> None:
    text = (
        "registers and tables to keep, by name or suffix (default: all); tables are left behind only if one is named; "
        "auto: all except registers whose contents no packet of the new program can observe"
    )
    parser.add_argument("--only", type=names, metavar="A,B", help=text)
    parser.add_argument(
        "--map", type=Path, metavar="FILE", help="TOML or JSON: renames and conversions for the new program"
    )
    parser.add_argument(
        "--allow-loss", action="store_true", help="continue although some state has no place in the new program"
    )


def names(text: str) -> list[str]:
    """A list of --only."""
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("name a component, or use --strategy none to keep nothing")
    return found


AUTO = ["auto"]
"""The value of --only that leaves it to the analysis."""


def chosen(args: argparse.Namespace, new: Path) -> tuple[list[str] | None, dict[str, str]]:
    """What --only names (None: everything), and which registers of the new program are needless. Raises P4Error."""
    if args.only != AUTO:
        return args.only, {}
    return None, needless_registers(load_program(new, include_dirs=args.include, defines=args.define))


def state_map(path: Path | None) -> StateMap:
    """The file of --map. Raises BadMap."""
    return StateMap() if path is None else load_map(path)


def console() -> Console:
    """A console that shows text as it is, and does not wrap what is not shown on a terminal."""
    return Console(emoji=False, markup=False, highlight=False, width=None if sys.stdout.isatty() else 220)
