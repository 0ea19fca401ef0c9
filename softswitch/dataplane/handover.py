"""The end of a change of programs in one step: what a switch moves while packets wait, and the clones that it keeps.

Everything is prepared before. While packets wait, one call into the runtime does the rest, in some microseconds and
without a lock of Python's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ctypes import Array, Structure, addressof, c_uint32, c_void_p
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from softswitch.dataplane import native
from softswitch.dataplane.externs import Counter, Meter, Register
from softswitch.dataplane.interface import interface
from softswitch.dataplane.tables import Table
from softswitch.errors import BadEntry
from softswitch.model import RegisterInfo

MARK_BYTES = interface().constants["SS_MARK_BYTES"]


@dataclass(frozen=True)
class CloneFormat:
    """How clones of updates look (runtime/api.h); `mark`: the constant bytes by which they are known."""

    slots: int
    component_bytes: int
    index_bytes: int
    value_bytes: int
    mark: bytes


@dataclass(frozen=True)
class Component:
    """Updates of a register of the old program are for a register of the new one."""

    old: RegisterInfo
    new: Register


@dataclass(frozen=True)
class Handover:
    """What goes over. `components`: by their numbers in clones, None where no clones were kept. `registers`, `counters`
    and `meters`: pairs of (new, old) that are declared alike and exchange their storage. `tables`: pairs of (new, old)
    with the same keys, whose direct counters and meters go over entry by entry."""

    components: Mapping[int, Component] | None = None
    registers: Sequence[tuple[Register, Register]] = ()
    counters: Sequence[tuple[Counter, Counter]] = ()
    meters: Sequence[tuple[Meter, Meter]] = ()
    tables: Sequence[tuple[Table, Table]] = ()


@dataclass(frozen=True)
class HandedOver:
    """`complete`: False when a clone was missing; then nothing was committed. `held_ns`: how long packets waited."""

    complete: bool
    held_ns: int = 0
    clones: int = 0
    updates: int = 0


_STRUCTS = interface().structs
_Format, _Component, _TableMove, _Handover = (
    _STRUCTS[name] for name in ("ss_clone_format", "ss_component", "ss_table_move", "ss_handover")
)


def packed_format(form: CloneFormat) -> Any:
    """The runtime's ss_clone_format. Raises BadEntry."""
    if len(form.mark) != MARK_BYTES:
        raise BadEntry(f"the mark of clones has {MARK_BYTES} bytes, not {len(form.mark)}")
    packed: Any = _Format(form.slots, form.component_bytes, form.index_bytes, form.value_bytes)
    packed.mark[:MARK_BYTES] = form.mark
    return packed


def open_journal(switch: int, form: CloneFormat, sequence: Register) -> tuple[int, int]:
    """From here on the switch keeps clones; the numbers of the last ones before. Raises BadEntry."""
    packed = packed_format(form)
    numbers = (c_uint32 * 2)()
    native.check(native.library().ss_journal_open(switch, addressof(packed), sequence.pointer, numbers))
    return numbers[0], numbers[1]


@dataclass
class Prepared:
    """A handover in the runtime's terms. It is right until a controller changes entries."""

    memory: Any  # ss_handover
    keep: list[object] = field(default_factory=list)

    def run(self, switch: int) -> HandedOver:
        """Packets wait for this and nothing else."""
        native.check(native.library().ss_handover_run(switch, addressof(self.memory)))
        found = self.memory
        return HandedOver(bool(found.complete), found.held_ns, found.clones, found.updates)

    def point(self, name: str, items: Array[Any], count: int) -> None:
        """Fills in the address of `items` and how many there are."""
        setattr(self.memory, f"{name}s", addressof(items))
        setattr(self.memory, f"{name}_count", count)
        self.keep.append(items)


def prepare(pipeline: int, handover: Handover, value_bytes: int = 0) -> Prepared:
    """`pipeline`: the runtime's pointer of the new one; `value_bytes`: of the clones that are kept. Raises BadEntry."""
    prepared = Prepared(_Handover(to=pipeline), [handover])
    if handover.components is not None:
        count = max(handover.components, default=0) + 1
        components = (_Component * count)()
        for number, component in handover.components.items():
            if component.old.width > 8 * value_bytes:
                raise BadEntry(f"clones have no room for the {component.old.width} bits of {component.old.name}")
            old = component.old
            components[number] = _Component(component.new.pointer, old.cells, old.width, int(old.signed))
        prepared.point("component", components, count)
        prepared.memory.use_journal = 1
    for name, pairs in (("array", handover.registers), ("counter", handover.counters), ("meter", handover.meters)):
        flat = [item.pointer for pair in pairs for item in pair]
        prepared.point(name, (c_void_p * max(1, len(flat)))(*flat), len(pairs))
    moves = [_table_move(new, old, prepared.keep) for new, old in handover.tables]
    prepared.point("table", (_TableMove * max(1, len(moves)))(*moves), len(moves))
    return prepared


def _table_move(new: Table, old: Table, keep: list[object]) -> Structure:
    counters = bool(old.info.direct_counter and new.info.direct_counter)
    same_unit = old.info.direct_meter_kind == new.info.direct_meter_kind
    meters = bool(old.info.direct_meter and new.info.direct_meter) and same_unit
    slots = np.zeros((len(old) if counters or meters else 0, 2), np.uint32)
    count = native.library().ss_table_pair(new.pointer, old.pointer, slots.ctypes.data, len(slots)) if len(slots) else 0
    keep.append(slots)
    return _TableMove(
        to=new.pointer,
        slots=slots.ctypes.data,
        count=min(count, len(slots)),
        counters=int(counters),
        meters=int(meters),
        **{"from": old.pointer},
    )
