"""Arguments that commands share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from softswitch.dataplane.interface import interface
from softswitch.dataplane.threads import MAX_IO_THREADS, IoThreads
from softswitch.errors import SwitchError

MAX_PORT = 511
"""The range of v1model's PortId_t."""
MAX_INTERFACE_NAME = 15
"""Linux: IFNAMSIZ without the terminating zero."""


class UsageError(SwitchError):
    """Options that do not go together."""


def add_preprocessor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-I", dest="include_dirs", metavar="DIR", type=Path, action="append", default=[], help="search DIR for includes"
    )
    parser.add_argument(
        "-D", dest="defines", metavar="NAME[=VALUE]", action="append", default=[], help="define a preprocessor macro"
    )


def port_interface(text: str) -> tuple[int, str]:
    """`PORT@INTERFACE`, as simple_switch takes it."""
    number, at, name = text.partition("@")
    if not at or not name or not number.isascii() or not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not PORT@INTERFACE, such as 1@s1-eth1")
    if int(number) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r}: port numbers go up to {MAX_PORT}")
    if len(os.fsencode(name)) > MAX_INTERFACE_NAME:
        raise argparse.ArgumentTypeError(f"{text!r}: an interface's name has at most {MAX_INTERFACE_NAME} characters")
    return int(number), name


def port_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 512:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 1 to 511")
    return int(text)


def whole_number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 1 << 31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {(1 << 31) - 1}")
    return int(text)


def tcp_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number from 1 to 65535")
    return int(text)


def io_threads(text: str) -> IoThreads:
    if text == "auto":
        return "auto"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_IO_THREADS:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor a number of threads from 1 to {MAX_IO_THREADS}")
    return int(text)


def ring_frames(text: str) -> int:
    limits = interface().constants
    low, high = limits["SS_MIN_RING_FRAMES"], limits["SS_MAX_RING_FRAMES"]
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of frames from {low} to {high}")
    return int(text)
