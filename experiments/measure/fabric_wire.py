"""What was on the links of a fabric: a capture at each receiving end, and the origin of the frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from experiments.measure.wire import HULA, IPV4, Capture, address_number
from experiments.traffic.armed import wait_all
from topologies.leaf_spine import Fabric
from topologies.network import RunningNetwork


@dataclass(frozen=True)
class LinkFrames:
    """Frames on all links between switches, in order of arrival, with the columns of `Captured.frames`, `spine` (of the
    link) and `at` (the switch that received it). `dropped`: frames that a capture missed."""

    frames: pd.DataFrame
    dropped: int


class LinkCaptures:
    """Captures of all links between switches, from `wait_ready` to `finish`."""

    def __init__(self, network: RunningNetwork, fabric: Fabric) -> None:
        self._captures = [
            (at, spine, Capture(network, at, interface)) for at, spine, interface in receiving_interfaces(fabric)
        ]

    def wait_ready(self) -> None:
        wait_all(*(capture for _, _, capture in self._captures))

    def finish(self, start: float) -> LinkFrames:
        """`received_s` is converted to s after `start` of the monotonic clock. Raises TrafficError."""
        parts, dropped = [], 0
        for at, spine, capture in self._captures:
            found = capture.finish()
            dropped += found.dropped
            parts.append(found.frames.assign(received_s=found.frames["received_s"] - start, at=at, spine=spine))
        frames = pd.concat(parts, ignore_index=True)
        return LinkFrames(frames.sort_values("received_s", kind="stable", ignore_index=True), dropped)


def receiving_interfaces(fabric: Fabric) -> Iterator[tuple[str, str, str]]:
    """For each direction of each link: the receiving switch, the link's spine, the interface."""
    for leaf, leaf_port, spine, spine_port in fabric.links():
        yield leaf, spine, f"{leaf}-eth{leaf_port}"
        yield spine, spine, f"{spine}-eth{spine_port}"


def with_pairs(frames: pd.DataFrame, addresses: dict[str, str]) -> pd.DataFrame:
    """Adds `pair`, "source>target" by the names in `addresses` (missing unless IPv4 between them), and `probe`."""
    names = {address_number(address): name for name, address in addresses.items()}
    source, target = frames["source"].map(names), frames["destination"].map(names)
    pair = (source + ">" + target).where(frames["type"] == IPV4)
    named: pd.DataFrame = frames.assign(pair=pair, probe=frames["type"] == HULA)
    return named


@dataclass(frozen=True)
class Strays:
    """Frames that belong neither to the flows nor to HULA's probes: those that a strategy put on the links.
    `neighbour_*`: those received by a switch other than the changed one."""

    frames: int
    bytes: int
    neighbour_frames: int
    neighbour_bytes: int


def strays(frames: pd.DataFrame, pairs: Iterable[str], changed: str) -> Strays:
    """`frames`: from `with_pairs`; `pairs`: those of the flows."""
    others = frames[~frames["probe"] & ~frames["pair"].isin(list(pairs))]
    at_neighbours = others[others["at"] != changed]
    return Strays(len(others), int(others["bytes"].sum()), len(at_neighbours), int(at_neighbours["bytes"].sum()))


def delivered(frames: pd.DataFrame, spine: str | None = None) -> pd.DataFrame:
    """The data frames that came down from the spines (or from one of them) to the leaves."""
    down = (frames["at"] != frames["spine"]) & frames["pair"].notna()
    found: pd.DataFrame = frames[down] if spine is None else frames[down & (frames["spine"] == spine)]
    return found
