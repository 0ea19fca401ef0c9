"""A machine for tests of the model, in which every step has a different duration."""

from __future__ import annotations

import dataclasses
from typing import Any

from experiments.simulation.parameters import Parameters

IDLE = Parameters(
    open_s=0.0,
    entries_s=0.0,
    read_s=0.0,
    read_cell_s=1e-5,
    save_s=0.0,
    save_cell_s=0.0,
    write_s=0.0,
    write_cell_s=2e-5,
    check_s=0.0,
    look_ahead_update_s=0.0,
    apply_s=0.0,
    apply_cell_s=0.0,
    settle_s=0.0,
    end_s=0.0,
    listener_clone_s=1e-7,
    listener_update_s=1e-7,
    queue_clones=1000,
    arrival_s=0.05,
    clone_bytes=14,
    slot_bytes=12,
)
"""Reading and writing take time, nothing else does."""

REAL = dataclasses.replace(
    IDLE,
    open_s=0.02,
    entries_s=0.004,
    read_s=0.002,
    save_s=0.006,
    save_cell_s=1e-7,
    write_s=0.003,
    check_s=0.003,
    look_ahead_update_s=1e-6,
    apply_s=0.002,
    apply_cell_s=5e-6,
    settle_s=0.003,
    end_s=0.001,
    map_s=0.004,
    block_cells=4,
    dirty_cell_s=2e-5,
    held_s=0.001,
)


OURS = dataclasses.replace(REAL, read_cell_s=3e-8, write_cell_s=2e-8, apply_cell_s=1e-6, queue_clones=1 << 16)
"""About as fast as a machine of today."""


def machine(base: Parameters = REAL, **changes: Any) -> Parameters:
    return dataclasses.replace(base, **changes)
