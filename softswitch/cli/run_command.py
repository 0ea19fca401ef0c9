"""`softswitch run`: the daemon. Flags are named as simple_switch_grpc's where they mean the same."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from p4front.own_files import replacing
from softswitch.cli.arguments import (
    UsageError,
    add_preprocessor,
    io_threads,
    port_interface,
    port_number,
    ring_frames,
    tcp_port,
    whole_number,
)
from softswitch.cli.ending import Deadline, Ending, ended_by_signal
from softswitch.cli.logs import LEVELS, LogOptions, LogReader, set_up_logging
from softswitch.cli.parent import end_with_parent
from softswitch.cli.program_argument import load_argument
from softswitch.dataplane.capture import Captures
from softswitch.dataplane.switch import Switch
from softswitch.dataplane.threads import DEFAULT_IO_THREADS, MAX_IO_THREADS
from softswitch.errors import InterfaceError
from softswitch.server.device.device import Device
from softswitch.server.rpc.listen import DEFAULT_ADDRESS, Server, TlsOptions

if TYPE_CHECKING:
    from softswitch.compat.thrift.server import ThriftServer


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "run",
        help="run a switch",
        description="Runs a switch until SIGTERM or Ctrl-C. Prints `ready` once it is forwarding and listening.",
    )
    parser.add_argument(
        "program",
        type=Path,
        nargs="?",
        metavar="PROGRAM",
        help="the initial program: P4 source, or a file written by `softswitch compile -o`",
    )
    parser.add_argument("--no-p4", action="store_true", help="start without a program; a controller pushes one")
    parser.add_argument(
        "-i",
        "--interface",
        dest="interfaces",
        type=port_interface,
        action="append",
        default=[],
        metavar="PORT@INTERFACE",
        help="connect a switch port to a network interface; may be given several times",
    )
    parser.add_argument(
        "--device-id", type=int, default=1, help="P4Runtime device id (default 1; clients of bmv2 use 0)"
    )
    parser.add_argument("--cpu-port", type=port_number, default=510, help="port number of the CPU port (default 510)")
    parser.add_argument(
        "--cpu-interface", metavar="INTERFACE", help="a Linux interface that also serves as the CPU port"
    )
    parser.add_argument("--drop-port", type=port_number, default=511, help="egress_spec that drops (default 511)")
    parser.add_argument(
        "--packet-in",
        choices=("auto", "grpc", "interface", "both"),
        default="auto",
        help="destination of frames to the CPU port (auto: the CPU interface if there is one, else P4Runtime)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the program's random numbers")
    parser.add_argument(
        "--ring-frames",
        type=ring_frames,
        metavar="N",
        help="frames that can be queued in each port (default 4096: 0.1 s of 40,000 frames a second; 2 KiB each, more "
        "where the MTU is greater)",
    )
    parser.add_argument(
        "--qdiscs",
        action="store_true",
        help="send through the interfaces' queueing disciplines, so that `tc` limits apply; slightly slower",
    )
    parser.add_argument(
        "--pcap",
        type=Path,
        metavar="FOLDER",
        help="capture each port's traffic to INTERFACE_in.pcap and INTERFACE_out.pcap there (implies --qdiscs)",
    )
    parser.add_argument(
        "--offloads",
        choices=("on", "off"),
        default="on",
        help="whether ports take segments that senders left to their network cards: split into frames of the MTU for "
        "the program, and merged again on their way out (default on; off: they are lost, and counted)",
    )
    parser.add_argument(
        "--io-threads",
        type=io_threads,
        metavar="N",
        help="threads that receive and send packets, which the program gets one after the other: 1 to "
        f"{MAX_IO_THREADS}, or auto: one for each core (default {DEFAULT_IO_THREADS})",
    )
    parser.add_argument(
        "--queue-rate",
        type=whole_number,
        metavar="N",
        help="packets per second that leave for each port and priority; others wait before egress (default: no limit)",
    )
    parser.add_argument(
        "--queue-depth", type=whole_number, metavar="N", help="packets that may wait in each such queue (default 64)"
    )
    parser.add_argument(
        "--priority-queues",
        type=whole_number,
        metavar="N",
        help="such queues of each port, for priorities below N (1 to 8; default 8); packets of others are dropped",
    )
    _add_server(parser)
    _add_thrift(parser)
    _add_process(parser)
    add_preprocessor(parser)
    parser.set_defaults(function=run)


def _add_server(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("P4Runtime server")
    group.add_argument(
        "--grpc-server-addr",
        dest="addresses",
        action="append",
        metavar="ADDRESS",
        help=f"HOST:PORT or unix:PATH; may be given several times (default {DEFAULT_ADDRESS})",
    )
    group.add_argument(
        "--grpc-server-ssl", action="store_true", help="TLS on TCP addresses; needs a certificate and key"
    )
    group.add_argument("--grpc-server-cert", type=Path, metavar="PEM", help="the server's certificate")
    group.add_argument("--grpc-server-key", type=Path, metavar="PEM", help="its private key")
    group.add_argument("--grpc-server-cacert", type=Path, metavar="PEM", help="the CA of client certificates")
    group.add_argument(
        "--grpc-server-with-client-auth", action="store_true", help="clients must present a certificate (mutual TLS)"
    )


def _add_thrift(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Thrift server (for simple_switch_CLI and p4-utils; needs the extra [bmv2])")
    group.add_argument("--thrift-port", type=tcp_port, metavar="PORT", help="serve bmv2's Thrift services there")
    group.add_argument(
        "--thrift-host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="listen there (default 127.0.0.1; there is no authentication)",
    )
    group.add_argument(
        "--notifications-addr",
        metavar="ADDRESS",
        help="Thrift clients subscribe there for digests, by nanomsg: ipc:///PATH or tcp://HOST:PORT (default: none)",
    )
    group.add_argument("--enable-swap", action="store_true", help="Thrift clients may load and swap programs")
    group.add_argument("--enable-ports", action="store_true", help="Thrift clients may open and close ports")


def _add_process(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("process")
    group.add_argument("-L", "--log-level", choices=LEVELS, default="warn", help="(default warn)")
    group.add_argument("--log-file", type=Path, metavar="FILE", help="log there instead of to standard error")
    group.add_argument("--log-console", action="store_true", help="log to standard error (the default)")
    group.add_argument(
        "--log-style",
        choices=("plain", "bmv2"),
        default="plain",
        help="bmv2: same format as simple_switch, on standard output",
    )
    group.add_argument(
        "--log-file-max-size",
        type=int,
        default=0,
        metavar="BYTES",
        help="rotate the log file at this size (default: never)",
    )
    group.add_argument(
        "--log-file-max-files", type=int, default=3, metavar="N", help="number of rotated files to keep (default 3)"
    )
    group.add_argument("--trace", action="store_true", help="log each packet's path through the program; slow")
    group.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="created once the switch is forwarding and listening"
    )
    group.add_argument("--parent-death", action="store_true", help="exit when the parent process exits")


def tls_options(options: argparse.Namespace) -> TlsOptions | None:
    """Raises UsageError for TLS flags that do not go together."""
    if not options.grpc_server_ssl:
        if options.grpc_server_with_client_auth or options.grpc_server_cert or options.grpc_server_key:
            raise UsageError("TLS flags need --grpc-server-ssl")
        return None
    if options.grpc_server_cert is None or options.grpc_server_key is None:
        raise UsageError("--grpc-server-ssl needs --grpc-server-cert and --grpc-server-key")
    if options.grpc_server_with_client_auth and options.grpc_server_cacert is None:
        raise UsageError("--grpc-server-with-client-auth needs --grpc-server-cacert")
    client_ca = options.grpc_server_cacert if options.grpc_server_with_client_auth else None
    return TlsOptions(options.grpc_server_cert, options.grpc_server_key, client_ca)


def log_options(options: argparse.Namespace) -> LogOptions:
    return LogOptions(
        level=options.log_level,
        file=options.log_file,
        trace=options.trace,
        bmv2_style=options.log_style == "bmv2",
        max_bytes=options.log_file_max_size,
        max_files=options.log_file_max_files,
    )


def check(options: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    if (options.program is None) != options.no_p4:
        raise UsageError("give a program, or --no-p4 to start without one")
    if options.log_file_max_size < 0 or options.log_file_max_files < 0:
        raise UsageError("--log-file-max-size and --log-file-max-files must not be negative")
    if options.device_id < 0:
        raise UsageError(f"--device-id {options.device_id} is negative")
    ports = [port for port, _ in options.interfaces]
    doubled = {port for port in ports if ports.count(port) > 1}
    if doubled:
        raise UsageError(f"port {min(doubled)} is given twice")
    if options.thrift_port is None and (options.enable_swap or options.enable_ports):
        raise UsageError("--enable-swap and --enable-ports are for Thrift clients: give --thrift-port")
    if options.cpu_interface and options.cpu_port in ports:
        raise UsageError(f"port {options.cpu_port} is the CPU port (--cpu-port)")


def run(options: argparse.Namespace) -> int:
    """Runs until a signal. Raises P4Error and SwitchError before anything is forwarded."""
    check(options)
    tls = tls_options(options)
    with ended_by_signal() as ending:
        if options.parent_death:
            end_with_parent()
        set_up_logging(log_options(options))
        _forward(options, tls, ending)
    return 0


def _forward(options: argparse.Namespace, tls: TlsOptions | None, ending: Ending) -> None:
    loaded = None
    if options.program is not None:
        loaded = load_argument(options.program, include_dirs=options.include_dirs, defines=options.defines)
        if loaded.compiled.warnings:
            logging.getLogger(__name__).warning("%s", loaded.compiled.warnings.rstrip())
    data_plane = Switch(
        cpu_port=options.cpu_port, drop_port=options.drop_port, seed=options.seed, io_threads=options.io_threads
    )
    with Deadline() as deadline, data_plane as switch, ExitStack() as stack:
        interfaces = open_ports(switch, options)
        set_queues(switch, options)
        if options.pcap is not None:
            stack.enter_context(Captures(options.pcap, list(interfaces.values())))
        device = Device(switch, options.device_id)
        if loaded is not None:
            device.install(loaded.compiled, loaded.config)
        server = Server(device, options.addresses or [DEFAULT_ADDRESS], tls=tls, interfaces=interfaces)
        thrift = thrift_server(device, options, interfaces)
        logs = LogReader(switch, bmv2_style=options.log_style == "bmv2")
        try:
            server.start()
            if thrift is not None:
                thrift.start()
            logs.start()
            switch.start()
            _tell_ready(options.ready_file)
            ending.wait()
        finally:
            if ending.ended:  # not by an error, which must be reported
                deadline.start(lambda: _remove_files(server, options.ready_file))
            if thrift is not None:
                thrift.stop()
            server.stop()
            logs.stop()
            _remove_files(server, options.ready_file)


def thrift_server(device: Device, options: argparse.Namespace, interfaces: dict[int, str]) -> ThriftServer | None:
    """None if no port for it is given. Raises UsageError without the bindings."""
    if options.thrift_port is None:
        return None
    try:
        from softswitch.compat.thrift.programs import SwitchOptions
        from softswitch.compat.thrift.server import ThriftServer
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--thrift-port needs bmv2's bindings, and there is no module {error.name}: pip install 'state4[bmv2]'"
        ) from None
    chosen = SwitchOptions(
        options.thrift_port,
        interfaces,
        options.enable_swap,
        options.enable_ports,
        options.ring_frames,
        options.notifications_addr,
    )
    return ThriftServer(device, chosen, options.thrift_host)


def _remove_files(server: Server, ready_file: Path | None) -> None:
    server.remove_sockets()
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


def open_ports(switch: Switch, options: argparse.Namespace) -> dict[int, str]:
    """Raises InterfaceNotFound, InterfaceError (among others without root)."""
    wanted = dict(options.interfaces)
    if options.cpu_interface:
        wanted[options.cpu_port] = options.cpu_interface
    switch.set_qdiscs(options.qdiscs or options.pcap is not None)
    for port, name in wanted.items():
        try:
            switch.add_interface(port, name, options.ring_frames, offloads=options.offloads == "on")
        except InterfaceError as error:
            if os.geteuid() != 0:
                raise InterfaceError(
                    "opening network interfaces needs root (or CAP_NET_RAW and CAP_NET_ADMIN)"
                ) from None
            raise error
    switch.set_packet_in(options.packet_in)
    switch.set_trace(options.trace)
    return wanted


def set_queues(switch: Switch, options: argparse.Namespace) -> None:
    """Without these options there are no queues. Raises BadEntry for a number beyond its limits."""
    if options.priority_queues is not None:
        switch.set_priority_queues(options.priority_queues)
    if options.queue_depth is not None:
        switch.set_queue_depth(options.queue_depth)
    if options.queue_rate is not None:
        switch.set_queue_rate(options.queue_rate)


def _tell_ready(path: Path | None) -> None:
    if path is not None:
        with replacing(path) as part:  # in /tmp, perhaps, where another user could have put a link of that name
            part.write_text(f"{os.getpid()}\n")
    print("ready", flush=True)
    sys.stdout.flush()
