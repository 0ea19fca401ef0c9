"""Multicast groups and mirror sessions, which belong to the switch; and the number of its CPU port."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from finsy.proto import p4r

from softswitch.dataplane.entries import Replica
from state4.clones.header import REPLICA
from state4.clones.store import CloneStore
from state4.errors import SessionInUse, Unsupported
from state4.programs import InstalledProgram
from state4.rsrm import claim_session, start_cloning
from state4.shared_sessions import shared_sessions
from state4.targets.bmv2.target import Bmv2Target
from state4.targets.cpu_port import CPU_PORT, find_cpu_port
from tests.bmv2.thrift.bench import Bench, serving
from tests.state4_programs import request


def test_a_multicast_group_has_one_bit_per_port(bench: Bench, chained: InstalledProgram) -> None:
    bench.target.install(chained)
    update = p4r.Update(type=p4r.Update.INSERT)
    group = update.entity.packet_replication_engine_entry.multicast_group_entry
    group.multicast_group_id = 77
    for port, instance in ((1, 0), (4, 0), (2, 5)):
        group.replicas.add(port=bytes([port]), instance=instance)
    bench.target.write_entities([update])
    made = [arguments[1:3] for call, arguments in bench.served.requests if call == "bm_mc_node_create"]
    assert made == [(0, "10010"), (5, "100")]
    assert sorted(bench.served.groups[77]) == [(0, 1), (0, 4), (5, 2)]
    update.type = p4r.Update.DELETE
    bench.target.write_entities([update])
    assert 77 not in bench.served.groups and bench.served.count("bm_mc_node_destroy") == 2


def _depths(bench: Bench) -> list[tuple[str, tuple[int, ...]]]:
    return [(call, arguments) for call, arguments in bench.served.requests if call.endswith(("_depth", "_depths"))]


def test_clone_sessions_belong_to_the_switch_and_get_a_long_queue(bench: Bench, state: InstalledProgram) -> None:
    target, layout = bench.target, state.layout
    target.install(state)
    assert _depths(bench) == [("set_all_egress_queue_depths", (1024,))]
    target.configure_clone_session(layout.session, 510)
    target.set_clone_flag(layout, True)
    assert bench.served.cells(layout.flag_register) == [1] and bench.served.sessions == {layout.session: 510}
    assert _depths(bench)[-2:] == [
        ("set_all_egress_queue_depths", (1024,)),
        ("set_egress_queue_depth", (510, 65536)),
    ]
    target.save(state)
    target.set_clone_flag(layout, False)  # the flag is out of reach: the session ends the cloning
    assert not bench.served.sessions


def test_packets_are_cloned_from_the_flag_on_until_it_is_off(bench: Bench, state: InstalledProgram) -> None:
    target, switch = bench.target, bench.served.device.switch
    target.install(state)
    target.configure_clone_session(state.layout.session, 510)
    target.set_clone_flag(state.layout, True)
    assert [port for port, _ in switch.inject(1, request())].count(510) == 1
    target.set_clone_flag(state.layout, False)
    assert all(port != 510 for port, _ in switch.inject(1, request()))


def test_groups_and_sessions_are_read_as_they_were_written(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    assert bench.target.multicast_group(7) is None
    assert bench.target.clone_session(7) is None
    group = p4r.MulticastGroupEntry(multicast_group_id=7)
    for port, instance in ((1, 2), (4, 2), (300, 5)):
        group.replicas.add(port=port.to_bytes(1 + (port > 255), "big"), instance=instance)
    session = p4r.CloneSessionEntry(session_id=7, replicas=[p4r.Replica(port=b"\1\x2c", instance=1)])
    entries = (
        p4r.PacketReplicationEngineEntry(multicast_group_entry=group),
        p4r.PacketReplicationEngineEntry(clone_session_entry=session),
    )
    for entry in entries:
        entity = p4r.Entity(packet_replication_engine_entry=entry)
        bench.target.write_entities([p4r.Update(type=p4r.Update.INSERT, entity=entity)])
    assert bench.target.multicast_group(7) == group
    assert bench.target.clone_session(7) == session


def test_a_session_of_somebody_else_is_not_taken(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    bench.served.device.pre.put_session(state.layout.session, (Replica(3),))
    with pytest.raises(SessionInUse, match="is in use"):
        claim_session(bench.target, state.layout.session)
    with pytest.raises(SessionInUse):
        start_cloning(bench.target, state.layout, CloneStore(state.layout))  # type: ignore[arg-type]
    assert bench.served.sessions == {state.layout.session: 3}
    assert bench.served.cells(state.layout.flag_register) == [0]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """As /sys/class/net shows a veth pair, s1-cpu0 and s1-cpu1, and another interface."""
    for name, number, peer in (("s1-cpu0", 11, 12), ("s1-cpu1", 12, 11), ("s1-eth1", 20, 20)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "ifindex").write_text(f"{number}\n")
        (folder / "iflink").write_text(f"{peer}\n")
    return tmp_path


def test_the_cpu_port_is_the_one_behind_the_interface(network: Path) -> None:
    ports = {1: "s1-eth1", 192: "s1-cpu0", 3: "gone"}
    assert find_cpu_port("s1-cpu1", lambda: ports, network) == 192
    assert find_cpu_port("s1-eth1", lambda: ports, network) == 1  # no veth: the switch's own interface
    assert find_cpu_port("elsewhere", lambda: ports, network) == CPU_PORT
    assert find_cpu_port("", lambda: ports, network) == CPU_PORT


def test_bmv2_tells_its_ports() -> None:
    with serving({64: "lo"}) as served:
        with Bmv2Target(served.address, cpu_interface="lo") as target:
            assert target.cpu_port == 64
        with Bmv2Target(served.address, cpu_interface="lo", cpu_port=65) as target:
            assert target.cpu_port == 65


def test_a_session_that_carries_updates_also_sends_to_a_group(bench: Bench, state: InstalledProgram) -> None:
    """The user's copy keeps the replica number that it has without a group: 0."""
    target = bench.target
    target.install(state)
    target.configure_clone_session(7, 3)
    layout = replace(state.layout, shared=frozenset({7, 8}))
    with shared_sessions(target, layout):
        assert bench.served.sessions == {7: "group 32775", 8: "group 32776"}
        assert bench.served.groups == {0x8007: [(0, 3), (REPLICA, 510)], 0x8008: [(REPLICA, 510)]}
        found = target.clone_session(7)
        assert found is not None
        assert [(int.from_bytes(r.port, "big"), r.instance) for r in found.replicas] == [(3, 1), (510, REPLICA)]
    assert bench.served.sessions == {7: 3} and not bench.served.groups


def test_sessions_known_only_at_run_time_are_refused_as_bmv2_does_not_list_them(
    bench: Bench, state: InstalledProgram
) -> None:
    bench.target.install(state)
    with (
        pytest.raises(Unsupported, match="known only at run time"),
        shared_sessions(bench.target, replace(state.layout, any_session=True)),
    ):
        pass


def test_a_group_that_somebody_else_made_is_not_touched(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    bench.served.device.pre.put_session(7, (), 12)
    with (
        pytest.raises(Unsupported, match="multicast group 12, which State4 did not create"),
        shared_sessions(bench.target, replace(state.layout, shared=frozenset({7}))),
    ):
        pass
    assert bench.served.sessions == {7: "group 12"}
