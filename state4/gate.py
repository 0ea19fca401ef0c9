"""How a new program lets packets wait on a switch that cannot: its clone flag begins as WAIT.

The first packet then goes round through ingress, resubmitted before anything of the program has run. bmv2 takes
resubmitted packets before new ones, so all others wait behind it, in order, in the switch's input buffer and in front
of its ports. Nothing reads or writes state until the flag is IDLE, so plain writes of the control plane are as good as
writes to a program that does not run yet. A packet that has gone round too often ends the waiting by itself.
"""

from __future__ import annotations

import numpy as np

from state4.layout import IDLE, WAIT
from state4.programs import InstalledProgram, all_registers
from state4.targets.base import CloneSource, Target

_ROUNDS, _MOST, _GAVE_UP, _CPU = range(4)
"""Cells of the gate register."""
TELL_S = 0.01
"""How long the new program may be silent before it is woken."""
LONGEST_S = 0.4
"""How long its first word is waited for."""


class Gate:
    """Of one program. `needed`: whether there is anything to wait for; `usable`: if so, whether the program can."""

    def __init__(self, target: Target, program: InstalledProgram, *, needed: bool = True) -> None:
        self._target = target
        self._layout = program.layout
        self.usable = needed and program.layout.waits
        specs = {spec.name: spec for spec in all_registers(program.p4info)}
        self._flag = specs[program.layout.flag_register]
        if self.usable:
            self._cells = specs[program.layout.gate_register]

    def close(self) -> None:
        """In a program that is saved: packets wait from its first one on."""
        most, cpu = self._target.longest_wait_passes, self._target.cpu_port
        self._target.write_register(self._cells, np.array([0, most, 0, cpu + 1], self._cells.dtype))
        self._target.write_register(self._flag, np.array([WAIT], self._flag.dtype))

    def told(self, listener: CloneSource) -> bool:
        """Waits until the program has said on the CPU port that it runs, so that everything of the one before is here.
        False if it has not."""
        if listener.wait_for_program(self._layout.fingerprint, TELL_S):
            return True
        self._target.wake()
        if listener.wait_for_program(self._layout.fingerprint, LONGEST_S / 4):
            return True
        self._target.write_register(self._cells, np.array([0], self._cells.dtype), _ROUNDS)  # its word was lost: again
        self._target.wake()
        return listener.wait_for_program(self._layout.fingerprint, LONGEST_S / 2)

    def holds(self) -> bool:
        """Whether packets wait, as far as is known now."""
        return int(self._target.read_register(self._cells, _GAVE_UP, 1)[0]) == 0

    def open(self) -> bool:
        """Packets go on. False if they had done so before."""
        self._target.write_register(self._flag, np.array([IDLE], self._flag.dtype))
        return self.holds()
