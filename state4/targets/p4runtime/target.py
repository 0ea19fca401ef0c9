"""A switch behind P4Runtime, with softswitch's bulk service where it has one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import grpc
import numpy as np
from finsy.proto import p4i, p4r

from softswitch.proto import bulk_pb2
from state4.clones.header import WAKE, CloneLayout
from state4.clones.listener import Listener, send_frame
from state4.clones.source import CloneSource
from state4.errors import ListenerError, TargetError
from state4.instrumentation.running import added_registers, all_registers
from state4.plan.entities import wanted_entities
from state4.programs import InstalledProgram
from state4.targets.abilities import Abilities, CarriedEntries, Follow, Handover, Hold, Reconciled, Statistics
from state4.targets.cpu_port import find_cpu_port
from state4.targets.p4runtime.arrays import BulkArrays, Programs, arrays_of
from state4.targets.p4runtime.connection import Connection, error_code
from state4.targets.p4runtime.follow import BulkFollow
from state4.targets.p4runtime.hold import BulkHandover, BulkHold
from state4.targets.p4runtime.mastership import Mastership
from state4.targets.p4runtime.update_ring import open_ring
from state4.values import CellRange, Cells, CellWrites, RegisterSpec

_Config = p4r.SetForwardingPipelineConfigRequest
_HELD_NS = "softswitch-held-ns"
_KEPT_ENTRIES = "softswitch-kept-entries"
_PROGRAM = "softswitch-program"
_GIVEN_UP = "softswitch-given-up-bin"
_MAX_WAIT_PASSES = 1 << 17
_Opened = TypeVar("_Opened", BulkHold, BulkHandover)
_Layout = TypeVar("_Layout", CloneLayout, CloneLayout | None)


class P4RuntimeTarget:
    """A switch that we control as primary. `address`: "unix:/path", "host:port". Use it as a context manager.

    `role` and `election_id`: None for a role of our own, and the election id above all that the switch has seen for it,
    so that the newest of ours takes over from one that was left behind (`state4.targets.p4runtime.mastership`).
    `update_ring`: whether updates may come by shared memory (`state4.targets.p4runtime.update_ring`). Raises
    BadAddress, TargetError if the switch cannot be reached, NotPrimary if a controller with a larger id is there."""

    def __init__(
        self,
        address: str,
        *,
        cpu_interface: str = "",
        cpu_port: int | None = None,
        device_id: int | None = None,
        role: str | None = None,
        election_id: int | None = None,
        update_ring: bool = True,
        timeout_s: float = 10.0,
    ) -> None:
        self.cpu_interface = cpu_interface
        self.update_ring = update_ring
        self._connection = Connection(
            address, device_id=device_id, role=role, election_id=election_id, timeout_s=timeout_s
        )
        self._programs = Programs(self.running)
        self._arrays = arrays_of(self._connection, self._programs)
        self.cpu_port = find_cpu_port(cpu_interface, self._ports) if cpu_port is None else cpu_port
        self._saved = False
        self._follow: BulkFollow | None = None
        self._p4info: p4i.P4Info | None = None
        self._next_p4info = p4i.P4Info()

    def __enter__(self) -> P4RuntimeTarget:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def on_message(self, receive: Callable[[p4r.StreamMessageResponse], None] | None) -> None:
        """Who gets digests and packet-ins, in a thread of the connection."""
        self._connection.mastership.on_message = receive

    @property
    def mastership(self) -> Mastership:
        """As whom we control the switch."""
        return self._connection.mastership

    @property
    def abilities(self) -> Abilities:
        bulk = self if self._connection.has_bulk else None
        return Abilities(
            verifies=self,
            reconciles=self,
            holds=bulk,
            hands_over=bulk,
            follows=bulk,
            lets_packets_wait=self,
            has_statistics=bulk,
            reads_and_clears=self._arrays if isinstance(self._arrays, BulkArrays) else None,
            carries=bulk,
            shares_updates=bulk if self.update_ring else None,
        )

    max_wait_passes = _MAX_WAIT_PASSES

    # ------------------------------------------------------------ programs

    def configuration(self, program: InstalledProgram) -> bytes:
        return program.device_config

    def running(self) -> p4i.P4Info:
        if self._p4info is None:
            kinds = p4r.GetForwardingPipelineConfigRequest
            request = kinds(device_id=self._connection.device_id, response_type=kinds.P4INFO_AND_COOKIE)
            answer, call = self._connection.call(
                "reading the running program's P4Info",
                lambda: self._connection.p4runtime.GetForwardingPipelineConfig.with_call(request),
            )
            if not answer.HasField("config"):
                raise TargetError("no program is running on the switch")
            self._p4info = answer.config.p4info
            self._programs.active = _number(call)
        return self._p4info

    def running_configuration(self) -> bytes:
        kinds = p4r.GetForwardingPipelineConfigRequest
        request = kinds(device_id=self._connection.device_id, response_type=kinds.DEVICE_CONFIG_AND_COOKIE)
        answer = self._connection.call(
            "reading the running program", lambda: self._connection.p4runtime.GetForwardingPipelineConfig(request)
        )
        return bytes(answer.config.p4_device_config)

    def _set_config(
        self,
        action: Any,
        program: InstalledProgram | None,
        what: str,
        base: int = 0,
        given_up: Collection[str] = (),
    ) -> grpc.Call:
        """The finished call, for its trailing metadata. `base`: number of the program that this builds on; the switch
        refuses if it was replaced. `given_up`: registers whose contents it need not keep."""
        connection = self._connection
        request = _Config(
            device_id=connection.device_id, role=connection.role, election_id=connection.election, action=action
        )
        if program is not None:
            request.config.CopyFrom(program.config())
        metadata: list[tuple[str, str | bytes]] = [(_GIVEN_UP, name.encode()) for name in given_up]
        metadata += [(_PROGRAM, str(base))] if base else []
        method = connection.p4runtime.SetForwardingPipelineConfig
        call: grpc.Call
        _, call = connection.call(what, lambda: method.with_call(request, metadata=metadata))
        return call

    def _is_active(self, p4info: p4i.P4Info, number: int) -> None:
        self._p4info, self._saved = p4info, False
        self._programs.active, self._programs.saved = number, 0

    def install(self, program: InstalledProgram) -> None:
        call = self._set_config(_Config.VERIFY_AND_COMMIT, program, f"installing {program.name}")
        self._is_active(program.p4info, _number(call))

    def verify(self, program: InstalledProgram) -> None:
        """VERIFY: the switch checks (and softswitch compiles and keeps) a program, and goes on as before."""
        self._set_config(_Config.VERIFY, program, f"verifying {program.name}")

    def save(self, program: InstalledProgram) -> None:
        self.running()  # kept: from here on the switch may answer for the saved program
        call = self._set_config(_Config.VERIFY_AND_SAVE, program, f"saving {program.name}", self._programs.active)
        self._next_p4info, self._saved, self._programs.saved = program.p4info, True, _number(call)

    def commit(self) -> None:
        if self._follow is not None:
            self._follow.commit()
        else:
            self._set_config(_Config.COMMIT, None, "committing the saved program", self._programs.saved)
        self._is_active(self._next_p4info, self._programs.saved)

    def reconcile(self, program: InstalledProgram) -> Reconciled:
        # State4's own registers, the dirty map among them, are of another size where the user's are others.
        own = sorted(added_registers(self.running()))
        what = f"reconciling with {program.name}"
        call = self._set_config(_Config.RECONCILE_AND_COMMIT, program, what, self._programs.active, own)
        self._is_active(program.p4info, _number(call))
        metadata = dict(call.trailing_metadata() or ())
        return Reconciled(
            int(metadata[_HELD_NS]) / 1e9 if _HELD_NS in metadata else None,
            int(metadata[_KEPT_ENTRIES]) if _KEPT_ENTRIES in metadata else None,
        )

    def discard_saved(self) -> None:
        """The program that we have saved; if we have not saved one, whichever is."""
        program, self._saved, self._programs.saved = self._programs.saved, False, 0
        if not self._connection.has_bulk:
            return
        request = bulk_pb2.DiscardSavedRequest(
            device_id=self._connection.device_id, fence=self._connection.fence(program)
        )
        self._connection.call("discarding the saved program", lambda: self._connection.bulk.DiscardSaved(request))

    def wake(self) -> None:
        if self.cpu_interface:
            send_frame(self.cpu_interface, WAKE)

    def hold(self, layout: CloneLayout | None) -> AbstractContextManager[Hold]:
        return self._opened(BulkHold, layout)

    def hand_over(self, layout: CloneLayout) -> AbstractContextManager[Handover]:
        return self._opened(BulkHandover, layout)

    @contextmanager
    def follow(self) -> Iterator[Follow]:
        follow = BulkFollow(self._connection)
        self._follow, self._p4info = follow, None
        try:
            yield follow
        finally:
            self._follow = None
            follow.close()

    @contextmanager
    def _opened(self, kind: Callable[[Connection, _Layout, int], _Opened], layout: _Layout) -> Iterator[_Opened]:
        opened = kind(self._connection, layout, self._programs.saved)
        try:
            yield opened
        finally:
            opened.close()
            if opened.committed:
                self._is_active(self._next_p4info, self._programs.saved)

    # ------------------------------------------------------------ registers and counters

    def register_problem(self, register: RegisterSpec) -> str:
        return ""

    def read_register(self, register: RegisterSpec, start: int = 0, count: int | None = None) -> Cells:
        return self._arrays.read(register, start, register.cells - start if count is None else count)

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        return self._arrays.read_many(registers)

    def read_ranges(self, ranges: Sequence[CellRange]) -> list[Cells]:
        return self._arrays.read_ranges(ranges)

    def write_register(self, register: RegisterSpec, values: Cells, start: int = 0) -> None:
        self._arrays.write(register, values, start, self._saved)

    def write_cells(self, writes: Sequence[CellWrites]) -> None:
        self._arrays.write_cells(writes, self._saved)

    def read_counter(self, name: str) -> Cells:
        return self._arrays.read_counter(_counter(self.running(), name))

    def write_counter(self, name: str, values: Cells) -> None:
        p4info = self._next_p4info if self._saved else self.running()
        self._arrays.write_counter(_counter(p4info, name), values, self._saved)

    # ------------------------------------------------------------ entries

    def read_entities(self) -> list[p4r.Entity]:
        return self._connection.read(wanted_entities(self.running()), "reading entries")

    def can_carry(self) -> bool:
        request = bulk_pb2.ListArraysRequest(device_id=self._connection.device_id)
        what = "asking whether the switch carries entries by itself"
        return bool(self._connection.call(what, lambda: self._connection.bulk.ListArrays(request)).carries_entries)

    def read_entities_but(self, tables: Collection[int]) -> list[p4r.Entity]:
        return self._connection.read(wanted_entities(self.running(), tables), "reading entries")

    def carry_entries(
        self, tables: Sequence[tuple[str, str]], asked: Sequence[p4r.TableEntry]
    ) -> CarriedEntries | None:
        connection = self._connection
        request = bulk_pb2.CarryEntriesRequest(
            device_id=connection.device_id,
            fence=connection.fence(self._programs.saved),
            tables=[bulk_pb2.TablePair(old_name=old, new_name=new) for old, new in tables],
            asked=[entry.SerializeToString() for entry in asked],
        )
        try:
            answer = connection.call("carrying entries", lambda: connection.bulk.CarryEntries(request))
        except TargetError as error:
            if error_code(error) == grpc.StatusCode.INVALID_ARGUMENT:
                return None
            raise
        return CarriedEntries(sum(answer.carried), tuple(answer.there))

    def read_saved_entries(self, tables: Sequence[int]) -> list[p4r.TableEntry]:
        entities = [p4r.Entity(table_entry=p4r.TableEntry(table_id=number)) for number in tables]
        if self._follow is not None:
            return [entity.table_entry for entity in self._follow.read(entities, saved=True)]
        found = self._connection.read(entities, "reading the new program's entries")
        return [entity.table_entry for entity in found]

    def write_entities(self, updates: Sequence[p4r.Update]) -> None:
        if self._follow is not None and self._saved:
            self._follow.write(updates)
        else:
            self._connection.write(updates)

    # ------------------------------------------------------------ the switch's own

    def clone_session(self, number: int) -> p4r.CloneSessionEntry | None:
        wanted = p4r.PacketReplicationEngineEntry(clone_session_entry=p4r.CloneSessionEntry(session_id=number))
        found = self._replication(wanted, f"reading clone session {number}")
        return next((e.clone_session_entry for e in found if e.clone_session_entry.session_id == number), None)

    def clone_sessions(self) -> Sequence[p4r.CloneSessionEntry]:
        wanted = p4r.PacketReplicationEngineEntry(clone_session_entry=p4r.CloneSessionEntry())
        return [entry.clone_session_entry for entry in self._replication(wanted, "reading clone sessions")]

    def multicast_group(self, number: int) -> p4r.MulticastGroupEntry | None:
        group = p4r.MulticastGroupEntry(multicast_group_id=number)
        wanted = p4r.PacketReplicationEngineEntry(multicast_group_entry=group)
        found = self._replication(wanted, f"reading multicast group {number}")
        return next(
            (e.multicast_group_entry for e in found if e.multicast_group_entry.multicast_group_id == number), None
        )

    def _replication(
        self, wanted: p4r.PacketReplicationEngineEntry, what: str
    ) -> list[p4r.PacketReplicationEngineEntry]:
        try:
            found = self._connection.read([p4r.Entity(packet_replication_engine_entry=wanted)], what)
        except TargetError as error:
            if error_code(error) != grpc.StatusCode.NOT_FOUND:
                raise
            return []
        return [entity.packet_replication_engine_entry for entity in found]

    # ------------------------------------------------------------ clones

    def configure_clone_session(self, session: int, port: int) -> None:
        update = p4r.Update(type=p4r.Update.INSERT)
        entry = update.entity.packet_replication_engine_entry.clone_session_entry
        entry.session_id = session
        replica = entry.replicas.add(instance=1)
        replica.port = port.to_bytes((port.bit_length() + 7) // 8, "big")
        try:
            self._connection.write([update])
        except TargetError as error:
            if error_code(error) != grpc.StatusCode.UNKNOWN:
                raise
            update.type = p4r.Update.MODIFY  # left from an earlier run: sessions belong to the switch
            self._connection.write([update])

    def set_clone_flag(self, layout: CloneLayout, on: bool) -> None:
        flag = self._added(layout.flag_register)
        self._arrays.write(flag, np.array([int(on)], np.uint8), 0, False)

    def read_sequences(self, layout: CloneLayout) -> tuple[int, int]:
        numbers = self.read_register(self._added(layout.sequence_register))
        return int(numbers[0]), int(numbers[1])

    def _added(self, name: str) -> RegisterSpec:
        """A register that instrumentation added to the running program."""
        found = next((spec for spec in all_registers(self.running()) if spec.name == name), None)
        if found is None:
            raise TargetError(f"the running program has no register {name}")
        return found

    def open_listener(self, layout: CloneLayout) -> Listener:
        if not self.cpu_interface:
            raise ListenerError("no interface to listen for clones on; give --cpu-interface")
        return Listener(self.cpu_interface, layout)

    def open_ring(self, layout: CloneLayout) -> CloneSource | None:
        return open_ring(self._connection, self._programs.running(), layout)

    def _statistics(self, *, reset: bool = False) -> bulk_pb2.StatsResponse:
        fence = self._connection.fence(0) if reset else None
        request = bulk_pb2.StatsRequest(device_id=self._connection.device_id, reset=reset, fence=fence)
        answer: bulk_pb2.StatsResponse = self._connection.call(
            "reading statistics", lambda: self._connection.bulk.GetStats(request)
        )
        return answer

    def _ports(self) -> dict[int, str]:
        """Interfaces of the switch's ports, as far as it reports them."""
        ports = self._statistics().ports if self._connection.has_bulk else ()
        return {port.port: port.interface for port in ports}

    def statistics(self, *, reset: bool = False) -> Statistics:
        answer = self._statistics(reset=reset)
        return Statistics(
            packets=answer.packets,
            batches=answer.batches,
            swaps=answer.swaps,
            holds=answer.holds,
            held_s=answer.held_ns / 1e9,
            longest_hold_s=answer.longest_hold_ns / 1e9,
            hold_drops=answer.hold_drops,
            ring_drops=sum(port.rx_ring_drops for port in answer.ports),
            tx_drops=sum(port.tx_drops for port in answer.ports),
            drops={reason: count for reason, count in answer.drops.items() if count},
        )


def _number(call: grpc.Call) -> int:
    """The number of the program that a request was about; 0 if the switch does not number them."""
    return int(dict(call.trailing_metadata() or ()).get(_PROGRAM, 0))


def _counter(p4info: p4i.P4Info, name: str) -> p4i.Counter:
    return next(counter for counter in p4info.counters if counter.preamble.name == name)
