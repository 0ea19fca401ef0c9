"""`state4`: the commands together, and how their errors become messages and exit codes.

Exit codes: 0 done; 1 the switch or the reconfiguration failed, or `verify` found a difference; 2 wrong input (a
program, a component, an option).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from p4front.interpreter import no_such_character
from p4front.text.source import P4Error
from state4.cli import analyse, entries, instrument, plan, reconfigure, rollout, verify
from state4.errors import State4Error, TargetError

EXIT_FAILED, EXIT_WRONG = 1, 2
COMMANDS = (analyse, instrument, plan, reconfigure, rollout, entries, verify)


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args) or 0)
    except P4Error as error:
        print(error, file=sys.stderr)
        return EXIT_WRONG
    except State4Error as error:
        print(f"state4: {error}", file=sys.stderr)
        return EXIT_FAILED if isinstance(error, TargetError) else EXIT_WRONG
    except OSError as error:
        print(f"state4: {error.filename or ''}: {error.strerror or error}".replace(" : ", " "), file=sys.stderr)
        return EXIT_WRONG
    except UnicodeEncodeError as error:
        print(f"state4: {no_such_character(error)}", file=sys.stderr)
        return EXIT_WRONG
    except KeyboardInterrupt:
        print("state4: cancelled", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="state4", description="State-preserving reconfiguration of P4 switches.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_command(commands)
    return parser
