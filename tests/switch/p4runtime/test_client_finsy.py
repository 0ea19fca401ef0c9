"""A longer session of finsy, as published on PyPI: everything that it supports of v1model's entities."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import finsy as fy
import pytest
from google.protobuf import text_format

from softswitch.build.device_config import collect
from softswitch.build.isolated import compile_config
from softswitch.build.program import compile_program
from tests.switch.controller import EVERYTHING, Running, body, frame

Session = Callable[[fy.Switch, Running], Awaitable[None]]


class Blob:
    """The device config in the form that finsy requires for one that is not a file."""

    def __bytes__(self) -> bytes:
        return collect(EVERYTHING).to_bytes()


@pytest.fixture
def p4info(tmp_path: Path) -> Path:
    path = tmp_path / "everything.p4info.txtpb"
    path.write_text(text_format.MessageToString(compile_program(EVERYTHING).p4info))
    return path


def play(p4info: Path, session: Session) -> None:
    """Runs a session against a switch that starts empty; finsy pushes the program. It waits for at most ten seconds,
    which may not suffice on a busy machine, so the program is compiled in advance."""
    compile_config(collect(EVERYTHING))

    async def connected(running: Running) -> None:
        options = fy.SwitchOptions(p4info=p4info, p4blob=Blob(), p4force=True)
        async with fy.Switch("sw", running.address, options) as switch:
            assert switch.is_primary
            await session(switch, running)

    with Running(None) as running:
        asyncio.run(asyncio.wait_for(connected(running), 60))


async def read(switch: fy.Switch, *entities: object) -> list[object]:
    return [entity async for entity in switch.read(entities)]


def route(prefix: str, port: int) -> fy.P4TableEntry:
    return fy.P4TableEntry("routes", match=fy.Match(address=prefix), action=fy.Action("forward", port=port))


def ports(running: Running, address: int, group: int = 0) -> list[int]:
    return [port for port, _ in running.switch.inject(1, frame(body=body(address, group=group)))]


def test_tables_insert_modify_delete_and_default(p4info: Path) -> None:
    async def session(switch: fy.Switch, running: Running) -> None:
        drop = fy.P4TableEntry("routes", is_default_action=True, action=fy.Action("drop"))
        await switch.write([+route("10.0.0.0/8", 2), +route("10.1.0.0/16", 3)])
        assert [ports(running, address) for address in (0x0A000001, 0x0A010001, 0x0B000001)] == [[2], [3], []]
        await switch.write(~route("10.1.0.0/16", 4))
        assert ports(running, 0x0A010001) == [4]
        await switch.write(-route("10.1.0.0/16", 4))
        assert ports(running, 0x0A010001) == [2]
        await switch.write(~fy.P4TableEntry("routes", is_default_action=True, action=fy.Action("forward", port=1)))
        assert ports(running, 0x0B000001) == [1]
        await switch.write(~drop)
        assert ports(running, 0x0B000001) == []
        rule = fy.P4TableEntry(
            "rules",
            match=fy.Match(address="10.0.0.0/&255.0.0.0", number="5...9", flags=7),
            action=fy.Action("forward", port=3),
            priority=4,
        )
        await switch.write(+rule)
        (found,) = await read(switch, fy.P4TableEntry("rules"))
        assert isinstance(found, fy.P4TableEntry) and found.priority == 4 and found.action == rule.action
        assert len(await read(switch, fy.P4TableEntry())) >= 4  # of all tables, with the program's own

    play(p4info, session)


def test_counters_meters_and_registers(p4info: Path) -> None:
    async def session(switch: fy.Switch, running: Running) -> None:
        await switch.write(+route("10.0.0.0/8", 2))
        for _ in range(3):
            ports(running, 0x0A000001)
        size = len(frame(body=body(0x0A000001)))
        (direct,) = await read(switch, fy.P4DirectCounterEntry("route_hits", table_entry=route("10.0.0.0/8", 2)))
        assert isinstance(direct, fy.P4DirectCounterEntry) and direct.data is not None
        assert (direct.data.packet_count, direct.data.byte_count) == (3, 3 * size)
        (counter,) = await read(switch, fy.P4CounterEntry("per_port", index=1))
        assert isinstance(counter, fy.P4CounterEntry) and counter.data is not None
        assert counter.data.packet_count == 3
        await switch.write(~fy.P4CounterEntry("per_port", index=1, data=fy.P4CounterData(packet_count=0)))
        assert len(await read(switch, fy.P4CounterEntry("per_port"))) == 8
        (register,) = await read(switch, fy.P4RegisterEntry("small", index=1))
        assert isinstance(register, fy.P4RegisterEntry) and register.data == 3
        await switch.write(~fy.P4RegisterEntry("small", index=1, data=200))
        ports(running, 0x0A000001)
        (register,) = await read(switch, fy.P4RegisterEntry("small", index=1))
        assert isinstance(register, fy.P4RegisterEntry) and register.data == 201
        config = fy.P4MeterConfig(cir=1, cburst=2, pir=3, pburst=4)
        await switch.write(~fy.P4MeterEntry("port_rate", index=2, config=config))
        (meter,) = await read(switch, fy.P4MeterEntry("port_rate", index=2))
        assert isinstance(meter, fy.P4MeterEntry) and meter.config == config

    play(p4info, session)


def test_replication_entries(p4info: Path) -> None:
    async def session(switch: fy.Switch, running: Running) -> None:
        flood = fy.P4TableEntry("routes", match=fy.Match(address="10.0.0.0/8"), action=fy.Action("multicast", group=5))
        await switch.write([+fy.P4MulticastGroupEntry(5, replicas=[2, (3, 7)]), +flood])
        assert ports(running, 0x0A000001) == [2, 3]
        await switch.write(~fy.P4MulticastGroupEntry(5, replicas=[4]))
        assert ports(running, 0x0A000001) == [4]
        await switch.write(+fy.P4CloneSessionEntry(9, replicas=[2, 3], packet_length_bytes=20))
        (found,) = await read(switch, fy.P4CloneSessionEntry(9))
        assert isinstance(found, fy.P4CloneSessionEntry) and found.packet_length_bytes == 20
        assert running.switch.clone_sessions()[0].truncate == 20
        await switch.write([-fy.P4CloneSessionEntry(9), -fy.P4MulticastGroupEntry(5)])
        assert running.switch.clone_sessions() == [] and ports(running, 0x0A000001) == []

    play(p4info, session)


def test_action_profiles(p4info: Path) -> None:
    async def session(switch: fy.Switch, running: Running) -> None:
        members = [fy.P4ActionProfileMember("paths", member_id=n, action=fy.Action("forward", port=n)) for n in (2, 3)]
        both = [fy.P4Member(2, weight=1), fy.P4Member(3, weight=1)]
        grouped = fy.P4TableEntry("balanced", match=fy.Match(group=7), action=fy.P4IndirectAction(group_id=1))
        await switch.write([+route("10.0.0.0/8", 1), *(+member for member in members)])
        await switch.write([+fy.P4ActionProfileGroup("paths", group_id=1, members=both), +grouped])
        chosen = {port for n in range(40) for port in ports(running, 0x0A000000 + n, group=7)}
        assert chosen == {2, 3}
        await switch.write(~fy.P4ActionProfileGroup("paths", group_id=1, members=[fy.P4Member(3, weight=2)]))
        assert {port for n in range(20) for port in ports(running, 0x0A000000 + n, group=7)} == {3}
        one_shot = fy.P4IndirectAction([(1, fy.Action("forward", port=2)), (1, fy.Action("forward", port=4))])
        await switch.write(
            -fy.P4TableEntry("balanced", match=fy.Match(group=7))
        )  # a table's entries are all of one style
        await switch.write(+fy.P4TableEntry("balanced", match=fy.Match(group=8), action=one_shot))
        assert {port for n in range(40) for port in ports(running, 0x0A000000 + n, group=8)} == {2, 4}
        groups = await read(switch, fy.P4ActionProfileGroup("paths"))
        assert [group.group_id for group in groups if isinstance(group, fy.P4ActionProfileGroup)] == [1]

    play(p4info, session)


def test_idle_entries_are_reported(p4info: Path) -> None:
    async def session(switch: fy.Switch, running: Running) -> None:
        running.switch.set_time(1_000_000)
        host = fy.P4TableEntry(
            "hosts", match=fy.Match(dst=5), action=fy.Action("metered", port=2), idle_timeout_ns=1_000_000_000
        )
        waiting = asyncio.create_task(anext(aiter(switch.read_idle_timeouts())))
        await switch.write(+host)
        running.switch.set_time(3_000_000)
        reported = await asyncio.wait_for(waiting, 10)
        (entry,) = reported.table_entry
        assert entry.table_id == "hosts" and entry.match == host.match

    play(p4info, session)
