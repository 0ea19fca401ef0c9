"""A switch whose clones controllers get by shared memory."""

from __future__ import annotations

import time
from typing import Any

from softswitch.proto import bulk_pb2
from state4.clones.header import REPLICA
from state4.clones.source import CloneSource
from state4.programs import InstalledProgram
from state4.rsrm import start_cloning
from state4.targets.base import CPU_PORT as CPU
from state4.targets.p4runtime.hold import clone_format
from state4.targets.p4runtime.target import P4RuntimeTarget
from tests.state4_programs import PARAMS, program, request
from tests.switch.controller import Controller, Running

COUNTING = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<64>>(1) packets;
    register<bit<64>>(256) latest;
    apply {{
        standard_metadata.egress_spec = 2;
        bit<64> n;
        packets.read(n, 0);
        n = n + 1;
        packets.write(0, n);
        latest.write((bit<32>)n[7:0], n);
    }}
}}
"""
)
"""The number of a packet's clone is what it writes: once to cell 0, and once to one of 256."""


class Sharing:
    """A switch that clones, and controllers that get its updates by shared memory. `packets`: so many went in."""

    def __init__(self, running: Running, program: InstalledProgram) -> None:
        self.running, self.program, self.packets = running, program, 0
        self.target = P4RuntimeTarget(running.address)
        self.target.install(program)
        self.target.configure_clone_session(program.layout.session, CPU)

    def begin(self, target: P4RuntimeTarget | None = None) -> CloneSource:
        ring = (target or self.target).open_ring(self.program.layout)
        assert ring is not None
        start_cloning(target or self.target, self.program.layout, ring)
        return ring

    def send(self, count: int = 1) -> int:
        """How many clones leave for the CPU port."""
        self.packets += count
        out = [port for _ in range(count) for port, _ in self.running.switch.inject(1, request())]
        assert out.count(2) == count
        return out.count(CPU)

    def until_clones(self) -> None:
        """Packets until the ring is gone."""
        deadline = time.monotonic() + 10
        while not self.send():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def share(self, c: Controller, **changed: Any) -> bulk_pb2.ShareUpdatesRequest:
        """What State4 would ask."""
        layout = self.program.layout
        asked = bulk_pb2.ShareUpdatesRequest(
            device_id=1,
            fence=c.fence(),
            format=clone_format(layout),
            prefix=layout.prefix,
            session=layout.session,
            replica=REPLICA,
        )
        for name, value in changed.items():
            if isinstance(value, dict):
                for inner, given in value.items():
                    setattr(getattr(asked, name), inner, given)
            else:
                setattr(asked, name, value)
        return asked
