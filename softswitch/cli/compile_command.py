"""`softswitch compile`: a P4 program to a device config, its P4Info and its C source."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from p4front.own_files import write_whole
from softswitch.build.device_config import collect
from softswitch.build.isolated import compile_config
from softswitch.build.p4info_file import write_p4info
from softswitch.build.program import compile_program
from softswitch.cli.arguments import add_preprocessor


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "compile",
        help="compile a program",
        description="Compiles a P4_16 program for v1model. The device config (-o) and P4Info together are what a "
        "P4Runtime controller pushes; the compiled pipeline stays in the cache, where the switch finds it.",
    )
    parser.add_argument("program", type=Path, metavar="PROGRAM.p4")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the device config")
    parser.add_argument("--p4info", type=Path, metavar="FILE", help="write P4Info: .bin binary, .json JSON, else text")
    parser.add_argument("--emit-c", type=Path, metavar="FILE", help="write the generated C source")
    add_preprocessor(parser)
    parser.set_defaults(function=run)


def run(options: argparse.Namespace) -> int:
    """Raises P4Error for a wrong program, OSError for files that can't be read or written."""
    compiled = compile_program(options.program, include_dirs=options.include_dirs, defines=options.defines)
    sys.stderr.write(compiled.warnings)
    config = collect(options.program, include_dirs=options.include_dirs, defines=options.defines)
    compile_config(config)  # so that a switch that is given the config finds it compiled
    if options.output is not None:
        write_whole(options.output, config.to_bytes())
    if options.p4info is not None:
        write_p4info(options.p4info, compiled.p4info)
    if options.emit_c is not None:
        write_whole(options.emit_c, compiled.c_path.read_bytes())
    return 0
