"""A switch with a Thrift server, and clients of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bm_runtime.simple_pre_lag import SimplePreLAG
from bm_runtime.standard import Standard
from bm_runtime.standard.ttypes import (
    BmAddEntryOptions,
    BmMatchParam,
    BmMatchParamExact,
    BmMatchParamLPM,
    BmMatchParamRange,
    BmMatchParamTernary,
    BmMatchParamType,
)
from finsy.proto import p4r
from sswitch_runtime import SimpleSwitch
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

from softswitch.build.device_config import collect
from softswitch.build.program import compile_program
from softswitch.compat.thrift.programs import SwitchOptions
from softswitch.compat.thrift.server import ThriftServer
from softswitch.dataplane.switch import Switch
from softswitch.server.device.arbitration import Client
from softswitch.server.device.device import Device
from tests.bmv2.entities import STATE
from tests.state4_programs import program

PORTS = (1, 2, 3, 4)
ANY = BmAddEntryOptions(priority=0)


class ThriftBench:
    """`standard`, `tree` and `simple`: a client of each service. `device`: the view of P4Runtime clients."""

    def __init__(self, device: Device, server: ThriftServer) -> None:
        self.device = device
        self.server = server
        self._transport = TBufferedTransport(TSocket("127.0.0.1", server.port))
        self._transport.open()
        protocol = TBinaryProtocol(self._transport)
        self.standard: Any = Standard.Client(TMultiplexedProtocol(protocol, "standard"))
        self.tree: Any = SimplePreLAG.Client(TMultiplexedProtocol(protocol, "simple_pre_lag"))
        self.simple: Any = SimpleSwitch.Client(TMultiplexedProtocol(protocol, "simple_switch"))

    def close(self) -> None:
        self._transport.close()

    def become_primary(self) -> None:
        update = p4r.MasterArbitrationUpdate(device_id=1)
        update.election_id.low = 1
        self.device.arbitration.update(Client(send=lambda _: None), update)

    def p4runtime_write(self, *updates: p4r.Update) -> None:
        request = p4r.WriteRequest(device_id=1, updates=updates)
        request.election_id.low = 1
        self.device.write(request)

    def p4runtime_read(self, entity: p4r.Entity) -> list[p4r.Entity]:
        reading = self.device.batches.take(self.device.target(), p4r.ReadRequest(entities=[entity]))
        return [found for part in reading.responses() for found in part.entities]

    def id(self, name: str) -> int:
        info = self.device.target().p4info
        lists = (info.tables, info.actions, info.registers, info.counters, info.meters, info.action_profiles)
        return next(i.preamble.id for items in lists for i in items if i.preamble.name.endswith(f".{name}"))


@contextmanager
def thrift_bench(folder: Path, text: str = STATE, *, whole: bool = False, **options: Any) -> Iterator[ThriftBench]:
    """`text`: an ingress, or a `whole` program."""
    source = folder / "program.p4"
    source.write_text(text if whole else program(text))
    with Switch() as switch:
        for port in PORTS:
            switch.add_memory_port(port)
        device = Device(switch, 1)
        device.install(compile_program(source), collect(source).to_bytes())
        server = ThriftServer(device, SwitchOptions(0, **options))
        server.start()
        try:
            bench = ThriftBench(device, server)
            yield bench
            bench.close()
        finally:
            server.stop()


def exact(value: int, size: int = 1) -> Any:
    return BmMatchParam(type=BmMatchParamType.EXACT, exact=BmMatchParamExact(value.to_bytes(size, "big")))


def ternaries(value: int = 0, mask: int = 0) -> list[Any]:
    """A key of table `ternaries` that matches by its first field only."""
    packed = [number.to_bytes(8, "big") for number in (value, mask)]
    return [
        BmMatchParam(type=BmMatchParamType.TERNARY, ternary=BmMatchParamTernary(*packed)),
        BmMatchParam(type=BmMatchParamType.LPM, lpm=BmMatchParamLPM(b"\0\0", 0)),
        BmMatchParam(type=BmMatchParamType.RANGE, range=BmMatchParamRange(b"\0", b"\xff")),
        BmMatchParam(type=BmMatchParamType.TERNARY, ternary=BmMatchParamTernary(b"\0", b"\0")),
    ]
