"""Swing State between the two spines of a fabric, as in its own paper: state travels in packets over the links.

The changed spine sends every update of its hard state to the other spine (through leaf 1), for as long as State4 would
work with the same profile; then its program is swapped, with its entries and without state; then the other spine
returns what it has parked, one cell with each packet that it processes. Writes before the sending begins or after the
swap are missing, and so is what a link loses. Nothing is acknowledged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.harness.fabric_lab import FabricLab
from state4.instrumentation.swing_code import IDLE, RETURN, SEND, SESSION
from state4.pacing import PROFILES
from state4.strategies.swing_state import window_s
from topologies.leaf_spine_entries import spine_mac

SWING = "swing_links"
HARD = ("counted_bytes", "pk_reg")
"""The hard state of chained_counting.p4. HULA's registers are soft: probes and flowlets rewrite them."""
_RELAY_PORT = 1  # of every spine: to leaf 1
_POLL_S, _PATIENCE_S = 0.05, 2.0


def swing_entries(spine: int, other: int) -> str:
    """The entries that a spine needs to send state packets to another one."""
    addresses = f'"{spine_mac(other)}", "{spine_mac(spine)}"'
    return (
        f"[[clone]]\nsession = {SESSION}\nports = [{_RELAY_PORT}]\n\n"
        f'[[register]]\nname = "swing_address"\nvalues = [{addresses}]\n'
    )


def swing(
    lab: FabricLab,
    spine: str,
    neighbour: str,
    *,
    program: Path,
    entries: str,
    profile: str,
    on_window: Callable[[], None],
) -> dict[str, Any]:
    """Changes `spine` to the prepared `program` with `entries`. `on_window`: called when the sending has begun.

    The outcome has the swap (s of the monotonic clock), and the numbers of state packets counted by sender and
    receiver."""
    _set_mode(lab, spine, SEND)
    on_window()
    time.sleep(window_s(_cells(lab), PROFILES[profile]))
    sent = lab.cells(spine, "swing_count", 0, 1)[0]
    swapped = lab.control[spine].call(
        "swap", {"program": str(program), "entries": str(_file(lab, f"{spine}-own", entries))}
    )
    _set_mode(lab, neighbour, RETURN)
    deadline = time.monotonic() + _PATIENCE_S
    parked, gone = lab.cells(neighbour, "swing_ends", 0, 2)
    while gone < parked and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        parked, gone = lab.cells(neighbour, "swing_ends", 0, 2)
    _set_mode(lab, neighbour, IDLE)
    given_back, parked_packets = lab.cells(neighbour, "swing_count", 0, 2)
    restored = lab.cells(spine, "swing_count", 1, 1)[0]
    return {
        "swap": {"begin": swapped["begin"], "end": swapped["end"]},
        "sent_before_reading": sent,
        "parked_packets": parked_packets,
        "parked_cells": parked,
        "given_back": given_back,
        "restored": restored,
    }


def _cells(lab: FabricLab) -> int:
    """The number of cells that State4 would read and write: all cells of the chained program."""
    return int(lab.control[lab.fabric.leaf_names[0]].call("read_all")["cells"])


def _set_mode(lab: FabricLab, spine: str, mode: int) -> None:
    text = f'[[register]]\nname = "swing_mode"\nvalues = [{mode}]\n'
    lab.control[spine].call("load_entries", {"entries": str(_file(lab, f"{spine}-mode", text))})


def _file(lab: FabricLab, name: str, text: str) -> Path:
    path = lab.network.directory.path / f"{name}.toml"
    path.write_text(text)
    return path
