"""A compiled pipeline alone: packets from memory through the switch's runtime, without interfaces."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from finsy.proto import p4r

from experiments.traffic.frames import udp_datagram
from softswitch.build.device_config import DeviceConfig, collect
from softswitch.build.isolated import compile_config
from softswitch.build.program import CompiledPipeline
from softswitch.dataplane.switch import Switch
from softswitch.server.device.device import Device
from state4.clones.header import CloneLayout
from state4.entries_file import load_entries, updates
from state4.targets.base import CPU_PORT
from topologies.paper import PORTS, SERVER, ip_of, mac_of

_FLOWS = 16
_MAGIC = 0x5334  # of traffic/flow.c


@dataclass(frozen=True)
class PipelineSpeed:
    """Time per packet in one thread, and frames out per frame in."""

    nanoseconds: float
    forwarded: float

    @property
    def packets_per_s(self) -> float:
        return 1e9 / self.nanoseconds


class LoadedPipeline:
    """A program with its entries in a switch without interfaces. Packets come from h1."""

    def __init__(self, switch: Switch, device: Device, compiled: CompiledPipeline) -> None:
        self.compiled = compiled
        self._switch = switch
        self._device = device

    def speed(self, frames: Sequence[bytes], packets: int) -> PipelineSpeed:
        nanoseconds, outputs = self._switch.bench(PORTS["h1"], frames, packets)
        return PipelineSpeed(nanoseconds, outputs / packets)

    def inject(self, port: int, frame: bytes) -> None:
        """Injects one packet and discards the output."""
        self._switch.inject(port, frame)

    def register(self, name: str) -> np.ndarray[Any, Any]:
        """All cells of the register whose name ends with `name`."""
        registers = self._device.target().pipeline.registers
        (full,) = [key for key in registers if key.endswith("." + name)]
        return registers[full].read()

    def set_cloning(self, layout: CloneLayout, on: bool) -> None:
        """Sets the clone flag of an instrumented program; its clones go to the CPU port."""
        self._switch.set_clone_session(layout.session, [(CPU_PORT, 1)])
        flag = self._device.target().pipeline.registers[layout.flag_register]
        flag.write(0, [int(on)])


@contextmanager
def loaded_pipeline(config: DeviceConfig, entries: Path) -> Iterator[LoadedPipeline]:
    """Compiles a program, or finds it in the cache, and loads it with its entries."""
    compiled = compile_config(config)
    with Switch() as switch:
        for port in (*PORTS.values(), CPU_PORT):
            switch.add_memory_port(port)
        device = Device(switch, 1)
        device.install(compiled, config.to_bytes())
        request = p4r.WriteRequest(device_id=1, updates=updates(load_entries(entries, compiled.p4info)))
        device.batches.write(device.target(), request)
        yield LoadedPipeline(switch, device, compiled)


def small_frames(*, port: int = 5300, count: int = _FLOWS) -> list[bytes]:
    """UDP datagrams of 64 bytes on the wire from h1 to the server, in 16 flows, numbered like those of the flow
    tool."""
    return [
        udp_datagram(
            source_mac=mac_of("h1"),
            target_mac=mac_of(SERVER),
            source_ip=ip_of("h1"),
            target_ip=ip_of(SERVER),
            source_port=40000 + number % _FLOWS,
            port=port,
            payload=struct.pack("<HHIQ", _MAGIC, 1, number, 0).ljust(18, b"\0"),
        )
        for number in range(count)
    ]


def pipeline_speed(program: Path, entries: Path, *, packets: int = 500_000) -> PipelineSpeed:
    """The speed of small frames through a program with its entries."""
    frames = small_frames()
    with loaded_pipeline(collect(program), entries) as pipeline:
        pipeline.speed(frames, packets // 10)  # warms the caches
        return pipeline.speed(frames, packets)
