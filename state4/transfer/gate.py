"""How a program lets packets wait on a switch that cannot: its clone flag is WAIT, in a new program from the beginning.

The first packet then goes round through ingress, resubmitted before anything of the program has run. bmv2 takes
resubmitted packets before new ones, so all others wait behind it, in order, in the switch's input buffer and in front
of its ports. Nothing reads or writes state until the flag is IDLE, so plain writes of the control plane are as good as
writes to a program that does not run yet. A packet that has gone round too often ends the waiting by itself.
"""

from __future__ import annotations

import numpy as np
from finsy.proto import p4i

from state4.clones.header import IDLE, WAIT, CloneLayout
from state4.clones.source import CloneSource
from state4.instrumentation.running import all_registers
from state4.targets.base import Target

_ROUNDS, _MAX_ROUNDS, _GAVE_UP, _CPU = range(4)
"""Cells of the gate register."""
TELL_S = 0.01
"""How long the new program may be silent before it is woken."""
MAX_TELL_S = 0.4
"""How long its first word is waited for."""


class Gate:
    """Of one program. `usable`: whether it can let packets wait in this switch."""

    def __init__(self, target: Target, p4info: p4i.P4Info, layout: CloneLayout) -> None:
        self._target = target
        self._layout = layout
        self._waits = target.abilities.lets_packets_wait
        self.usable = layout.waits and self._waits is not None
        specs = {spec.name: spec for spec in all_registers(p4info)}
        self._flag = specs[layout.flag_register]
        if self.usable:
            self._cells = specs[layout.gate_register]

    def close(self) -> None:
        """Packets wait from now on, or from the first one of a program that is saved."""
        assert self._waits is not None
        max_passes, cpu = self._waits.max_wait_passes, self._target.cpu_port
        self._target.write_register(self._cells, np.array([0, max_passes, 0, cpu + 1], self._cells.dtype))
        self._target.write_register(self._flag, np.array([WAIT], self._flag.dtype))

    def told(self, listener: CloneSource) -> bool:
        """Waits until the program has said on the CPU port that it runs, so that everything of the one before is here.
        False if it has not."""
        assert self._waits is not None
        if listener.wait_for_program(self._layout.fingerprint, TELL_S):
            return True
        self._waits.wake()
        if listener.wait_for_program(self._layout.fingerprint, MAX_TELL_S / 4):
            return True
        self._target.write_register(self._cells, np.array([0], self._cells.dtype), _ROUNDS)  # its word was lost: again
        self._waits.wake()
        return listener.wait_for_program(self._layout.fingerprint, MAX_TELL_S / 2)

    def holds(self) -> bool:
        """Whether packets wait, as far as is known now."""
        return int(self._target.read_register(self._cells, _GAVE_UP, 1)[0]) == 0

    def open(self, flag: int = IDLE) -> bool:
        """Packets go on, with the clone flag so. False if they had done so before."""
        self._target.write_register(self._flag, np.array([flag], self._flag.dtype))
        return self.holds()
