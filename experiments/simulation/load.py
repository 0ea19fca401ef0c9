"""Traffic and state of a modelled trial, and the layout of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.simulation.parameters import Parameters

Floats = npt.NDArray[np.float64]

IN_TURN, AT_RANDOM = "in turn", "at random"
"""Orders in which flows send: in turn, with successive flows far apart in the registers; or each packet from a flow
drawn independently of the others."""


@dataclass(frozen=True)
class Load:
    """Packets at a constant rate, equally from `flows` flows; each packet writes one cell of its flow in each of
    `writes` registers, which together have `cells` cells.

    trial_s: length of the trial; begin_s: the beginning of the reconfiguration. send_every_s: with approximation, a
    cell is cloned at most once in this time (Chen et al., 2022); 0: every update is. Raises ValueError for impossible
    values.
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
            raise ValueError("rate and length must be above 0, times at least 0")
        if not self.fits(self.flows, self.cells, self.writes):
            raise ValueError(
                f"{self.flows} flows with {self.writes} writes per packet need at least as many cells, not {self.cells}"
            )
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
        """Number of updates in the whole trial."""
        return self.updates_per_s * self.trial_s

    @property
    def register_cells(self) -> float:
        """Cells of each register that a packet writes."""
        return self.cells / self.writes

    def touched(self, packets: float, of: float | None = None) -> float:
        """The average number of different flows among so many packets; `of`: number of flows, if not all."""
        flows = self.flows if of is None else of
        if self.order == IN_TURN:
            return min(packets, flows)
        return float(-flows * np.expm1(packets * np.log1p(-1 / flows))) if flows > 1 else min(packets, 1.0)

    def read_offsets(self, parameters: Parameters, flows: npt.NDArray[np.int64]) -> Floats:
        """When the cells of flows are read, in s after the first. [flows, writes].

        Registers are read one after the other, with flows spread evenly over each. Without a pace a register is read in
        one request, at the beginning of which the switch takes a snapshot; with a pace, in steps.
        """
        part = np.arange(self.writes)
        within = np.floor(flows[:, None] * (self.register_cells / self.flows))
        register_s = self.register_cells * parameters.read_each_s
        if not np.isfinite(parameters.pace_cells_per_s):
            return np.broadcast_to(part * register_s, (len(flows), self.writes)).astype(np.float64)
        step = max(1, int(parameters.pace_cells_per_s * parameters.pace_step_s))
        offsets: Floats = part * register_s + np.floor(within / step) * step * parameters.read_each_s
        return offsets
