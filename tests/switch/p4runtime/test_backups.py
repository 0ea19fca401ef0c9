"""Backup replicas of multicast groups and clone sessions (section 9.5.1): who gets a copy while ports are down.

port 1 --> multicast group --> port 2 (backups 3, then 4)
                          \\--> port 4 (no backup)
"""

from __future__ import annotations

from functools import partial

from finsy.proto import p4r

from softswitch.dataplane.entries import Replica
from softswitch.dataplane.stats import Drop
from tests.switch.controller import MODIFY, Controller, Running, body, encode, frame, status


def replica(port: int, instance: int, *backups: tuple[int, int]) -> p4r.Replica:
    message = p4r.Replica(port=encode(port), instance=instance)
    for other, number in backups:
        message.backup_replicas.add(port=encode(other), instance=number)
    return message


def group(number: int, *replicas: p4r.Replica) -> p4r.PacketReplicationEngineEntry:
    entry = p4r.MulticastGroupEntry(multicast_group_id=number, replicas=replicas)
    return p4r.PacketReplicationEngineEntry(multicast_group_entry=entry)


def session(number: int, *replicas: p4r.Replica) -> p4r.PacketReplicationEngineEntry:
    entry = p4r.CloneSessionEntry(session_id=number, replicas=replicas)
    return p4r.PacketReplicationEngineEntry(clone_session_entry=entry)


def out(running: Running) -> list[int]:
    return [port for port, _ in running.switch.inject(1, frame(body=body()))]


def test_the_first_port_that_is_up_gets_the_copy(running: Running, c: Controller) -> None:
    everyone = c.entry("routes", is_default_action=True, action=c.action("multicast", group=6))
    c.write((MODIFY, {"table_entry": everyone}))
    made = group(6, replica(2, 1, (3, 5), (4, 6)), replica(4, 2))
    c.insert(packet_replication_engine_entry=made)
    assert c.read(packet_replication_engine_entry=group(6)) == [made]  # backups in order
    assert out(running) == [2, 4]
    running.switch.remove_port(2)
    assert out(running) == [3, 4]
    running.switch.remove_port(3)
    assert out(running) == [4, 4]
    running.switch.add_memory_port(2)
    assert out(running) == [2, 4]  # the preferred one as soon as it is back
    for port in (2, 4):
        running.switch.remove_port(port)
    running.switch.submit(1, frame(body=body()))  # with all down the replica goes to its own port, and is dropped there
    assert running.switch.stats().drops[Drop.NO_PORT] == 2
    assert out(running) == [2, 4]


def test_clone_sessions_have_backups_too(running: Running, c: Controller) -> None:
    made = session(7, replica(2, 1, (510, 3)), replica(3, 2))
    c.insert(packet_replication_engine_entry=made)
    assert c.read(packet_replication_engine_entry=session(0)) == [made]
    assert running.switch.clone_sessions()[0].replicas == (Replica(2, 1, ((510, 3),)), Replica(3, 2))


def test_what_is_refused(c: Controller) -> None:
    wrong = (
        group(6, replica(2, 1, (2, 2))),  # itself
        group(6, replica(2, 1, (3, 1), (3, 1))),  # a pair twice
        group(6, replica(2, 1, (3, 1)), replica(3, 1)),
        group(6, replica(2, 1, (3, 1 << 16))),
        session(6, replica(2, 1, (2, 2))),
    )
    for entry in wrong:
        assert status(partial(c.insert, packet_replication_engine_entry=entry)) == "INVALID_ARGUMENT"
    assert c.read(packet_replication_engine_entry=group(0)) == []
    nowhere = group(6, replica(2, 1))
    nowhere.multicast_group_entry.replicas[0].backup_replicas.add(instance=3)
    assert status(lambda: c.insert(packet_replication_engine_entry=nowhere)) == "OUT_OF_RANGE"
    assert status(lambda: c.insert(packet_replication_engine_entry=group(6, replica(2, 1, (3, 1), (3, 2))))) == "OK"
