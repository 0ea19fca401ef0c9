"""What a switch has counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from softswitch.dataplane.interface import fields_of, interface


class Drop(Enum):
    """Why a packet went no further (`enum ss_drop` of runtime/include/api.h)."""

    INGRESS = "marked to drop in ingress"
    EGRESS = "marked to drop in egress"
    NO_PIPELINE = "no pipeline was committed"
    NO_PORT = "sent to a port that does not exist"
    PORT_DOWN = "the interface of the port is down or gone"
    ABORTED = "a failed assert or assume"
    NO_GROUP = "sent to a multicast group without replicas"
    PASSES = "recirculated, resubmitted or cloned without end (or longer than a frame)"
    QUEUE = "too many packets recirculate at once"
    CPU_QUEUE = "the controller took its packet-ins too slowly"
    DIGEST_QUEUE = "the controller took its digests too slowly (the packet went on)"
    EGRESS_QUEUE = "the queue of its port and priority was full, or its priority has none"


@dataclass(frozen=True)
class PortStats:
    """Counts since the port was added (`ss_port_stats`). Bytes are of whole frames without checksum."""

    rx_packets: int
    rx_bytes: int
    tx_packets: int
    tx_bytes: int
    rx_ring_drops: int  # came while the ring was full; super-frames: while the socket's buffer was
    rx_oversize: int  # too long to receive
    rx_no_checksum: int  # checksums that we completed, since the sender's offload is on
    rx_superframes: int  # came as one frame of up to 64 KiB and were split; rx_packets has the single frames
    rx_unsplit: int  # super-frames that cannot be split: not received
    tx_superframes: int  # merged frames that were sent; tx_packets has the single frames
    tx_errors: int  # the kernel refused
    tx_oversize: int  # longer than the MTU allows
    tx_full: int  # the interface took no more
    up: bool
    last_error: int  # errno of the latest failure, 0: none


@dataclass(frozen=True)
class SwitchStats:
    """Counts since the start (or the last reset).

    `passes`: runs of ingress or egress beyond a packet's first (resubmitted, recirculated, clones of egress).
    `holds`: safe points; `held_ns` their total and `longest_hold_ns` their longest time, in which packets waited;
    `hold_drops`: frames that came to full rings while a client held packets (counted in `rx_ring_drops` as well).
    """

    batches: int
    packets: int
    passes: int
    holds: int
    held_ns: int
    longest_hold_ns: int
    swaps: int
    hold_drops: int
    drops: dict[Drop, int]
    ports: dict[int, PortStats]


_PORT_FIELDS = fields_of(interface().structs["ss_port_stats"])
_COUNTS = fields_of(interface().structs["ss_switch_stats"])[:-1]  # the last are the drops
_DROPS = tuple(Drop[name.removeprefix("SS_DROP_")] for name in interface().enums["ss_drop"][:-1])
PORT_WORDS = len(_PORT_FIELDS)
SWITCH_WORDS = len(_COUNTS) + len(_DROPS)


def port_stats(row: Sequence[int]) -> PortStats:
    """From the words of `ss_port_stats`."""
    counts: dict[str, Any] = dict(zip(_PORT_FIELDS, row, strict=True))
    return PortStats(**{**counts, "up": bool(counts["up"])})


def switch_stats(row: Sequence[int], ports: dict[int, PortStats]) -> SwitchStats:
    """From the words of `ss_switch_stats`."""
    counts: dict[str, Any] = dict(zip(_COUNTS, row, strict=False))
    drops = dict(zip(_DROPS, row[len(_COUNTS) :], strict=True))
    return SwitchStats(**counts, drops=drops, ports=ports)
