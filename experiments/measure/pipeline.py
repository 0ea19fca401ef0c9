"""A compiled pipeline alone: packets from memory through the switch's runtime, no interfaces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from finsy.proto import p4r

from experiments.traffic.frames import udp_datagram
from nfs.entries import load_entries, updates
from softswitch.device_config import collect, compile_config
from softswitch.server.device import Device
from softswitch.switch import Switch
from topologies.paper import PORTS, SERVER, ip_of, mac_of


@dataclass(frozen=True)
class PipelineSpeed:
    """Time per packet in one thread, and the share of the packets that came out."""

    nanoseconds: float
    forwarded: float

    @property
    def packets_per_s(self) -> float:
        return 1e9 / self.nanoseconds


def pipeline_speed(program: Path, entries: Path, *, packets: int = 500_000) -> PipelineSpeed:
    """UDP datagrams of 64 bytes on the wire from h1 to the server, 16 flows, through a program with its entries."""
    config = collect(program)
    compiled = compile_config(config)
    with Switch() as switch:
        for port in PORTS.values():
            switch.add_memory_port(port)
        device = Device(switch, 1)
        device.install(compiled, config.to_bytes())
        request = p4r.WriteRequest(device_id=1, updates=updates(load_entries(entries, compiled.p4info)))
        device.batches.write(device.target(), request)
        frames = [
            udp_datagram(
                source_mac=mac_of("h1"),
                target_mac=mac_of(SERVER),
                source_ip=ip_of("h1"),
                target_ip=ip_of(SERVER),
                source_port=40000 + number,
                port=5300,
                payload=bytes(18),
            )
            for number in range(16)
        ]
        switch.bench(PORTS["h1"], frames, packets // 10)  # caches are warm after this
        nanoseconds, outputs = switch.bench(PORTS["h1"], frames, packets)
    return PipelineSpeed(nanoseconds, outputs / packets)
