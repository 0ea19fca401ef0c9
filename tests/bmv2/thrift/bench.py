"""A switch with a Thrift server, which notes the requests that it gets, and a target that controls it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from softswitch.build.device_config import collect
from softswitch.build.program import compile_program
from softswitch.compat.bmv2_config import config_json
from softswitch.compat.thrift.programs import SwitchOptions
from softswitch.compat.thrift.protocol import Service
from softswitch.compat.thrift.server import ThriftServer
from softswitch.dataplane.externs import Register
from softswitch.dataplane.switch import Switch
from softswitch.server.device.device import Device
from softswitch.server.program.config import Config
from state4.targets.bmv2 import program as bmv2_program
from state4.targets.bmv2.target import Bmv2Target

PORTS = (1, 2, 3, 64, 258, 510)


@dataclass(frozen=True)
class _Noting(Service):
    requests: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def method(self, call: str) -> Callable[..., Any] | None:
        found = super().method(call)
        if found is None:
            return None

        def noted(*arguments: Any) -> Any:
            self.requests.append((call, arguments))
            return found(*arguments)

        return noted


class Served:
    """`requests`: name and arguments of each, in their order. `services`: what the server answers to, by name."""

    def __init__(self, device: Device, server: ThriftServer) -> None:
        self.device = device
        self.requests: list[tuple[str, tuple[Any, ...]]] = []
        self.services = server._services
        for name, service in self.services.items():
            self.services[name] = _Noting(service.module, service.handlers, self.requests)
        self._server = server

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.port}"

    def count(self, call: str) -> int:
        return sum(name == call for name, _ in self.requests)

    @property
    def forwarding(self) -> Config:
        assert self.device.active is not None
        return self.device.active

    def register(self, name: str) -> Register:
        """Of the saved program, if there is one: the one that Thrift's clients write to."""
        return self.device.target().pipeline.registers[name]

    def cells(self, name: str) -> list[int]:
        register = self.register(name)
        return [register.read_cell(index) for index in range(register.info.cells)]

    @property
    def sessions(self) -> dict[int, int | str]:
        """The port of each mirror session, or "group N"."""
        found: dict[int, int | str] = {}
        for session in self.device.switch.clone_sessions():
            group = self.device.pre.group_of(session.id)
            found[session.id] = session.replicas[0].port if group is None else f"group {group}"
        return found

    @property
    def groups(self) -> dict[int, list[tuple[int, int]]]:
        """(instance, port) of each copy of a multicast group."""
        found = self.device.switch.multicast_groups()
        return {group.id: [(copy.instance, copy.port) for copy in group.replicas] for group in found}


@dataclass(frozen=True)
class Bench:
    served: Served
    target: Bmv2Target


@contextmanager
def serving(interfaces: dict[int, str] | None = None, *, enable_swap: bool = True) -> Iterator[Served]:
    """A switch without a program. `interfaces`: what it says of its ports."""
    with Switch() as switch:
        for port in PORTS:
            switch.add_memory_port(port)
        device = Device(switch, 0)
        server = ThriftServer(device, SwitchOptions(0, interfaces or {}, enable_swap))
        server.start()
        try:
            yield Served(device, server)
        finally:
            server.stop()


def compile_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are compiled as softswitch's p4c-bm2-ss does, without a process for it, which takes a second."""

    def compiled(source: Path, _defines: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(config_json(compile_program(source).info, collect(source)))
        return found

    monkeypatch.setattr(bmv2_program, "_compile", compiled)
