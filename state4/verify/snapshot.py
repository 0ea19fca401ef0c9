"""What a switch holds at some moment, in memory and as a file.

The file is a numpy archive: "p4info" and "entities" (a P4Runtime ReadResponse) as bytes, "register/NAME" and
"counter/NAME" as rows of bytes, one row a cell. A switch that can read all registers in one step does.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from finsy.proto import p4i, p4r
from google.protobuf.message import DecodeError

from state4.errors import State4Error
from state4.instrumentation.running import user_registers
from state4.targets.base import Target
from state4.values import Cells

_FORMAT = 1


class BadSnapshot(State4Error):
    """Not a file that `state4 snapshot` wrote; the message has its name."""


@dataclass(frozen=True)
class Snapshot:
    """`registers`: the user's, by name, with all their cells; `counters`: indirect ones, uint64 [cells, 2], packets and
    bytes; `entities`: what the control plane put into the program, with the counts of direct counters."""

    p4info: p4i.P4Info
    registers: Mapping[str, Cells] = field(default_factory=dict)
    counters: Mapping[str, Cells] = field(default_factory=dict)
    entities: Sequence[p4r.Entity] = ()

    @property
    def cells(self) -> int:
        return sum(len(contents) for contents in self.registers.values())


def take(target: Target) -> Snapshot:
    """Of the forwarding program. Registers that the switch cannot read are left out. Raises TargetError."""
    p4info = target.running()
    specs = [spec for spec in user_registers(p4info) if not target.register_problem(spec)]
    names = [counter.preamble.name for counter in p4info.counters]
    return Snapshot(
        p4info,
        target.read_registers(specs),
        {name: target.read_counter(name) for name in names},
        target.read_entities(),
    )


def save(snapshot: Snapshot, file: Path) -> None:
    """Raises OSError."""
    answer = p4r.ReadResponse(entities=snapshot.entities)
    arrays = {"format": np.array([_FORMAT], np.uint8)}
    arrays["p4info"] = np.frombuffer(snapshot.p4info.SerializeToString(), np.uint8)
    arrays["entities"] = np.frombuffer(answer.SerializeToString(), np.uint8)
    for name, contents in snapshot.registers.items():
        arrays[f"register/{name}"] = np.ascontiguousarray(contents).view(np.uint8).reshape(len(contents), -1)
    for name, contents in snapshot.counters.items():
        arrays[f"counter/{name}"] = np.ascontiguousarray(contents, "<u8").view(np.uint8).reshape(-1, 16)
    with file.open("wb") as out:
        np.savez_compressed(out, **arrays)  # type: ignore[arg-type]


def load(file: Path) -> Snapshot:
    """Raises BadSnapshot, OSError."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if arrays["format"].tolist() != [_FORMAT]:
            raise BadSnapshot(f"{file}: a snapshot of another version of State4")
        p4info = p4i.P4Info.FromString(arrays["p4info"].tobytes())
        answer = p4r.ReadResponse.FromString(arrays["entities"].tobytes())
        specs = {spec.name: spec for spec in user_registers(p4info)}
        registers = {
            name: specs[name].from_bytes(arrays[f"register/{name}"].tobytes())
            for name in specs
            if f"register/{name}" in arrays
        }
        counters = {
            name.removeprefix("counter/"): np.frombuffer(rows.tobytes(), "<u8").reshape(-1, 2)
            for name, rows in arrays.items()
            if name.startswith("counter/")
        }
    except (ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile, DecodeError) as error:
        raise BadSnapshot(f"{file}: not a snapshot of a switch ({type(error).__name__})") from None
    return Snapshot(p4info, registers, counters, list(answer.entities))
