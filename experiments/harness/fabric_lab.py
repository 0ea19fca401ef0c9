"""A fabric of leaves and spines that is ready for experiments: every switch with its own control process.

with open_fabric(Fabric()) as lab:                 # network up, no program yet
    lab.install(program, entries)                  # on all switches at once
    lab.control["spine1"].call(...)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from experiments.control.client import ControlProcess
from experiments.control.programs import store_prepared
from experiments.harness.lab import SWITCHES
from experiments.traffic.knock import ProbeSender
from softswitch.build.runtime import runtime_library, sanitize_wanted
from state4.cim import Track
from topologies.bmv2 import Bmv2Switch
from topologies.leaf_spine import Fabric, LeafSpineTopo
from topologies.network import RunningNetwork, running_network
from topologies.switch import SoftSwitch

PROBE_S = 0.1
"""Interval between two probes of a leaf."""
_PROBE_MAC = "00:00:00:00:00:fe"


@dataclass(frozen=True)
class FabricLab:
    """A running fabric. `control`: by switch, the process that acts on it as `state4` would."""

    network: RunningNetwork
    fabric: Fabric
    control: Mapping[str, ControlProcess]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.fabric.leaf_names, *self.fabric.spine_names)

    def switch(self, name: str) -> SoftSwitch | Bmv2Switch:
        switch: SoftSwitch | Bmv2Switch = self.network.node(name)
        return switch

    def check(self) -> None:
        """Raises SwitchStartError if a switch has died."""
        for name in self.names:
            self.switch(name).check()

    def install(self, programs: Mapping[str, Path], entries: Mapping[str, str]) -> None:
        """Installs a prepared program (`store_prepared`) with entries (TOML) on each switch; state starts empty."""
        for name in self.names:
            file = self.network.directory.path / f"{name}.entries.toml"
            file.write_text(entries[name])
            self.control[name].wait_ready()
            arguments = {"program": str(programs[name]), "entries": str(file), "left_out_groups": []}
            self.control[name].begin("install", arguments)
        for name in self.names:
            self.control[name].wait()

    def prepared(self, program: Path, track: Track = Track.CLONES) -> Path:
        """A program instrumented for the control processes."""
        return store_prepared(program, self.network.directory.path, track)

    def cells(self, switch: str, register: str, start: int, count: int) -> list[int]:
        """Cells of a register of the running program."""
        arguments = {"register": register, "start": start, "count": count}
        found: list[int] = self.control[switch].call("read_cells", arguments)
        return found

    def probes(self) -> list[ProbeSender]:
        """Senders of HULA's probes, one at the CPU port of each leaf. They send from now until `finish`."""
        return [
            ProbeSender(
                self.network,
                name,
                mac=_PROBE_MAC,
                interface=self.network.node(name).cpu_interface,
                tor=tor,
                every_s=PROBE_S,
            )
            for tor, name in zip(self.fabric.leaf_numbers, self.fabric.leaf_names, strict=True)
        ]


@contextmanager
def open_fabric(fabric: Fabric, target: str = SoftSwitch.target) -> Iterator[FabricLab]:
    """The network of a fabric with switches of one kind, each in its own namespace with a control process.

    Raises what `running_network` raises."""
    if target == SoftSwitch.target:
        runtime_library(sanitize_wanted())  # in advance: building it takes longer than a daemon may take to start
    with running_network(LeafSpineTopo(fabric), switch=SWITCHES[target]) as network:
        names = (*fabric.leaf_names, *fabric.spine_names)
        control = {name: ControlProcess.of_switch(network, name) for name in names}
        yield FabricLab(network, fabric, control)
        for process in control.values():
            process.finish()
