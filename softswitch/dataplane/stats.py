"""What a switch has counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any


class Drop(Enum):
    """Why a packet went no further; in the order of `enum ss_drop` (runtime/api.h)."""

    INGRESS = "marked to drop in ingress"
    EGRESS = "marked to drop in egress"
    NO_PIPELINE = "no pipeline was committed"
    NO_PORT = "sent to a port that does not exist"
    PORT_DOWN = "the interface of the port is down or gone"
    ABORTED = "a failed assert or assume"
    NO_GROUP = "sent to a multicast group without replicas"
    PASSES = "recirculated, resubmitted or cloned without end"
    QUEUE = "too many packets recirculate at once"
    CPU_QUEUE = "the controller took its packet-ins too slowly"
    DIGEST_QUEUE = "the controller took its digests too slowly (the packet went on)"


@dataclass(frozen=True)
class PortStats:
    """Counts since the port was added, in the order of `ss_port_stats`. Bytes are of whole frames without checksum."""

    rx_packets: int
    rx_bytes: int
    tx_packets: int
    tx_bytes: int
    rx_ring_drops: int  # frames that came while the ring was full
    rx_oversize: int  # too long to receive: segmentation offloads are on
    rx_no_checksum: int  # checksums that we completed, since the sender's offload is on
    tx_errors: int  # the kernel refused
    tx_oversize: int  # longer than the MTU allows
    tx_full: int  # the interface took no more
    up: bool
    last_error: int  # errno of the latest failure, 0: none


@dataclass(frozen=True)
class SwitchStats:
    """Counts since the start (or the last reset).

    `passes`: runs of ingress or egress beyond a packet's first (resubmitted, recirculated, clones of egress).
    `holds`: safe points; `held_ns` their total and `longest_hold_ns` their longest time, in which packets waited.
    """

    batches: int
    packets: int
    passes: int
    holds: int
    held_ns: int
    longest_hold_ns: int
    swaps: int
    drops: dict[Drop, int]
    ports: dict[int, PortStats]


PORT_WORDS = len(fields(PortStats))
_COUNTS = tuple(field.name for field in fields(SwitchStats))[:7]
SWITCH_WORDS = len(_COUNTS) + len(Drop)


def port_stats(row: Sequence[int]) -> PortStats:
    """From the words of `ss_port_stats`."""
    counts: dict[str, Any] = dict(zip((field.name for field in fields(PortStats)), row, strict=True))
    return PortStats(**{**counts, "up": bool(counts["up"])})


def switch_stats(row: Sequence[int], ports: dict[int, PortStats]) -> SwitchStats:
    """From the words of `ss_switch_stats`."""
    counts: dict[str, Any] = dict(zip(_COUNTS, row, strict=False))
    drops = dict(zip(Drop, row[len(_COUNTS) :], strict=True))
    return SwitchStats(**counts, drops=drops, ports=ports)
