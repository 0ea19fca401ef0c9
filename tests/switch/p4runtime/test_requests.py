"""Batches, replication, capabilities, and the five ways to set a forwarding pipeline config."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from finsy.proto import p4r

from softswitch.build.device_config import collect
from tests.switch.controller import (
    DELETE,
    DEVICE,
    EVERYTHING,
    INSERT,
    MODIFY,
    Config,
    Controller,
    Running,
    body,
    codes,
    compile_program,
    encode,
    exact,
    frame,
    lpm,
    status,
)

SOURCE = EVERYTHING.read_bytes()


# ---- batches ----


def batch(c: Controller) -> list[tuple[int, dict[str, object]]]:
    """Three updates of which the second fails."""
    good = c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("forward", port=2))
    bad = c.entry("routes", lpm(1, 2 << 24, 8), action=c.action("NoAction"))
    last = c.entry("routes", lpm(1, 3 << 24, 8), action=c.action("forward", port=3))
    return [(INSERT, {"table_entry": e}) for e in (good, bad, last)]


def test_each_update_has_a_code_of_its_own(c: Controller) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        c.write(*batch(c))
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    assert codes(lambda: c.write(*batch(c))) == ["ALREADY_EXISTS", "PERMISSION_DENIED", "ALREADY_EXISTS"]
    assert len(c.read(table_entry=c.entry("routes"))) == 2


@pytest.mark.parametrize("mode", [p4r.WriteRequest.ROLLBACK_ON_ERROR, p4r.WriteRequest.DATAPLANE_ATOMIC])
def test_all_or_nothing(running: Running, c: Controller, mode: int) -> None:
    """Everything that the batch did before its error is undone, whatever it was."""
    old = c.entry("routes", lpm(1, 9 << 24, 8), action=c.action("forward", port=4), metadata=b"kept")
    host = c.entry("hosts", exact(1, 5), action=c.action("metered", port=1), idle_timeout_ns=5)
    cell = p4r.RegisterEntry(register_id=c.id("small"))
    cell.index.index, cell.data.bitstring = 3, b"\x21"
    session = p4r.PacketReplicationEngineEntry()
    session.clone_session_entry.session_id = 7
    session.clone_session_entry.replicas.add(port=b"\2", instance=1)
    c.write((INSERT, {"table_entry": old}), (INSERT, {"table_entry": host}), (MODIFY, {"register_entry": cell}))
    before = c.read(table_entry=p4r.TableEntry())
    cell.data.bitstring = b"\x55"
    changed = c.entry("routes", lpm(1, 9 << 24, 8), action=c.action("drop"))
    default = c.entry("routes", is_default_action=True, action=c.action("forward", port=1))
    counter = p4r.CounterEntry(counter_id=c.id("per_port"), data=p4r.CounterData(packet_count=5))
    digest = p4r.DigestEntry(digest_id=c.id("learned_t"))
    updates = [
        (MODIFY, {"table_entry": changed}),
        (DELETE, {"table_entry": host}),
        (MODIFY, {"table_entry": default}),
        (MODIFY, {"register_entry": cell}),
        (MODIFY, {"counter_entry": counter}),
        (INSERT, {"packet_replication_engine_entry": session}),
        (INSERT, {"digest_entry": digest}),
        *batch(c),
    ]
    found = codes(lambda: c.write(*updates, atomicity=mode))
    assert found == ["ABORTED"] * 8 + ["PERMISSION_DENIED", "ABORTED"]
    assert sorted(map(str, c.read(table_entry=p4r.TableEntry()))) == sorted(map(str, before))
    (unchanged,) = c.read(table_entry=c.entry("routes", is_default_action=True))
    assert unchanged.action.action.action_id == c.id("drop")
    assert (
        c.read(register_entry=p4r.RegisterEntry(register_id=cell.register_id, index=cell.index))[0].data.bitstring
        == b"\x21"
    )
    assert not any(e.data.packet_count for e in c.read(counter_entry=p4r.CounterEntry()))
    assert running.switch.clone_sessions() == []
    assert c.read(digest_entry=p4r.DigestEntry()) == []
    c.write(*batch(c)[::2], atomicity=mode)
    assert len(c.read(table_entry=c.entry("routes"))) == 3


def test_requests_that_are_no_requests(c: Controller) -> None:
    entry = c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("drop"))
    assert status(lambda: c.write((p4r.Update.UNSPECIFIED, {"table_entry": entry}))) == "INVALID_ARGUMENT"
    assert status(lambda: c.write((INSERT, {}))) == "INVALID_ARGUMENT"
    assert status(lambda: c.read(extern_entry=p4r.ExternEntry(extern_type_id=0x81))) == "NOT_FOUND"
    empty = p4r.ReadRequest(device_id=DEVICE, entities=[p4r.Entity()])
    assert status(lambda: list(c.stub.Read(empty))) == "INVALID_ARGUMENT"
    assert status(lambda: list(c.stub.Read(p4r.ReadRequest(device_id=9)))) == "NOT_FOUND"
    request = c.request((INSERT, {"table_entry": entry}))
    request.device_id = 9
    assert status(lambda: c.stub.Write(request)) == "NOT_FOUND"
    request.device_id, request.election_id.low = DEVICE, 77
    assert status(lambda: c.stub.Write(request)) == "PERMISSION_DENIED"


def test_many_entries_are_read_in_several_messages(c: Controller) -> None:
    request = p4r.ReadRequest(device_id=DEVICE)
    for _ in range(5):
        request.entities.add().register_entry.register_id = c.id("small")
    responses = list(c.stub.Read(request))
    assert len(responses) > 1
    assert sum(len(r.entities) for r in responses) == 5 * 1024


# ---- replication ----


def group(number: int, *replicas: tuple[int, int], **more: object) -> p4r.PacketReplicationEngineEntry:
    message = p4r.PacketReplicationEngineEntry()
    message.multicast_group_entry.CopyFrom(p4r.MulticastGroupEntry(multicast_group_id=number, **more))
    for port, instance in replicas:
        message.multicast_group_entry.replicas.add(port=encode(port), instance=instance)
    return message


def test_multicast_groups(running: Running, c: Controller) -> None:
    everyone = c.entry("routes", is_default_action=True, action=c.action("multicast", group=6))
    made = group(6, (2, 1), (3, 1), metadata=b"mine")
    c.write((MODIFY, {"table_entry": everyone}), (INSERT, {"packet_replication_engine_entry": made}))
    assert sorted(p for p, _ in running.switch.inject(1, frame(body=body()))) == [2, 3]
    assert c.read(packet_replication_engine_entry=group(0)) == [made]
    changed = group(6, (4, 1))
    c.modify(packet_replication_engine_entry=changed)
    assert c.read(packet_replication_engine_entry=group(6)) == [changed]
    assert status(lambda: c.insert(packet_replication_engine_entry=made)) == "ALREADY_EXISTS"
    assert status(lambda: c.modify(packet_replication_engine_entry=group(7))) == "NOT_FOUND"
    assert status(lambda: c.insert(packet_replication_engine_entry=group(0, (2, 1)))) == "INVALID_ARGUMENT"
    assert status(lambda: c.insert(packet_replication_engine_entry=group(8, (2, 1), (2, 1)))) == "INVALID_ARGUMENT"
    assert status(lambda: c.insert(packet_replication_engine_entry=group(8, (2, 1 << 16)))) == "INVALID_ARGUMENT"
    c.delete(packet_replication_engine_entry=group(6))
    assert c.read(packet_replication_engine_entry=group(0)) == []


def test_clone_sessions(running: Running, c: Controller) -> None:
    message = p4r.PacketReplicationEngineEntry()
    session = message.clone_session_entry
    session.session_id, session.packet_length_bytes, session.class_of_service = 100, 64, 2
    session.replicas.add(egress_port=510, instance=1)
    c.insert(packet_replication_engine_entry=message)
    (read,) = c.read(packet_replication_engine_entry=message)
    assert read.clone_session_entry.replicas[0].egress_port == 510  # in the field in which it came
    assert (read.clone_session_entry.packet_length_bytes, read.clone_session_entry.class_of_service) == (64, 2)
    (kept,) = running.switch.clone_sessions()
    assert (kept.id, kept.truncate, tuple(kept.replicas[0])) == (100, 64, (510, 1, ()))
    c.delete(packet_replication_engine_entry=message)
    assert status(lambda: c.delete(packet_replication_engine_entry=message)) == "NOT_FOUND"
    assert status(lambda: c.read(packet_replication_engine_entry=p4r.PacketReplicationEngineEntry())) == (
        "INVALID_ARGUMENT"
    )


def test_capabilities(c: Controller) -> None:
    assert c.stub.Capabilities(p4r.CapabilitiesRequest()).p4runtime_api_version.startswith("1.5")
    assert status(lambda: c.stub.Capabilities(p4r.CapabilitiesRequest(device_id=9))) == "NOT_FOUND"


# ---- configs ----


def program(folder: Path, name: str, *changes: tuple[str, str]) -> tuple[object, bytes]:
    """everything.p4 with replacements: compiled, and its source."""
    text = EVERYTHING.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{name}.p4"
    path.write_text(text)
    return compile_program(path), text.encode()


def test_an_empty_switch_takes_a_program() -> None:
    with Running(None) as running, running.controller() as c:
        assert not c.stub.GetForwardingPipelineConfig(
            p4r.GetForwardingPipelineConfigRequest(device_id=DEVICE)
        ).HasField("config")
        assert status(lambda: c.read(table_entry=p4r.TableEntry())) == "FAILED_PRECONDITION"
        assert status(lambda: c.insert(table_entry=p4r.TableEntry(table_id=1))) == "FAILED_PRECONDITION"
        assert status(lambda: c.set_config(Config.COMMIT)) == "NOT_FOUND"
        c.set_config(Config.VERIFY_AND_COMMIT, compile_program(EVERYTHING), SOURCE, cookie=99)
        config = c.get_config()
        assert (config.cookie.cookie, config.p4_device_config) == (99, SOURCE)
        assert config.p4info == compile_program(EVERYTHING).p4info
        kinds = p4r.GetForwardingPipelineConfigRequest
        cookie = c.get_config(kinds.COOKIE_ONLY)
        assert cookie.cookie.cookie == 99 and not cookie.HasField("p4info") and not cookie.p4_device_config
        assert c.get_config(kinds.P4INFO_AND_COOKIE).HasField("p4info")
        assert c.get_config(kinds.DEVICE_CONFIG_AND_COOKIE).p4_device_config == SOURCE


def test_save_write_commit(running: Running, c: Controller, tmp_path: Path) -> None:
    """While a program is saved the old one forwards, and reads and writes address the new one."""
    old = c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("forward", port=2))
    c.insert(table_entry=old)
    changed, source = program(tmp_path, "changed", ("KIND_TO_CPU 0xC0DE", "KIND_TO_CPU 0xC0DF"))
    c.set_config(Config.VERIFY_AND_SAVE, changed, source)
    assert c.read(table_entry=c.entry("routes")) == []
    c.insert(table_entry=c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("forward", port=4)))
    assert running.switch.inject(1, frame(body=body(1 << 24)))[0][0] == 2
    assert status(lambda: c.set_config(Config.COMMIT, changed, source)) == "INVALID_ARGUMENT"
    c.set_config(Config.COMMIT)
    assert running.switch.inject(1, frame(body=body(1 << 24)))[0][0] == 4
    assert c.get_config().p4_device_config == source
    assert status(lambda: c.set_config(Config.COMMIT)) == "NOT_FOUND"


def test_a_bad_program_changes_nothing(running: Running, c: Controller) -> None:
    c.insert(table_entry=c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("forward", port=2)))
    compiled = compile_program(EVERYTHING)
    broken = SOURCE.replace(b"std.egress_spec = port;", b"std.egress_spec = prot;", 1)
    for action in (Config.VERIFY, Config.VERIFY_AND_SAVE, Config.VERIFY_AND_COMMIT, Config.RECONCILE_AND_COMMIT):
        with pytest.raises(grpc.RpcError) as caught:
            c.set_config(action, compiled, broken)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        line = 1 + broken[: broken.index(b"prot;")].count(b"\n")
        assert f"program.p4:{line}:" in caught.value.details()
        assert status(lambda a=action: c.set_config(a)) == "INVALID_ARGUMENT"
        assert status(lambda a=action: c.set_config(a, compiled, b"\xff\xfe")) == "INVALID_ARGUMENT"
        assert status(lambda a=action: c.set_config(a, compiled, b'{"softswitch_config": 7}')) == "INVALID_ARGUMENT"
    assert status(lambda: c.set_config(Config.UNSPECIFIED, compiled, SOURCE)) == "INVALID_ARGUMENT"
    assert running.switch.inject(1, frame(body=body(1 << 24)))[0][0] == 2
    c.set_config(Config.VERIFY, compiled, SOURCE)
    assert len(c.read(table_entry=c.entry("routes"))) == 1


def test_p4info_of_another_program_is_refused(c: Controller, tmp_path: Path) -> None:
    other, _ = program(tmp_path, "other", ("table keyless", "table other"), ("keyless.apply", "other.apply"))
    with pytest.raises(grpc.RpcError) as caught:
        c.set_config(Config.VERIFY, other, SOURCE)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "MyIngress.other" in caught.value.details()


def test_only_the_primary_sets_configs(running: Running, c: Controller) -> None:
    with running.controller(None) as standby:
        assert status(lambda: standby.set_config(Config.COMMIT)) == "PERMISSION_DENIED"


def test_configs_with_included_files(c: Controller, tmp_path: Path) -> None:
    """The device config carries the files, so the server needs none of them."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "kinds.p4").write_text("#define KIND_TO_CPU 0xC0DE\n")
    main = tmp_path / "main.p4"
    main.write_text(EVERYTHING.read_text().replace("#define KIND_TO_CPU 0xC0DE", "#include <kinds.p4>"))
    blob = collect(main, include_dirs=[tmp_path / "lib"]).to_bytes()
    (tmp_path / "lib" / "kinds.p4").unlink()
    c.set_config(Config.VERIFY_AND_COMMIT, compile_program(EVERYTHING), blob)
    assert c.get_config().p4_device_config == blob


def test_reconcile_keeps_what_is_declared_alike(running: Running, c: Controller, tmp_path: Path) -> None:
    entry = c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("forward", port=2), metadata=b"m")
    default = c.entry("routes", is_default_action=True, action=c.action("forward", port=3))
    meter = p4r.MeterConfig(cir=1, cburst=2, pir=3, pburst=4)
    host = c.entry("hosts", exact(1, 5), action=c.action("metered", port=1), idle_timeout_ns=10**15, meter_config=meter)
    member = p4r.ActionProfileMember(action_profile_id=c.id("paths"), member_id=4, action=c.action("forward", port=2))
    chosen = p4r.ActionProfileGroup(action_profile_id=c.id("paths"), group_id=2)
    chosen.members.add(member_id=4, weight=2)
    shared = c.entry("balanced", exact(1, 3))
    shared.action.action_profile_group_id = 2
    kinds = p4r.ValueSetEntry(value_set_id=c.id("extra_kinds"))
    kinds.members.add(match=[exact(1, 0x5555)])
    rate = p4r.MeterEntry(meter_id=c.id("port_rate"), config=meter)
    rate.index.index = 3
    digest = p4r.DigestEntry(digest_id=c.id("learned_t"), config=p4r.DigestEntry.Config(max_list_size=3))
    c.write(
        (INSERT, {"table_entry": entry}),
        (MODIFY, {"table_entry": default}),
        (INSERT, {"table_entry": host}),
        (INSERT, {"action_profile_member": member}),
        (INSERT, {"action_profile_group": chosen}),
        (INSERT, {"table_entry": shared}),
        (MODIFY, {"value_set_entry": kinds}),
        (MODIFY, {"meter_entry": rate}),
        (INSERT, {"digest_entry": digest}),
    )
    running.switch.inject(1, frame(body=body(1 << 24)))
    requests = {
        "table_entry": p4r.TableEntry(counter_data=p4r.CounterData(), meter_config=p4r.MeterConfig()),
        "action_profile_member": p4r.ActionProfileMember(),
        "action_profile_group": p4r.ActionProfileGroup(),
        "value_set_entry": p4r.ValueSetEntry(),
        "register_entry": p4r.RegisterEntry(register_id=c.id("small")),
        "counter_entry": p4r.CounterEntry(),
        "meter_entry": p4r.MeterEntry(),
        "digest_entry": p4r.DigestEntry(),
    }
    before = {kind: c.read(**{kind: request}) for kind, request in requests.items()}
    assert before["counter_entry"][1].data.packet_count == 1
    new, source = program(
        tmp_path, "new", ("register<bit<1>>(4) flags;", "register<bit<1>>(4) flags; register<bit<8>>(9) more;")
    )
    c.set_config(Config.RECONCILE_AND_COMMIT, new, source)
    after = {kind: c.read(**{kind: request}) for kind, request in requests.items()}
    assert after == before
    assert c.read(table_entry=c.entry("routes", is_default_action=True)) == [default]
    assert c.get_config().p4_device_config == source
    assert running.switch.inject(1, frame(body=body(1 << 24, group=3)))[0][0] == 2


def test_reconcile_lists_what_it_cannot_keep(running: Running, c: Controller, tmp_path: Path) -> None:
    running.switch.inject(1, frame(body=body()))
    c.insert(table_entry=c.entry("hosts", exact(1, 5), action=c.action("metered", port=1)))
    c.insert(table_entry=c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("multicast", group=2)))
    new, source = program(
        tmp_path,
        "new",
        ("register<bit<8>>(1024) small;", "register<bit<8>>(512) small;"),
        ("hdr.frame.dst: exact", "hdr.frame.src: exact"),
        ("forward; multicast; drop;", "forward; drop;"),
        ("action multicast(bit<16> group) {\n        std.mcast_grp = group;\n    }", ""),
    )
    with pytest.raises(grpc.RpcError) as caught:
        c.set_config(Config.RECONCILE_AND_COMMIT, new, source)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    for lost in ("register MyIngress.small", "table MyIngress.hosts", "action MyIngress.multicast"):
        assert lost in caught.value.details()
    assert c.get_config().p4_device_config == SOURCE
    assert len(c.read(table_entry=c.entry("hosts"))) == 1


def test_reconcile_lets_go_what_the_client_gives_up(running: Running, c: Controller, tmp_path: Path) -> None:
    running.switch.inject(1, frame(body=body()))
    c.insert(table_entry=c.entry("routes", lpm(1, 1 << 24, 8), action=c.action("forward", port=2)))
    shorter = ("register<bit<8>>(1024) small;", "register<bit<8>>(512) small;")
    new, source = program(tmp_path, "new", shorter)
    reconcile = Config.RECONCILE_AND_COMMIT
    for given_up in ((), ("MyIngress.wide", "MyIngress.smal")):
        refused = lambda names=given_up: c.set_config(reconcile, new, source, given_up=names)  # noqa: E731
        assert status(refused) == "INVALID_ARGUMENT"
    c.set_config(reconcile, new, source, given_up=("MyIngress.small",))
    assert c.get_config().p4_device_config == source
    assert len(c.read(table_entry=c.entry("routes"))) == 1
