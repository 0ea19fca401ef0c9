"""`softswitch`: the switch daemon and its compiler."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from softswitch.cli import compat_command, compile_command, run_command, stats_command
from softswitch.cli.user_errors import USER_ERRORS, error_line

EXAMPLES = """\
examples, for those who know p4c and simple_switch_grpc:
  softswitch run router.p4 -i 1@veth1 -i 2@veth2           compile the program and run it on two interfaces
  softswitch run --no-p4 -i 1@veth1 -i 2@veth2             wait for a controller that pushes a program
  softswitch run router.p4 -i 1@veth1 --trace              log the way of each packet, step by step
  softswitch compile router.p4 --p4info router.p4info.txtpb -o router.config     what a controller pushes
  softswitch stats                                         ports, hits and misses of tables, drops of a running switch
  softswitch compat install ~/bin                          p4c, simple_switch_grpc and others of that name
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="softswitch",
        description="A v1model P4_16 software switch controlled through P4Runtime.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run_command.add_parser(commands)
    compile_command.add_parser(commands)
    stats_command.add_parser(commands)
    compat_command.add_parser(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0; 2 if something that the user gave is wrong (a message says what); 1 for our own defects."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["run"] and "--" in words:  # simple_switch_grpc puts its target's own options behind it
        words.remove("--")
    try:
        if words[:2] == compat_command.EXECUTE:
            return compat_command.execute(words[2:])
        options = parser().parse_args(words)
        return int(options.function(options))
    except USER_ERRORS as error:
        print(error_line(error, "softswitch"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
