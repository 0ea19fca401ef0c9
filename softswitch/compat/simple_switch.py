"""`simple_switch` and `simple_switch_grpc`: their command lines translated to `softswitch run`."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from p4front.own_files import own_folder
from softswitch.compat.flags import CommandError, Flag, Given, parse
from softswitch.dataplane.interface import interface as c_interface

SWITCH, GRPC_SWITCH = "simple_switch", "simple_switch_grpc"
DEFAULT_THRIFT_PORT = 9090
_GRPC_ADDRESS = "0.0.0.0:9559"
MAX_TCP_PORT = 65535
_LOG_BYTES, _LOG_FILES = 5 << 20, 3
"""bmv2's defaults for a log file."""
_LEVELS = ("trace", "debug", "info", "warn", "error", "off")
_CPU_PORT, _DROP_PORT = 510, 511
_NO_NANOMSG = "by nanomsg only digests are sent"
_NO_LIMIT = "groups and their members are limited by memory only"

_COMMON = (
    Flag(("-i", "--interface"), "connect a port with a network interface", "PORT@INTERFACE", several=True),
    Flag(("--pcap",), "write INTERFACE_in.pcap and INTERFACE_out.pcap into a folder", "FOLDER", optional="."),
    Flag(("--use-files",), "", "SECONDS", refused="packets come from interfaces only; use tcpreplay to send a file"),
    Flag(("--packet-in",), "", "ADDRESS", refused=_NO_NANOMSG + ": packets come from interfaces only"),
    Flag(("--thrift-port",), "port of the Thrift server (default 9090)", "PORT", number=True, low=1, high=MAX_TCP_PORT),
    Flag(("--device-id",), "P4Runtime device id (default 0)", "N", number=True),
    Flag(("--nanolog",), "", "ADDRESS", no_effect=_NO_NANOMSG + "; --log-console shows the same"),
    Flag(("--log-console",), "log to standard output"),
    Flag(("--log-file",), "log to FILE.txt", "FILE"),
    Flag(
        ("-L", "--log-level"),
        "trace and debug show what happens to each packet (default trace)",
        "LEVEL",
        choices=_LEVELS,
        default="trace",
    ),
    Flag(("--log-flush",), "", no_effect="each line is written at once", silent=True),
    Flag(("--log-file-max-size",), "rotate the log file at this size (default 5 MiB)", "BYTES", number=True),
    Flag(("--log-file-max-files",), "number of rotated files to keep (default 3)", "N", number=True),
    Flag(
        ("--notifications-addr",),
        "Thrift clients subscribe there for digests (default ipc:///tmp/bmv2-DEVICE-notifications.ipc)",
        "ADDRESS",
    ),
    Flag(("--debugger",), "", refused="there is no debugger; --log-console shows each packet's way"),
    Flag(("--debugger-addr",), "", "ADDRESS", refused="there is no debugger; --log-console shows each packet's way"),
    Flag(("--restore-state",), "", "FILE", refused="bmv2's state files are not read; `state4 snapshot` writes one"),
    Flag(("--dump-packet-data",), "", "BYTES", number=True, no_effect="--pcap writes packets"),
    Flag(("-v", "--version"), "show the version"),
    Flag(("--json-version",), "", refused="the compiled file is not bmv2's; p4c from the same folder writes it"),
    Flag(("--no-p4",), "start without a program; a controller pushes one"),
    Flag(("--max-port-count",), "", "N", number=True, no_effect="there are 512 ports", silent=True),
    Flag(("--drop-port",), "number of the port that drops (default 511)", "PORT", number=True),
    Flag(
        ("--priority-queues",),
        "queues of each port, for priorities below N; packets of others are dropped (default 1)",
        "N",
        number=True,
        default="1",
    ),
    Flag(
        ("--queue-rate",),
        "packets per second of each queue; bmv2 has no such flag, but set_queue_rate",
        "N",
        number=True,
    ),
    Flag(
        ("--queue-depth",),
        "packets that may wait in each queue (default 64); in bmv2 set_queue_depth",
        "N",
        number=True,
    ),
    Flag(("--max-mc-groups",), "", "N", number=True, no_effect=_NO_LIMIT, silent=True),
    Flag(("--max-l1-entries",), "", "N", number=True, no_effect=_NO_LIMIT, silent=True),
    Flag(("--max-l2-entries",), "", "N", number=True, no_effect=_NO_LIMIT, silent=True),
    Flag(("--enable-ports",), "let Thrift clients open and close ports (bmv2 always does, and has no such flag)"),
    Flag(("--load-modules",), "", "FILES", refused="C++ externs cannot be loaded"),
)
_SWITCH_FLAGS = (
    *_COMMON,
    Flag(("--enable-swap",), "let Thrift clients change the program"),
)
_TLS = (
    Flag(("--grpc-server-ssl",), "TLS on the P4Runtime server"),
    Flag(("--grpc-server-cacert",), "the CA of client certificates", "PEM"),
    Flag(("--grpc-server-cert",), "the server's certificate", "PEM"),
    Flag(("--grpc-server-key",), "its private key", "PEM"),
    Flag(("--grpc-server-with-client-auth",), "clients must show a certificate"),
)
_GRPC_FLAGS = (
    *_COMMON,
    Flag(("--grpc-server-addr",), f"address of the P4Runtime server (default {_GRPC_ADDRESS})", "ADDRESS"),
    *_TLS,
    Flag(("--cpu-port",), "number of the CPU port", "PORT", number=True),
    Flag(("--disable-swap",), "keep Thrift clients from changing the program; P4Runtime clients always can"),
    Flag(("--dp-grpc-server-addr",), "", "ADDRESS", refused="packets come from interfaces only"),
)
FLAGS = {SWITCH: _SWITCH_FLAGS, GRPC_SWITCH: _GRPC_FLAGS}


@dataclass(frozen=True)
class Translated:
    """`words` of `softswitch run`, empty if only the version was requested, and `notes` for the user."""

    words: tuple[str, ...]
    notes: tuple[str, ...] = ()


def translate(command: str, words: Sequence[str]) -> Translated:
    """Translates a command line. Raises CommandError; SystemExit(0) after `--help`."""
    usage = f"{command} [options] PROGRAM.json [-- target options]"
    description = "Runs softswitch in place of bmv2's command of that name, until SIGTERM or Ctrl-C."
    given = parse(command, description, FLAGS[command], list(_separated(_with_folder(words))), usage)
    if given.values.version:
        return Translated(())
    notes = [*given.notes]
    interfaces = list(given.values.interface)
    for word in interfaces:
        _check_interface(word)
    program = None
    for word in given.words:
        if "@" in word and word.partition("@")[0].isdigit():
            notes.append(f"{word} looks like an interface without its -i")
            interfaces.append(word)
        elif program is None:
            program = word
        else:
            raise CommandError(f"two programs given: {program} and {word}")
    return Translated(tuple(_run_words(command, given, interfaces, program, notes)), tuple(notes))


def _check_interface(word: str) -> None:
    """The form only, before a program is missed; `softswitch run` knows the limits."""
    port, at, name = word.partition("@")
    number = port.isascii() and port.isdigit()
    if number and name:
        return
    if number:
        what, example = "the interface is missing", f"{port}@eth0"
    elif port and at:
        what, example = f"{port!r} is not a port number", f"0@{name or 'eth0'}"
    else:
        what, example = "the port number is missing", f"0@{name or port or 'eth0'}"
    raise CommandError(f"-i {word}: {what}: give PORT@INTERFACE, such as {example}")


def _with_folder(words: Sequence[str]) -> Iterator[str]:
    """Turns `--pcap FOLDER` into `--pcap=FOLDER`, the form that is parsed. A word that names a file is the program."""
    waiting = False
    for word in words:
        if waiting and not word.startswith("-") and not Path(word).is_file():
            yield f"--pcap={word}"
            waiting = False
            continue
        if waiting:
            yield "--pcap"
        waiting = word == "--pcap"
        if not waiting:
            yield word
    if waiting:
        yield "--pcap"


def _separated(words: Iterator[str]) -> Iterator[str]:
    """Removes the `--` in front of the target's options."""
    seen = False
    for word in words:
        if word == "--" and not seen:
            seen = True
        else:
            yield word


def _run_words(
    command: str, given: Given, interfaces: Sequence[str], program: str | None, notes: list[str]
) -> Iterator[str]:
    values = given.values
    if values.no_p4:
        yield "--no-p4"
        if program is not None:
            notes.append(f"{program} is not loaded: --no-p4 was given")
    elif program is None:
        raise CommandError("no program given: name the file that p4c wrote, or give --no-p4")
    else:
        yield program
    for interface in interfaces:
        yield from ("-i", interface)
    yield from ("--device-id", str(values.device_id or 0))
    yield "--qdiscs"  # the limits and delays of Mininet's links are there
    yield from _queues(values)
    if values.pcap is not None:
        yield from ("--pcap", values.pcap)
    yield from _ports(command, given, interfaces)
    yield from _log(given)
    thrift_port = DEFAULT_THRIFT_PORT if values.thrift_port is None else values.thrift_port
    yield from _thrift(command, given, thrift_port, notes)
    if command == GRPC_SWITCH:
        yield from _grpc(given)
    else:
        address = _local_address(thrift_port)
        notes.append(f"P4Runtime is served at {address}")
        yield from ("--grpc-server-addr", address)


def _queues(values: argparse.Namespace) -> Iterator[str]:
    """There always, as in bmv2: packets wait in them while a link is busy, and for rates that are set by Thrift."""
    if values.priority_queues < 1:
        raise CommandError(f"--priority-queues: a port has at least one queue, not {values.priority_queues}")
    yield from ("--priority-queues", str(min(values.priority_queues, c_interface().constants["SS_PRIORITIES"])))
    for flag in ("queue_rate", "queue_depth"):
        value = getattr(values, flag)
        if value is not None:
            yield from (f"--{flag.replace('_', '-')}", str(value))


def _ports(command: str, given: Given, interfaces: Sequence[str]) -> Iterator[str]:
    drop = given.values.drop_port if given.values.drop_port is not None else _DROP_PORT
    yield from ("--drop-port", str(drop))
    cpu = given.values.cpu_port if command == GRPC_SWITCH else None
    if cpu is None:  # bmv2 then has no CPU port; this switch needs one, so take an unused number
        used = {word.partition("@")[0] for word in interfaces} | {str(drop)}
        cpu = next(port for port in range(_CPU_PORT, 0, -1) if str(port) not in used)
    yield from ("--cpu-port", str(cpu))


def _log(given: Given) -> Iterator[str]:
    values = given.values
    if values.log_console and values.log_file:
        raise CommandError("--log-console and --log-file exclude each other")
    if not values.log_console and not values.log_file:
        return
    yield from ("--log-style", "bmv2", "--log-level", values.log_level)
    if values.log_level in ("trace", "debug"):
        yield "--trace"
    if values.log_file:
        size, count = values.log_file_max_size, values.log_file_max_files
        yield from ("--log-file", f"{values.log_file}.txt")
        yield from ("--log-file-max-size", str(_LOG_BYTES if size is None else size))
        yield from ("--log-file-max-files", str(_LOG_FILES if count is None else count))


def _thrift(command: str, given: Given, port: int, notes: list[str]) -> Iterator[str]:
    """The Thrift server, which bmv2 always starts. A default port that is in use is left to the other switch."""
    values = given.values
    if importlib.util.find_spec("bm_runtime") is None:
        notes.append("Thrift is not served: its package is missing (pip install 'state4[bmv2]')")
        return
    if values.thrift_port is None and _in_use(port):
        notes.append(f"Thrift is not served: port {port} is in use, and no --thrift-port was given")
        return
    yield from ("--thrift-port", str(port))
    default = f"ipc:///tmp/bmv2-{values.device_id or 0}-notifications.ipc"
    yield from ("--notifications-addr", values.notifications_addr or default)
    if values.enable_swap if command == SWITCH else not values.disable_swap:
        yield "--enable-swap"
    if values.enable_ports:
        yield "--enable-ports"


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _grpc(given: Given) -> Iterator[str]:
    values = given.values
    yield from ("--grpc-server-addr", values.grpc_server_addr or _GRPC_ADDRESS)
    if not values.grpc_server_ssl:
        return
    for flag in _TLS:
        value = getattr(values, flag.key)
        if value:
            yield from (flag.names[0],) if flag.value is None else (flag.names[0], value)


def _local_address(thrift_port: int) -> str:
    """Address for P4Runtime, and so for State4, of a switch whose command gives none: a Unix socket that only its owner
    can use, named after the Thrift port, which is unique among the switches of a network."""
    folder = own_folder(Path(tempfile.gettempdir()) / f"softswitch-{os.geteuid()}", 0o700)
    path = folder / f"thrift-{thrift_port}.sock"
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return f"unix:{path}"
    return f"unix:{folder}/thrift-{thrift_port}-{os.getpid()}.sock"
