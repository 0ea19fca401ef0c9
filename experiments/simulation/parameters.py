"""What the model knows of a machine: durations of single steps, sizes, limits."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameters:
    """Seconds unless a name says otherwise. A reconfiguration is a sequence of steps; each has a fixed time, and an
    additional one per cell, update or clone where a name ends with `_cell_s`, `_update_s` or `_clone_s`.

    open_s: until the switch clones (for strategies that clone); entries_s: from then until the first register is read.
    save_s: from the last read to the first write; per cell, too, since the switch allocates the new program's cells.
    check_s: from the last write until the updates are taken. settle_s: from the last write of any kind to the swap.
    end_s: from the swap to the end. listener_clone_s, listener_update_s: the listener's time for a clone, and for each
    update in it. queue_clones: the largest number of clones waiting for the listener. arrival_s: how long the newest
    one is awaited. clone_bytes, slot_bytes: size of a clone, and of each update in it. port_bits_per_s: rate of the CPU
    port. pace_cells_per_s, pace_step_s: pace of the control plane and length of its steps; None: as fast as possible.
    map_s: fixed time of a pre-copy round; block_cells: cells per bit of the dirty map; dirty_s: per cell that a round
    reads and writes; held_s: the shortest time that packets wait for the last round.
    """

    open_s: float
    entries_s: float
    read_s: float
    read_cell_s: float
    save_s: float
    save_cell_s: float
    write_s: float
    write_cell_s: float
    check_s: float
    look_ahead_update_s: float
    apply_s: float
    apply_cell_s: float
    settle_s: float
    end_s: float
    listener_clone_s: float
    listener_update_s: float
    queue_clones: int
    arrival_s: float
    clone_bytes: int
    slot_bytes: int
    port_bits_per_s: float = math.inf
    pace_cells_per_s: float = math.inf
    pace_step_s: float = 0.01
    map_s: float = 0.0
    block_cells: int = 1
    dirty_cell_s: float = 0.0
    held_s: float = 0.0

    @property
    def read_each_s(self) -> float:
        """Time per cell read, at the pace."""
        return max(self.read_cell_s, 1 / self.pace_cells_per_s)

    @property
    def write_each_s(self) -> float:
        """Time per cell written, at the pace."""
        return max(self.write_cell_s, 1 / self.pace_cells_per_s)

    @property
    def apply_each_s(self) -> float:
        """Time per cloned update written, at the pace."""
        return max(self.apply_cell_s, 1 / self.pace_cells_per_s)

    @property
    def dirty_each_s(self) -> float:
        """Time per cell of a dirty block, which is both read and written."""
        return max(self.dirty_cell_s, 2 / self.pace_cells_per_s)

    def frame_bytes(self, updates: int) -> int:
        """Length of a clone with so many updates."""
        return self.clone_bytes + updates * self.slot_bytes

    def service_s(self, updates: int) -> float:
        """Time that a clone with so many updates occupies the slower of CPU port and listener."""
        listener = self.listener_clone_s + updates * self.listener_update_s
        return max(listener, 8 * self.frame_bytes(updates) / self.port_bits_per_s)
