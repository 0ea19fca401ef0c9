"""What a compiled pipeline consists of, as Python sees it: the same lists, in the same order, as `ss_program` has.

Made by the code generator along with the C source, kept with the shared object in the cache (as JSON), and read by the
runtime wrapper, the P4Runtime server and the tools. Widths are in bits. Names are control-plane names (P4Runtime
specification 6.1.2: `@name`, else the hierarchical name such as "MyIngress.ipv4_lpm").
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class KeyField:
    name: str
    width: int
    match: str  # a name of p4front.match_kinds.MATCH_KINDS


@dataclass(frozen=True)
class ActionParam:
    name: str
    width: int
    signed: bool = False


@dataclass(frozen=True)
class ActionInfo:
    """`index` is the position in the table's own action list. `scope`: "" | "tableonly" | "defaultonly"."""

    name: str
    index: int
    params: tuple[ActionParam, ...]
    scope: str = ""


@dataclass(frozen=True)
class TableInfo:
    """`size` is the declared one (1024 if none). `action_profile`: index into profiles, or -1."""

    name: str
    index: int
    keys: tuple[KeyField, ...]
    actions: tuple[ActionInfo, ...]
    size: int
    default_action: int
    const_default: bool
    const_entries: bool
    direct_counter: str = ""  # its control-plane name, "" without one
    direct_counter_kind: int = 0
    direct_meter: str = ""
    direct_meter_kind: int = 0
    action_profile: int = -1
    idle_timeout: bool = False


@dataclass(frozen=True)
class RegisterInfo:
    """`cell_bytes`: storage of one cell (1, 2, 4, 8, or 8 * ceil(width / 64)), little-endian. `leaves`: widths of the
    scalars in a cell, the first one in the highest bits; () means one scalar."""

    name: str
    index: int
    cells: int
    width: int
    signed: bool
    cell_bytes: int
    leaves: tuple[int, ...] = ()


@dataclass(frozen=True)
class CounterInfo:
    """An indirect counter or meter; `kind` 0 packets, 1 bytes, 2 both (CounterType / MeterType)."""

    name: str
    index: int
    cells: int
    kind: int


@dataclass(frozen=True)
class ProfileInfo:
    name: str
    index: int
    size: int
    selector: bool


@dataclass(frozen=True)
class ValueSetInfo:
    name: str
    index: int
    keys: tuple[KeyField, ...]
    size: int


@dataclass(frozen=True)
class DigestInfo:
    """`fields`: (name, width) in order; one or more words each."""

    name: str
    index: int
    fields: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class CrcInfo:
    """A call of hash() with crc16_custom or crc32_custom, whose parameters controllers may set. `width`: 16 or 32."""

    name: str
    index: int
    width: int


@dataclass(frozen=True)
class ControllerHeaderInfo:
    """A header with `@controller_header(name)`. `fields` in order: name in P4Info ("": not shown there), and width in
    the data plane."""

    name: str
    fields: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class PipelineInfo:
    name: str
    tables: tuple[TableInfo, ...] = ()
    registers: tuple[RegisterInfo, ...] = ()
    counters: tuple[CounterInfo, ...] = ()
    meters: tuple[CounterInfo, ...] = ()
    profiles: tuple[ProfileInfo, ...] = ()
    value_sets: tuple[ValueSetInfo, ...] = ()
    digests: tuple[DigestInfo, ...] = ()
    errors: tuple[str, ...] = field(default=())
    controller_headers: tuple[ControllerHeaderInfo, ...] = ()
    crcs: tuple[CrcInfo, ...] = ()


_COUNTER_BYTES, _METER_BYTES = 16, 112
"""What a cell takes in the runtime (ss_counter, ss_meter_cell)."""


def state_bytes(info: PipelineInfo) -> int:
    """Memory of a program's registers, counters and meters."""
    registers = sum(register.cells * register.cell_bytes for register in info.registers)
    counters = sum(counter.cells for counter in info.counters) * _COUNTER_BYTES
    return registers + counters + sum(meter.cells for meter in info.meters) * _METER_BYTES


def words(width: int) -> int:
    """How many 64-bit words a value of `width` bits takes in keys and action data (at least one)."""
    return max(1, -(-width // 64))


def cell_bytes(width: int) -> int:
    """Bytes that a register cell of `width` bits takes in memory."""
    for size in (1, 2, 4, 8):
        if width <= 8 * size:
            return size
    return 8 * words(width)
