"""One client changes the program while others write (rpc Follow of the bulk service)."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import grpc
import pytest
from finsy.proto import p4r

from softswitch.build.program import compile_program
from softswitch.proto import bulk_pb2
from softswitch.server.device import changes
from tests.switch.controller import DEVICE, EVERYTHING, INSERT, Config, Controller, Running, exact, status


class Following:
    """The stream of one client."""

    def __init__(self, controller: Controller, **first: Any) -> None:
        self.requests: queue.Queue[Any] = queue.Queue()
        self.stream = controller.bulk.Follow(iter(self.requests.get, None))
        self.ask(**({"device_id": DEVICE, "fence": controller.fence(program=0)} | first))

    def ask(self, **parts: Any) -> bulk_pb2.FollowResponse:
        self.requests.put(bulk_pb2.FollowRequest(**parts))
        answer: bulk_pb2.FollowResponse = next(self.stream)
        return answer

    def written(self, **parts: Any) -> list[tuple[str, int]]:
        """The kind of each key that was written, and the number of its entities."""
        found = self.ask(take=True, **parts).written
        return sorted((p4r.Entity.FromString(w.key).WhichOneof("entity") or "", len(w.entities)) for w in found)

    def end(self) -> None:
        self.requests.put(None)
        list(self.stream)


def save(controller: Controller) -> None:
    controller.set_config(Config.VERIFY_AND_SAVE, compile_program(EVERYTHING), EVERYTHING.read_bytes())


def host(controller: Controller, number: int) -> p4r.TableEntry:
    return controller.entry("hosts", exact(1, number), action=controller.action("NoAction"))


def hosts(controller: Controller) -> int:
    return len(controller.read(table_entry=p4r.TableEntry(table_id=controller.id("hosts"))))


def test_what_others_write_is_reported_once_with_what_is_there_now(running: Running) -> None:
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        other.insert(table_entry=host(other, 1))
        following = Following(mine)
        assert following.written() == []
        other.insert(table_entry=host(other, 2))
        other.delete(table_entry=host(other, 1))
        other.modify(register_entry=p4r.RegisterEntry(register_id=other.id("small"), data={"bitstring": b"\1"}))
        assert following.written() == [("register_entry", 0), ("table_entry", 0), ("table_entry", 1)]
        assert following.written() == []
        assert status(lambda: other.insert(table_entry=host(other, 2))) == "ALREADY_EXISTS"
        assert following.written() == []  # what was refused is no write
        following.end()


def test_the_saved_program_is_the_clients_own(running: Running) -> None:
    """P4Runtime's VERIFY_AND_SAVE without a change is visible to all, as specified."""
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        save(mine)
        other.insert(table_entry=host(other, 1))
        assert hosts(other) == 1
        mine.set_config(Config.COMMIT)
        assert hosts(other) == 1
        following = Following(mine)
        save(mine)
        other.insert(table_entry=host(other, 2))
        assert hosts(other) == 2  # of the running program
        wanted = p4r.Entity(table_entry=p4r.TableEntry(table_id=other.id("hosts"))).SerializeToString()
        assert len(following.ask(reads=[wanted]).entities) == 2
        assert len(following.ask(reads_saved=[wanted]).entities) == 0
        assert status(lambda: other.set_config(Config.COMMIT)) == "NOT_FOUND"
        following.end()
        assert hosts(other) == 2
        assert status(lambda: mine.set_config(Config.COMMIT)) == "NOT_FOUND"  # discarded with the stream


def test_nothing_is_committed_without_what_others_wrote(running: Running) -> None:
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        save(mine)
        entity = p4r.Entity(table_entry=host(other, 1))
        other.insert(table_entry=entity.table_entry)
        assert status(lambda: mine.set_config(Config.COMMIT)) == "ABORTED"
        following.written(hold_writers_us=500_000)
        assert not following.ask(puts=[entity.SerializeToString()]).failed
        assert following.ask(commit=True).committed
        following.end()
        assert hosts(other) == 1


def test_writers_wait_for_the_last_step_and_go_on_in_the_new_program(running: Running) -> None:
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        save(mine)
        following.written(hold_writers_us=1_000_000)
        answers: list[str] = []
        writer = threading.Thread(
            target=lambda: answers.append(status(lambda: other.insert(table_entry=host(other, 7))))
        )
        writer.start()
        assert following.ask(commit=True).committed
        following.end()
        writer.join()
        assert answers == ["OK"]
        assert hosts(other) == 1


def test_writers_do_not_wait_for_ever(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LONGEST_WAIT_S", 0.05)
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        save(mine)
        following.written(hold_writers_us=1_000_000)
        other.insert(table_entry=host(other, 7))
        with pytest.raises(grpc.RpcError) as refused:
            following.ask(commit=True)
        assert refused.value.code() == grpc.StatusCode.ABORTED
        assert hosts(other) == 1


def test_only_so_many_writers_wait(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_WAITING", 0)
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        following.written(hold_writers_us=1_000_000)
        assert status(lambda: other.insert(table_entry=host(other, 7))) == "UNAVAILABLE"
        mine.insert(table_entry=host(mine, 7))  # whose change it is does not wait
        following.end()


def test_too_much_to_note_is_reported(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_KEYS", 3)
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        for number in range(4):  # as many as the table holds
            other.insert(table_entry=host(other, number))
        answer = following.ask(take=True)
        assert answer.overflow
        assert not answer.written
        other.delete(table_entry=host(other, 1))
        assert following.written() == [("table_entry", 0)]
        following.end()


def test_a_client_that_goes_leaves_nothing(running: Running) -> None:
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        save(mine)
        following.written(hold_writers_us=1_000_000)
        following.stream.cancel()
        other.insert(table_entry=host(other, 1))
        deadline = time.monotonic() + 30
        while running.device.changes.current is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert running.device.changes.current is None
        assert running.device.saved is None


def test_who_may_not_set_programs_may_not_begin(running: Running) -> None:
    with running.controller(2) as mine, running.controller(1, role="other") as other:
        for election in (1, 3):
            with pytest.raises(grpc.RpcError) as refused:
                Following(mine, fence=bulk_pb2.Fence(election_id_low=election))
            assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
        following = Following(mine)
        with pytest.raises(grpc.RpcError) as refused:
            Following(other)
        assert refused.value.code() == grpc.StatusCode.ABORTED  # one at a time
        following.end()
        Following(other).end()


def test_a_program_of_another_client_ends_the_change(running: Running) -> None:
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        save(mine)
        save(other)
        with pytest.raises(grpc.RpcError) as refused:
            following.ask(commit=True)
        assert refused.value.code() == grpc.StatusCode.ABORTED
        other.set_config(Config.COMMIT)  # the other's is still there


def test_a_client_that_is_no_longer_primary_changes_nothing(running: Running) -> None:
    with running.controller(1) as mine:
        following = Following(mine)
        save(mine)
        with running.controller(2):
            with pytest.raises(grpc.RpcError) as refused:
                following.ask(commit=True)
            assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_cells_that_the_bulk_service_writes_are_noted(running: Running) -> None:
    with running.controller(1) as mine:
        following = Following(mine)
        cells = bulk_pb2.CellWrites(name="small", indices=(3).to_bytes(8, "little"), cells=b"\1")
        mine.write_cells(cells)
        (written,) = following.ask(take=True).written
        assert p4r.Entity.FromString(written.key).register_entry.index.index == 3
        following.end()


def test_bytes_that_are_no_entity(running: Running) -> None:
    with running.controller(1) as mine:
        following = Following(mine)
        with pytest.raises(grpc.RpcError) as refused:
            following.ask(reads=[b"\xff\xff"])
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_an_update_of_several_is_reported_with_what_was_refused(running: Running) -> None:
    with running.controller(1) as mine:
        following = Following(mine)
        save(mine)
        entity = p4r.Entity(table_entry=host(mine, 1))
        update = p4r.Update(type=INSERT, entity=entity).SerializeToString()
        (failed,) = following.ask(updates=[update, update]).failed
        assert p4r.Entity.FromString(failed.entity) == entity
        assert "already" in p4r.Error.FromString(failed.error).message
        following.end()


def test_the_saved_program_is_not_discarded_by_another_client(running: Running) -> None:
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        save(mine)
        for program in (0, mine.program(saved=True)):
            request = bulk_pb2.DiscardSavedRequest(device_id=DEVICE, fence=other.fence(program=program))
            assert status(lambda r=request: other.bulk.DiscardSaved(r)) == "ABORTED"
        following.ask(take=True, commit=True)


def test_a_writer_that_goes_while_it_waits_writes_nothing(running: Running) -> None:
    with running.controller(1) as mine, running.controller(1, role="other") as other:
        following = Following(mine)
        save(mine)
        following.ask(take=True, hold_writers_us=1_000_000)
        call = other.stub.Write.future(other.request((INSERT, {"table_entry": host(other, 1)})))
        time.sleep(0.1)
        call.cancel()
        time.sleep(0.2)
        following.ask(commit=True)
        assert hosts(mine) == 0
