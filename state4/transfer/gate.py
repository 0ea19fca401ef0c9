"""How a program makes packets wait on a switch that cannot hold them: its clone flag is WAIT from the start.

The first packet is then resubmitted repeatedly, before any of the program's own code runs. bmv2 processes resubmitted
packets before new ones, so all others queue behind it, in order, in the switch's input buffer and in front of its
ports. Nothing reads or writes state until the flag is IDLE, so the control plane's plain writes are as safe as writes
to a program that is not yet running. After too many passes the program stops waiting by itself.
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
"""A new program that has not announced itself within this time is sent a packet."""
ANNOUNCED_WITHIN_S = 0.4
"""How long to wait for the announcement in total."""


class Gate:
    """The gate of one program. `usable`: whether the program can make packets wait on this switch."""

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
        """Packets wait from now on; in a saved program, from its first packet on."""
        assert self._waits is not None
        max_passes, cpu = self._waits.max_wait_passes, self._target.cpu_port
        self._target.write_register(self._cells, np.array([0, max_passes, 0, cpu + 1], self._cells.dtype))
        self._target.write_register(self._flag, np.array([WAIT], self._flag.dtype))

    def wait_until_running(self, listener: CloneSource) -> bool:
        """Waits until the program has announced itself on the CPU port; by then all clones of the old one have arrived.
        False if it did not."""
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
        """Whether packets are still waiting, as far as is known."""
        return int(self._target.read_register(self._cells, _GAVE_UP, 1)[0]) == 0

    def open(self, flag: int = IDLE) -> bool:
        """Releases the packets, setting the clone flag to this value. False if they had already been released."""
        self._target.write_register(self._flag, np.array([flag], self._flag.dtype))
        return self.is_closed()
