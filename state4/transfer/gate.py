"""How a program makes packets wait on a switch that cannot hold them: its clone flag is WAIT, from the start.

The first packet is then resubmitted repeatedly, before any of the program's own code runs. bmv2 processes resubmitted
packets before new ones, so all others queue behind it, in order, in the switch's input buffer and in front of its
ports. Nothing reads or writes state until the flag is IDLE, so plain writes by the control plane are as safe as writes
to a program that is not running yet. After too many passes the program itself stops waiting.
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
WAKE_AFTER_S = 0.01
"""A new program that has not announced itself within this time is woken."""
ANNOUNCED_WITHIN_S = 0.4
"""How long to wait for its announcement in total."""


class Gate:
    """Of one program. `usable`: whether it can make packets wait in this switch."""

    def __init__(self, target: Target, p4info: p4i.P4Info, layout: CloneLayout) -> None:
        self._target = target
        self._layout = layout
        self._waits = target.abilities.lets_packets_wait
        self.usable = layout.waits and self._waits is not None
        specs = {spec.name: spec for spec in all_registers(p4info)}
        if self.usable:
            self._flag = specs[layout.flag_register]
            self._cells = specs[layout.gate_register]

    def close(self) -> None:
        """Packets wait from now on, or from the first one of a program that is saved."""
        assert self._waits is not None
        max_passes, cpu = self._waits.max_wait_passes, self._target.cpu_port
        self._target.write_register(self._cells, np.array([0, max_passes, 0, cpu + 1], self._cells.dtype))
        self._target.write_register(self._flag, np.array([WAIT], self._flag.dtype))

    def wait_until_running(self, listener: CloneSource) -> bool:
        """Waits until the program has announced itself on the CPU port; all clones of the old one have arrived by then.
        False if it has not."""
        assert self._waits is not None
        if listener.wait_for_program(self._layout.fingerprint, WAKE_AFTER_S):
            return True
        self._waits.wake()
        if listener.wait_for_program(self._layout.fingerprint, ANNOUNCED_WITHIN_S / 4):
            return True
        self._target.write_register(
            self._cells, np.array([0], self._cells.dtype), _ROUNDS
        )  # the marker was lost: send it again
        self._waits.wake()
        return listener.wait_for_program(self._layout.fingerprint, ANNOUNCED_WITHIN_S / 2)

    def is_closed(self) -> bool:
        """Whether packets still wait, as far as is known."""
        return int(self._target.read_register(self._cells, _GAVE_UP, 1)[0]) == 0

    def open(self, flag: int = IDLE) -> bool:
        """Releases the packets, with this value of the clone flag. False if they had been released before."""
        self._target.write_register(self._flag, np.array([flag], self._flag.dtype))
        return self.is_closed()
