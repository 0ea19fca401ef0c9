"""`softswitch stats`: what a running switch has counted, by port, table and reason of a drop."""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from finsy.proto import p4r, p4r_grpc
from google.protobuf.message import Message

from softswitch.cli.arguments import UsageError
from softswitch.dataplane.stats import Drop
from softswitch.errors import SwitchError
from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from softswitch.server.rpc.listen import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_TIMEOUT_S = 10.0
_ROLE = "softswitch stats"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "stats",
        help="show the counters of a running switch",
        description="Shows the counters of a running switch: packets of each port, hits and misses of each table, "
        "super-frames of ports that take them, dropped packets by reason.",
    )
    parser.add_argument(
        "address", nargs="?", default=DEFAULT_ADDRESS, help=f"HOST:PORT or unix:PATH (default {DEFAULT_ADDRESS})"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--reset", action="store_true", help="reset drops and switch-wide counts to zero afterwards")
    group = parser.add_argument_group("TLS")
    group.add_argument("--grpc-ssl", action="store_true", help="the switch listens with TLS (--grpc-server-ssl)")
    group.add_argument(
        "--grpc-cacert",
        type=Path,
        metavar="PEM",
        help="the CA of the server's certificate",
    )
    group.add_argument(
        "--grpc-cert", type=Path, metavar="PEM", help="the client certificate, if the switch requires one"
    )
    group.add_argument("--grpc-key", type=Path, metavar="PEM", help="its private key")
    parser.set_defaults(function=run)


def run(options: argparse.Namespace) -> int:
    """Raises SwitchError when no switch answers, UsageError for TLS flags that do not go together."""
    stats = fetch(options.address, reset=options.reset, tls=tls_credentials(options))
    if options.json:
        print(json.dumps(as_dict(stats), indent=2))
    else:
        from rich.console import Console  # the other commands of `softswitch` print no tables

        show(stats, Console())
    return 0


def tls_credentials(options: argparse.Namespace) -> grpc.ChannelCredentials | None:
    """None without TLS. Raises UsageError, or SwitchError for a file that can't be read."""
    files = (options.grpc_cacert, options.grpc_key, options.grpc_cert)
    if not options.grpc_ssl:
        if any(files):
            raise UsageError("TLS flags need --grpc-ssl")
        return None
    if options.address.startswith("unix:"):
        raise UsageError("Unix sockets do not use TLS")
    if (options.grpc_key is None) != (options.grpc_cert is None):
        raise UsageError("--grpc-cert and --grpc-key must be given together")
    try:
        authority, key, certificate = (file.read_bytes() if file is not None else None for file in files)
    except OSError as error:
        raise SwitchError(f"TLS: {error.filename}: {error.strerror}") from None
    return grpc.ssl_channel_credentials(authority, key, certificate)


def fetch(address: str, *, reset: bool = False, tls: grpc.ChannelCredentials | None = None) -> bulk_pb2.StatsResponse:
    """Raises SwitchError when no switch answers, or it refuses."""
    with grpc.insecure_channel(address) if tls is None else grpc.secure_channel(address, tls) as channel:
        try:
            answer: bulk_pb2.StatsResponse = BulkStub(channel).GetStats(bulk_pb2.StatsRequest(), timeout=_TIMEOUT_S)
        except grpc.RpcError as error:
            raise SwitchError(f"no switch answers at {address}: {_reason(error)}") from None
        return _reset(channel, answer.device_id) if reset else answer


def _reset(channel: grpc.Channel, device_id: int) -> bulk_pb2.StatsResponse:
    """The statistics once more, reset in the same step. Only a role's primary may; ours has a role of its own, so no
    controller is demoted. Raises SwitchError."""
    election = time.time_ns() & (1 << 63) - 1
    hello = p4r.StreamMessageRequest()
    hello.arbitration.device_id, hello.arbitration.role.name = device_id, _ROLE
    hello.arbitration.election_id.low = election
    fence = bulk_pb2.Fence(role=_ROLE, election_id_low=election)
    done = threading.Event()

    def say() -> Iterator[p4r.StreamMessageRequest]:
        yield hello
        done.wait()

    try:
        stream = p4r_grpc.P4RuntimeStub(channel).StreamChannel(say(), timeout=_TIMEOUT_S)
        next(iter(stream))
        request = bulk_pb2.StatsRequest(device_id=device_id, reset=True, fence=fence)
        answer: bulk_pb2.StatsResponse = BulkStub(channel).GetStats(request, timeout=_TIMEOUT_S)
        return answer
    except grpc.RpcError as error:
        raise SwitchError(f"the switch does not reset its counts: {_reason(error)}") from None
    finally:
        done.set()


def as_dict(stats: bulk_pb2.StatsResponse) -> dict[str, Any]:
    """The same with plain numbers (protobuf's own JSON writes 64-bit ones as text)."""

    def fields(message: Message) -> dict[str, Any]:
        return {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}

    lists = {"ports": [fields(port) for port in stats.ports], "tables": [fields(table) for table in stats.tables]}
    return fields(stats) | lists | {"drops": dict(stats.drops)}


def _reason(error: grpc.RpcError) -> str:
    details = error.details() if isinstance(error, grpc.Call) else None
    return details or type(error).__name__


def show(stats: bulk_pb2.StatsResponse, console: Console) -> None:
    """Tables for people."""
    console.print(f"program {stats.program or '(none)'}, {stats.packets:,} packets in {stats.batches:,} batches")
    ports = _table("port", "interface", "up", "received", "bytes", "sent", "bytes", "dropped")
    for port in stats.ports:
        lost = port.rx_ring_drops + port.rx_oversize + port.rx_unsplit + port.tx_drops
        counts = (port.rx_packets, port.rx_bytes, port.tx_packets, port.tx_bytes, lost)
        ports.add_row(f"{port.port}", port.interface, "yes" if port.up else "no", *(f"{count:,}" for count in counts))
    console.print(ports)
    _show_super_frames(stats, console)
    console.print()
    if stats.tables:
        tables = _table("table", "entries", "size", "hits", "misses", left=1)
        for table in stats.tables:
            numbers = (table.entries, table.size, table.hits, table.misses)
            tables.add_row(table.name, *(f"{number:,}" for number in numbers))
        console.print(tables)
    if stats.hold_drops:
        console.print(f"{stats.hold_drops:,} frames came to full ports while a client held packets")
    dropped = {reason: count for reason, count in stats.drops.items() if count}
    if dropped:
        drops = _table("dropped because", "packets", left=1)
        for reason, count in sorted(dropped.items()):
            drops.add_row(_words(reason), f"{count:,}")
        console.print(drops)


def _show_super_frames(stats: bulk_pb2.StatsResponse, console: Console) -> None:
    """Super-frames of the ports that had any; the counts above are of the single frames in them."""
    ports = [port for port in stats.ports if port.rx_superframes or port.tx_superframes or port.rx_unsplit]
    if not ports:
        return
    table = _table("port", "super-frames received and split", "not splittable, dropped", "merged and sent", left=1)
    for port in ports:
        counts = (port.rx_superframes, port.rx_unsplit, port.tx_superframes)
        table.add_row(f"{port.port}", *(f"{count:,}" for count in counts))
    console.print()
    console.print(table)


def _words(reason: str) -> str:
    """A newer switch may know reasons that we do not."""
    known = Drop.__members__.get(reason.upper())
    return known.value if known is not None else reason


def _table(*columns: str, left: int = 2) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i < left else "right", no_wrap=True)
    return table
