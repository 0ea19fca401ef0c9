"""When the control plane does what, in seconds from the beginning of a reconfiguration."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.simulation.load import Load
from experiments.simulation.parameters import Parameters

CONTROLLER, STATE4, PRECOPY = "controller", "state4", "precopy"
STRATEGIES = (CONTROLLER, STATE4, PRECOPY)


@dataclass(frozen=True)
class Bulk:
    """The steps until the bulk is written. `clone_on`: when cloning begins; None: never."""

    clone_on: float | None
    read: float
    written: float

    @classmethod
    def of(cls, strategy: str, parameters: Parameters, load: Load) -> Bulk:
        opened = parameters.open_s if strategy == STATE4 else 0.0
        read = opened + parameters.entries_s
        written = read + parameters.read_s + load.cells * parameters.read_each_s
        written += parameters.save_s + load.cells * parameters.save_cell_s
        written += parameters.write_s + load.cells * parameters.write_each_s
        return cls(opened if strategy == STATE4 else None, read, written)


@dataclass(frozen=True)
class Ending:
    """The steps from when updates are taken. `taken`, `swap`, `end`: in s from the beginning."""

    taken: float
    swap: float
    end: float

    @classmethod
    def of_controller(cls, parameters: Parameters, bulk: Bulk) -> Ending:
        swap = bulk.written + parameters.settle_s
        return cls(bulk.written, swap, swap + parameters.end_s)

    @classmethod
    def of_state4(cls, parameters: Parameters, taken: float, updates: float, written: float) -> Ending:
        """`updates` were taken at time `taken`; look-ahead reduces them to `written` cells."""
        swap = taken + updates * parameters.look_ahead_update_s
        swap += parameters.apply_s + written * parameters.apply_each_s + parameters.settle_s
        return cls(taken, swap, swap + parameters.end_s)
