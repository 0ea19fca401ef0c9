"""Roles with a config (stratum's P4RoleConfig): what they may read, write and set (sections 5.2 and 5.3)."""

from __future__ import annotations

import threading
from typing import Any

import grpc
from finsy.proto import p4r, stratum

from softswitch.build.program import compile_program
from tests.switch.controller import EVERYTHING, INSERT, Config, Controller, Running, codes, exact, frame, lpm, status


def join(running: Running, role: str, config: Any, election: int = 1) -> Controller:
    """A client that requests a role with a config; `answer` is the server's first message."""
    made = Controller(running.address, None, arbitrate=False)
    made.stream = made.stub.StreamChannel(iter(made._requests.get, None))
    made.role, made.election = role, election
    threading.Thread(target=made._follow, daemon=True).start()
    update = p4r.MasterArbitrationUpdate(device_id=1, role={"name": role}, election_id={"low": election})
    update.role.config.Pack(config)
    made.send(arbitration=update)
    made.answer = made.next("arbitration")
    made.p4info = made.get_config().p4info
    return made


def ids(running: Running, *aliases: str) -> list[int]:
    with running.controller(None) as reader:
        return [reader.id(alias) for alias in aliases]


def test_a_role_writes_and_sees_what_its_config_says(running: Running) -> None:
    routes, small = ids(running, "routes", "small")
    router = join(running, "router", stratum.P4RoleConfig(exclusive_p4_ids=[routes], shared_p4_ids=[small]))
    assert router.answer.status.code == 0
    route = router.entry("routes", lpm(1, 0x0A000000, 8), action=router.action("forward", port=2))
    host = router.entry("hosts", exact(1, 1), action=router.action("NoAction"))
    request = router.request((INSERT, {"table_entry": route}), (INSERT, {"table_entry": host}))
    assert codes(lambda: router.stub.Write(request)) == ["OK", "PERMISSION_DENIED"]
    cell = p4r.RegisterEntry(register_id=small, index={"index": 1}, data={"bitstring": b"\1"})
    router.modify(register_entry=cell)
    with running.controller(1) as full:  # without a config: everything
        full.insert(table_entry=host)
        assert full.read(table_entry=p4r.TableEntry(table_id=host.table_id)) == [host]
    read = p4r.ReadRequest(device_id=1, role="router", entities=[p4r.Entity(table_entry=p4r.TableEntry())])
    found = [e.table_entry for response in router.stub.Read(read) for e in response.entities]
    assert found == [route]
    assert status(lambda: router.set_config(Config.VERIFY, compile_program(EVERYTHING), EVERYTHING.read_bytes())) == (
        "PERMISSION_DENIED"
    )
    router.close()


def test_who_gets_which_packets(running: Running) -> None:
    with running.controller(None) as reader:
        (header,) = [h for h in reader.p4info.controller_packet_metadata if h.preamble.name == "packet_in"]
        port = next(m.id for m in header.metadata if m.name == "ingress_port")
    none = join(running, "none", stratum.P4RoleConfig())
    third = join(
        running,
        "third",
        stratum.P4RoleConfig(receives_packet_ins=True, packet_in_filter={"metadata_id": port, "value": b"\0\3"}),
    )
    every = join(running, "every", stratum.P4RoleConfig(receives_packet_ins=True))
    for number in (2, 3):
        running.switch.submit(number, frame(0xC0DE))
    assert [every.next("packet").metadata[0].value for _ in range(2)] == [b"\2", b"\3"]
    assert third.next("packet").metadata[0].value == b"\3" and third.none("packet", 0.1)
    assert none.none("packet", 0.1)
    for client in (none, third, every):
        client.close()


def test_configs_of_another_scheme_or_in_conflict_end_the_stream(running: Running) -> None:
    routes, hosts = ids(running, "routes", "hosts")
    other = join(running, "other", p4r.TableEntry())
    assert isinstance(other.answer, grpc.RpcError)
    assert other.answer.code() is grpc.StatusCode.INVALID_ARGUMENT  # type: ignore[attr-defined]
    first = join(running, "first", stratum.P4RoleConfig(exclusive_p4_ids=[routes]))
    second = join(running, "second", stratum.P4RoleConfig(exclusive_p4_ids=[routes]))
    assert second.answer.code() is grpc.StatusCode.INVALID_ARGUMENT
    third = join(running, "third", stratum.P4RoleConfig(exclusive_p4_ids=[hosts]))
    assert third.answer.status.code == 0
    unpacked = stratum.P4RoleConfig()
    assert third.answer.role.config.Unpack(unpacked) and list(unpacked.exclusive_p4_ids) == [hosts]
    for client in (other, first, second, third):
        client.close()
