"""A loaded program with its state: its tables, registers, counters, meters, action profiles and value sets by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softswitch.dataplane import native
from softswitch.dataplane.crcs import Crc
from softswitch.dataplane.externs import Counter, Meter, Register, Words
from softswitch.dataplane.handle import PipelineHandle
from softswitch.dataplane.profiles import Profile, ValueSet
from softswitch.dataplane.tables import Table
from softswitch.errors import PipelineLoadError
from softswitch.model import PipelineInfo


@dataclass(frozen=True)
class Snapshot:
    """All registers (shapes as of Register.read) and indirect counters (packets, bytes) at one moment."""

    registers: dict[str, NDArray[np.unsignedinteger]]
    counters: dict[str, Words]


class Pipeline:
    """A loaded program with its state. It stays usable until `close`, also after another one was committed."""

    def __init__(self, handle: PipelineHandle, info: PipelineInfo) -> None:
        self.info = info
        self.handle = handle
        counts = np.zeros(7, dtype=np.uint32)
        with handle.use() as pointer:
            native.library().ss_pipeline_shape(pointer, counts.ctypes.data)
        kinds = (info.tables, info.registers, info.counters, info.meters, info.profiles, info.value_sets, info.digests)
        if [len(kind) for kind in kinds] != counts.tolist():
            raise PipelineLoadError(
                f"the description of {info.name} is not that of its shared object: compile it again"
            )
        self.profiles = {profile.name: Profile(handle, profile, info.tables) for profile in info.profiles}
        by_index = {profile.info.index: profile for profile in self.profiles.values()}
        self.tables = {table.name: Table(handle, table, by_index.get(table.action_profile)) for table in info.tables}
        self.registers = {register.name: Register(handle, register) for register in info.registers}
        self.counters = {counter.name: Counter(handle, counter) for counter in info.counters}
        self.meters = {meter.name: Meter(handle, meter) for meter in info.meters}
        self.crcs = {crc.name: Crc(handle, crc) for crc in info.crcs}
        self.value_sets = {value_set.name: ValueSet(handle, value_set) for value_set in info.value_sets}

    def reset_state(self) -> None:
        """Registers, counters and meters as after loading; entries stay. One step to packets."""
        with self.handle.use() as pointer:
            native.library().ss_pipeline_reset(pointer, False)

    def reset(self) -> None:
        """Everything as after loading: also tables with the program's own entries, profiles and value sets."""
        with self.handle.use() as pointer:
            native.library().ss_pipeline_reset(pointer, True)
            for table in self.tables.values():
                table.forget_notes()
            for profile in self.profiles.values():
                profile.forget()

    def snapshot(self) -> Snapshot:
        """All registers and counters as of one moment between two packets."""
        with self.handle.use() as pointer:
            lib = native.library()
            memory = np.empty(lib.ss_snapshot_bytes(pointer), dtype=np.uint8)
            native.check(lib.ss_snapshot_all(pointer, memory.ctypes.data, memory.nbytes))
        at = 0
        registers: dict[str, NDArray[np.unsignedinteger]] = {}
        counters: dict[str, Words] = {}
        for register in self.registers.values():
            size = register.info.cells * register.info.cell_bytes
            cells = memory[at : at + size].view(register.dtype)
            registers[register.info.name] = (
                cells.reshape(-1, register.info.cell_bytes) if register.info.width > 64 else cells
            )
            at += -(-size // 64) * 64
        for counter in self.counters.values():
            size = counter.info.cells * 16
            counters[counter.info.name] = memory[at : at + size].view(np.uint64).reshape(-1, 2)
            at += -(-size // 64) * 64
        return Snapshot(registers, counters)

    def close(self) -> None:
        """Frees it. Raises InUse while it is the active one."""
        self.handle.close()
