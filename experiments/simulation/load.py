"""Traffic and state of a modelled trial, and which cell is where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.simulation.parameters import Parameters

Floats = npt.NDArray[np.float64]

IN_TURN, AT_RANDOM = "in turn", "at random"
"""Orders in which flows send: one after the other, neighbours in time far apart in the registers; or each packet of a
flow drawn independently of the others."""


@dataclass(frozen=True)
class Load:
    """Packets at a constant rate, of `flows` flows that send equally much; each packet writes one cell of its flow in
    each of `writes` registers, which together have `cells` cells.

    trial_s: length of the trial; begin_s: when the reconfiguration begins. send_every_s: with approximation, a cell is
    cloned at most once in this time (Chen et al., 2022); 0: each update is. Raises ValueError for what cannot be.
    """

    packets_per_s: float
    flows: int
    cells: int
    writes: int = 1
    trial_s: float = 30.0
    begin_s: float = 0.0
    order: str = AT_RANDOM
    send_every_s: float = 0.0

    def __post_init__(self) -> None:
        if min(self.packets_per_s, self.trial_s) <= 0 or min(self.begin_s, self.send_every_s) < 0:
            raise ValueError("rate and length are above 0, times not below")
        if not self.fits(self.flows, self.cells, self.writes):
            raise ValueError(f"{self.flows} flows with {self.writes} writes a packet need as many cells ({self.cells})")
        if self.order not in (IN_TURN, AT_RANDOM):
            raise ValueError(f"order must be '{IN_TURN}' or '{AT_RANDOM}', not {self.order}")

    @staticmethod
    def fits(flows: int, cells: int, writes: int) -> bool:
        """Whether every flow can have a cell of its own in each register."""
        return writes >= 1 and flows >= 1 and flows * writes <= cells

    @property
    def updates_per_s(self) -> float:
        return self.packets_per_s * self.writes

    @property
    def updates(self) -> float:
        """In the whole trial."""
        return self.updates_per_s * self.trial_s

    @property
    def register_cells(self) -> float:
        """Of each of the registers that a packet writes."""
        return self.cells / self.writes

    def touched(self, packets: float, of: float | None = None) -> float:
        """How many different flows so many packets are of, on average; `of`: of so many flows, unless of all."""
        flows = self.flows if of is None else of
        if self.order == IN_TURN:
            return min(packets, flows)
        return float(-flows * np.expm1(packets * np.log1p(-1 / flows))) if flows > 1 else min(packets, 1.0)

    def read_offsets(self, parameters: Parameters, flows: npt.NDArray[np.int64]) -> Floats:
        """When the cells of flows are read, in s after the first. [flows, writes].

        Registers are read one after the other, flows are spread evenly over each. Without a pace a register is read in
        one request, at whose begin the switch takes a snapshot; with one, in steps.
        """
        part = np.arange(self.writes)
        within = np.floor(flows[:, None] * (self.register_cells / self.flows))
        register_s = self.register_cells * parameters.read_each_s
        if not np.isfinite(parameters.pace_cells_per_s):
            return np.broadcast_to(part * register_s, (len(flows), self.writes)).astype(np.float64)
        step = max(1, int(parameters.pace_cells_per_s * parameters.pace_step_s))
        offsets: Floats = part * register_s + np.floor(within / step) * step * parameters.read_each_s
        return offsets
