"""A switch behind P4Runtime, with the bulk service where it has one.

Whole registers go through `softswitch.v1.Bulk` (packed cells); a switch without it is asked cell by cell through
P4Runtime's RegisterEntry, which is slow but standard.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import numpy as np
from finsy.proto import p4i, p4r, p4r_grpc, rpc_status

from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from state4.entries import wanted_entities
from state4.errors import BadAddress, NotPrimary, TargetError, Unsupported
from state4.layout import CloneLayout
from state4.programs import InstalledProgram, all_registers
from state4.rsrm import Listener
from state4.targets.base import CPU_PORT, CellWrites, Hold
from state4.values import Cells, RegisterSpec

_LOW = (1 << 64) - 1
_CHUNK_BYTES = 1 << 20
_UPDATES_PER_WRITE = 2000
_OPTIONS = [
    ("grpc.max_receive_message_length", 256 << 20),
    ("grpc.max_send_message_length", 256 << 20),
    ("grpc.enable_http_proxy", 0),
]
T = TypeVar("T")


class P4RuntimeTarget:
    """A connection as primary controller. `address`: "unix:/path", "host:port". Use it as a context manager.

    Raises TargetError if the switch cannot be reached, NotPrimary if a controller with a larger election id is
    there."""

    def __init__(
        self,
        address: str,
        *,
        cpu_interface: str = "",
        cpu_port: int = CPU_PORT,
        device_id: int = 1,
        election_id: int | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self.address = address
        self.cpu_interface = cpu_interface
        self.cpu_port = cpu_port
        self.device_id = device_id
        self.timeout_s = timeout_s
        # The newest controller takes over from one that was left behind.
        self.election_id = int(time.time()) if election_id is None else election_id
        self._channel = grpc.insecure_channel(_checked(address), options=_OPTIONS)
        self._p4runtime: Any = p4r_grpc.P4RuntimeStub(self._channel)
        self._bulk = BulkStub(self._channel)
        self._has_bulk = True
        self._saved = False
        self._requests: queue.Queue[p4r.StreamMessageRequest | None] = queue.Queue()
        self._arbitrated = threading.Event()
        self._refusal = ""
        self._p4info: p4i.P4Info | None = None
        self._next_p4info = p4i.P4Info()
        self.on_message: Callable[[p4r.StreamMessageResponse], None] | None = None
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> P4RuntimeTarget:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._requests.put(None)
        self._channel.close()

    # ------------------------------------------------------------ arbitration

    def _connect(self) -> None:
        try:
            grpc.channel_ready_future(self._channel).result(timeout=self.timeout_s)
        except grpc.FutureTimeoutError:
            raise TargetError(f"no switch answers at {self.address} within {self.timeout_s:g} s") from None
        update = p4r.MasterArbitrationUpdate(device_id=self.device_id, election_id=self._election())
        self._requests.put(p4r.StreamMessageRequest(arbitration=update))
        stream = self._p4runtime.StreamChannel(iter(self._requests.get, None))
        threading.Thread(target=self._follow, args=(stream,), name="state4-stream", daemon=True).start()
        if not self._arbitrated.wait(self.timeout_s):
            raise TargetError(f"the switch at {self.address} does not answer the arbitration")
        if self._refusal:
            raise NotPrimary(f"cannot control the switch at {self.address}: {self._refusal}")

    def _follow(self, stream: Iterator[p4r.StreamMessageResponse]) -> None:
        try:
            for message in stream:
                if message.HasField("arbitration"):
                    status = message.arbitration.status
                    self._refusal = "" if status.code == 0 else status.message or "another controller is primary"
                    self._arbitrated.set()
                elif self.on_message is not None:
                    self.on_message(message)
        except grpc.RpcError as error:
            self._refusal = f"the switch ended the connection ({_reason(error)})"
            self._arbitrated.set()

    def _election(self) -> p4r.Uint128:
        return p4r.Uint128(high=self.election_id >> 64, low=self.election_id & _LOW)

    def _call(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except grpc.RpcError as error:
            kinds = {grpc.StatusCode.PERMISSION_DENIED: NotPrimary, grpc.StatusCode.UNIMPLEMENTED: Unsupported}
            kind = kinds.get(_code(error), TargetError)
            raise kind(f"{what}: {_reason(error)}") from error

    # ------------------------------------------------------------ programs

    def running(self) -> p4i.P4Info:
        if self._p4info is None:
            request = p4r.GetForwardingPipelineConfigRequest(
                device_id=self.device_id, response_type=p4r.GetForwardingPipelineConfigRequest.P4INFO_AND_COOKIE
            )
            answer = self._call(
                "reading the running program's P4Info", lambda: self._p4runtime.GetForwardingPipelineConfig(request)
            )
            self._p4info = answer.config.p4info
        return self._p4info

    def _set_config(self, action: Any, program: InstalledProgram | None, what: str) -> None:
        request = p4r.SetForwardingPipelineConfigRequest(
            device_id=self.device_id, election_id=self._election(), action=action
        )
        if program is not None:
            request.config.CopyFrom(program.config())
        self._call(what, lambda: self._p4runtime.SetForwardingPipelineConfig(request))

    def install(self, program: InstalledProgram) -> None:
        actions = p4r.SetForwardingPipelineConfigRequest
        self._set_config(actions.VERIFY_AND_COMMIT, program, f"installing {program.name}")
        self._p4info, self._saved = program.p4info, False

    def verify(self, program: InstalledProgram) -> None:
        """VERIFY: the switch checks (and softswitch compiles and keeps) a program, and goes on as before."""
        actions = p4r.SetForwardingPipelineConfigRequest
        self._set_config(actions.VERIFY, program, f"verifying {program.name}")

    def save(self, program: InstalledProgram) -> None:
        actions = p4r.SetForwardingPipelineConfigRequest
        self.running()  # kept: from here on the switch may answer for the saved program
        self._set_config(actions.VERIFY_AND_SAVE, program, f"saving {program.name}")
        self._next_p4info = program.p4info
        self._saved = True

    def commit(self) -> None:
        actions = p4r.SetForwardingPipelineConfigRequest
        self._set_config(actions.COMMIT, None, "committing the saved program")
        self._p4info, self._saved = self._next_p4info, False

    def reconcile(self, program: InstalledProgram) -> None:
        actions = p4r.SetForwardingPipelineConfigRequest
        self._set_config(actions.RECONCILE_AND_COMMIT, program, f"reconciling with {program.name}")
        self._p4info, self._saved = program.p4info, False

    def discard_saved(self) -> None:
        request = bulk_pb2.DiscardSavedRequest(
            device_id=self.device_id,
            election_id_high=self.election_id >> 64,
            election_id_low=self.election_id & _LOW,
        )
        try:
            self._bulk.DiscardSaved(request)
        except grpc.RpcError as error:
            if _code(error) != grpc.StatusCode.UNIMPLEMENTED:
                raise TargetError(f"discarding the saved program: {_reason(error)}") from error
        self._saved = False

    @contextmanager
    def hold(self, layout: CloneLayout) -> Iterator[Hold]:
        held = _BulkHold(self, layout)
        try:
            yield held
        finally:
            held.close()
        if held.committed:
            self._p4info, self._saved = self._next_p4info, False

    # ------------------------------------------------------------ registers

    def read_register(self, register: RegisterSpec, start: int = 0, count: int | None = None) -> Cells:
        wanted = register.cells - start if count is None else count
        what = f"reading register {register.name}"
        if wanted == 0:
            return register.zeros(0)
        if not self._has_bulk:
            return self._read_entries_of(register, start, wanted)
        request = bulk_pb2.ReadArrayRequest(
            device_id=self.device_id, pipeline=bulk_pb2.ACTIVE, name=register.name, start=start, count=wanted
        )
        try:
            packed = b"".join(chunk.cells for chunk in self._bulk.ReadArray(request))
        except grpc.RpcError as error:
            if _code(error) != grpc.StatusCode.UNIMPLEMENTED:
                raise TargetError(f"{what}: {_reason(error)}") from error
            self._has_bulk = False
            return self._read_entries_of(register, start, wanted)
        return register.from_bytes(packed)

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        if not self._has_bulk or not registers:
            return {spec.name: self.read_register(spec) for spec in registers}
        names = [spec.name for spec in registers]
        request = bulk_pb2.ReadAllRequest(device_id=self.device_id, pipeline=bulk_pb2.ACTIVE, names=names)
        parts: dict[str, list[bytes]] = {name: [] for name in names}
        try:
            for chunk in self._bulk.ReadAll(request):
                parts[chunk.name].append(chunk.cells)
        except grpc.RpcError as error:
            if _code(error) != grpc.StatusCode.UNIMPLEMENTED:
                raise TargetError(f"reading {len(names)} registers: {_reason(error)}") from error
            self._has_bulk = False
            return {spec.name: self.read_register(spec) for spec in registers}
        return {spec.name: spec.from_bytes(b"".join(parts[spec.name])) for spec in registers}

    def write_register(self, register: RegisterSpec, values: Cells, start: int = 0) -> None:
        if not self._has_bulk:
            indices = np.arange(start, start + len(values), dtype=np.uint64)
            self._write_entries_of(CellWrites(register, indices, values))
            return
        pipeline = bulk_pb2.SAVED if self._saved else bulk_pb2.ACTIVE
        step = max(1, _CHUNK_BYTES // register.cell_bytes)

        def chunks() -> Iterator[bulk_pb2.WriteArrayRequest]:
            for at in range(0, len(values), step):
                yield bulk_pb2.WriteArrayRequest(
                    device_id=self.device_id,
                    pipeline=pipeline,
                    name=register.name,
                    start=start + at,
                    cells=register.to_bytes(values[at : at + step]),
                )

        try:
            self._bulk.WriteArray(chunks())
        except grpc.RpcError as error:
            if _code(error) != grpc.StatusCode.UNIMPLEMENTED:
                raise TargetError(f"writing register {register.name}: {_reason(error)}") from error
            self._has_bulk = False
            self.write_register(register, values, start)

    def write_cells(self, writes: Sequence[CellWrites]) -> None:
        if not self._has_bulk:
            for write in writes:
                self._write_entries_of(write)
            return
        request = bulk_pb2.WriteCellsRequest(
            device_id=self.device_id, pipeline=bulk_pb2.SAVED if self._saved else bulk_pb2.ACTIVE
        )
        _add_writes(request.writes, writes)
        try:
            self._bulk.WriteCells(request)
        except grpc.RpcError as error:
            if _code(error) != grpc.StatusCode.UNIMPLEMENTED:
                raise TargetError(f"writing cells: {_reason(error)}") from error
            self._has_bulk = False
            self.write_cells(writes)

    def read_counter(self, name: str) -> Cells:
        what = f"reading counter {name}"
        if self._has_bulk:
            request = bulk_pb2.ReadArrayRequest(
                device_id=self.device_id, pipeline=bulk_pb2.ACTIVE, kind=bulk_pb2.COUNTER, name=name
            )
            packed = self._call(what, lambda: b"".join(c.cells for c in self._bulk.ReadArray(request)))
            return np.frombuffer(bytearray(packed), "<u8").reshape(-1, 2)
        counter = next(c for c in self.running().counters if c.preamble.name == name)
        values = np.zeros((counter.size, 2), np.uint64)
        entity = p4r.Entity(counter_entry=p4r.CounterEntry(counter_id=counter.preamble.id))
        for found in self._read(p4r.ReadRequest(device_id=self.device_id, entities=[entity]), what):
            entry = found.counter_entry
            values[entry.index.index] = entry.data.packet_count, entry.data.byte_count
        return values

    def write_counter(self, name: str, values: Cells) -> None:
        if self._has_bulk:
            request = bulk_pb2.WriteArrayRequest(
                device_id=self.device_id,
                pipeline=bulk_pb2.SAVED if self._saved else bulk_pb2.ACTIVE,
                kind=bulk_pb2.COUNTER,
                name=name,
                cells=np.ascontiguousarray(values, "<u8").tobytes(),
            )
            self._call(f"writing counter {name}", lambda: self._bulk.WriteArray(iter([request])))
            return
        p4info = self._next_p4info if self._saved else self.running()
        counter = next(c for c in p4info.counters if c.preamble.name == name)
        updates = []
        for index in np.flatnonzero(values.any(axis=1)):
            update = p4r.Update(type=p4r.Update.MODIFY)
            entry = update.entity.counter_entry
            entry.counter_id, entry.index.index = counter.preamble.id, int(index)
            entry.data.packet_count, entry.data.byte_count = (int(n) for n in values[index])
            updates.append(update)
        self.write_updates(updates)

    def _read_entries_of(self, register: RegisterSpec, start: int, count: int) -> Cells:
        """The standard way: one message per cell."""
        request = p4r.ReadRequest(device_id=self.device_id)
        if start == 0 and count == register.cells:
            request.entities.add().register_entry.register_id = register.id
        else:
            for index in range(start, start + count):
                entry = request.entities.add().register_entry
                entry.register_id = register.id
                entry.index.index = index
        numbers = [0] * count
        for entity in self._read(request, f"reading register {register.name}"):
            data, at = entity.register_entry.data, entity.register_entry.index.index - start
            numbers[at] = int(data.bool) if data.WhichOneof("data") == "bool" else int.from_bytes(data.bitstring, "big")
        return register.from_integers(numbers)

    def _write_entries_of(self, write: CellWrites) -> None:
        updates = []
        for index, number in zip(write.indices, write.register.integers(write.values), strict=True):
            update = p4r.Update(type=p4r.Update.MODIFY)
            entry = update.entity.register_entry
            entry.register_id = write.register.id
            entry.index.index = int(index)
            bits = number & (1 << write.register.width) - 1
            entry.data.bitstring = bits.to_bytes(max(1, (bits.bit_length() + 7) // 8), "big")
            updates.append(update)
        self.write_updates(updates)

    # ------------------------------------------------------------ entries, sessions, the clone flag

    def _read(self, request: p4r.ReadRequest, what: str) -> list[p4r.Entity]:
        return self._call(what, lambda: [e for answer in self._p4runtime.Read(request) for e in answer.entities])

    def read_entities(self) -> list[p4r.Entity]:
        request = p4r.ReadRequest(device_id=self.device_id, entities=wanted_entities(self.running()))
        return self._read(request, "reading entries")

    def read_saved_entries(self, tables: Sequence[int]) -> list[p4r.TableEntry]:
        entities = [p4r.Entity(table_entry=p4r.TableEntry(table_id=number)) for number in tables]
        request = p4r.ReadRequest(device_id=self.device_id, entities=entities)
        return [entity.table_entry for entity in self._read(request, "reading the new program's entries")]

    def write_updates(self, updates: Sequence[p4r.Update]) -> None:
        for at in range(0, len(updates), _UPDATES_PER_WRITE):
            part = updates[at : at + _UPDATES_PER_WRITE]
            request = p4r.WriteRequest(device_id=self.device_id, election_id=self._election(), updates=part)
            try:
                self._p4runtime.Write(request)
            except grpc.RpcError as error:
                raise TargetError(_write_failure(error, part)) from error

    def configure_clone_session(self, session: int, port: int) -> None:
        update = p4r.Update(type=p4r.Update.INSERT)
        entry = update.entity.packet_replication_engine_entry.clone_session_entry
        entry.session_id = session
        replica = entry.replicas.add(instance=1)
        replica.port = port.to_bytes((port.bit_length() + 7) // 8, "big")
        request = p4r.WriteRequest(device_id=self.device_id, election_id=self._election(), updates=[update])
        try:
            self._p4runtime.Write(request)
        except grpc.RpcError:  # it is there from an earlier reconfiguration: sessions belong to the switch
            update.type = p4r.Update.MODIFY
            self.write_updates([update])

    def set_clone_flag(self, layout: CloneLayout, on: bool) -> None:
        flag = self._added(layout.flag_register)
        values = np.array([int(on)], np.uint8)
        if not self._has_bulk:
            self._write_entries_of(CellWrites(flag, np.zeros(1, np.uint64), values))
            return
        request = bulk_pb2.WriteArrayRequest(
            device_id=self.device_id, pipeline=bulk_pb2.ACTIVE, name=flag.name, cells=values.tobytes()
        )
        self._call("setting the clone flag", lambda: self._bulk.WriteArray(iter([request])))

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
            raise TargetError("no interface to listen for clones on; give --cpu-interface")
        return Listener(self.cpu_interface, layout)

    def stats(self, *, reset: bool = False) -> bulk_pb2.StatsResponse:
        """Counts of the switch (softswitch only); with `reset` those of the whole switch begin at 0 again."""
        request = bulk_pb2.StatsRequest(device_id=self.device_id, reset=reset)
        answer: bulk_pb2.StatsResponse = self._call("reading statistics", lambda: self._bulk.GetStats(request))
        return answer


class _BulkHold:
    """One stream of the bulk service's Hold."""

    def __init__(self, target: P4RuntimeTarget, layout: CloneLayout, *, longest_s: float = 0.5) -> None:
        self.committed = False
        self.held_s = 0.0
        self._requests: queue.SimpleQueue[bulk_pb2.HoldRequest | None] = queue.SimpleQueue()
        self._stream: Any = target._bulk.Hold(iter(self._requests.get, None))
        first = bulk_pb2.HoldRequest(
            device_id=target.device_id,
            election_id_high=target.election_id >> 64,
            election_id_low=target.election_id & _LOW,
            max_hold_us=round(longest_s * 1e6),
        )
        self._ask(first)  # the way is open now, and packets wait no longer than they must
        begin = bulk_pb2.HoldRequest()
        if layout.slots:
            begin.reads.add(name=layout.sequence_register)
        answer = self._ask(begin)
        numbers = np.frombuffer(answer.reads[0].cells, "<u4") if layout.slots else (0, 0)
        self.sequences = (int(numbers[0]), int(numbers[1]))

    def _ask(self, request: bulk_pb2.HoldRequest) -> bulk_pb2.HoldResponse:
        self._requests.put(request)
        try:
            answer: bulk_pb2.HoldResponse = next(self._stream)
        except grpc.RpcError as error:
            kind = Unsupported if _code(error) == grpc.StatusCode.UNIMPLEMENTED else TargetError
            raise kind(f"holding packets: {_reason(error)}") from error
        except StopIteration:
            raise TargetError("holding packets: the switch ended the hold") from None
        self.held_s = answer.held_ns / 1e9
        return answer

    def read_registers(self, registers: Sequence[RegisterSpec]) -> dict[str, Cells]:
        request = bulk_pb2.HoldRequest(reads=[bulk_pb2.CellRange(name=spec.name) for spec in registers])
        parts: dict[str, list[bytes]] = {spec.name: [] for spec in registers}
        for chunk in self._ask(request).reads:
            parts[chunk.name].append(chunk.cells)
        return {spec.name: spec.from_bytes(b"".join(parts[spec.name])) for spec in registers}

    def finish(self, writes: Sequence[CellWrites]) -> None:
        request = bulk_pb2.HoldRequest(copy_counts=True, commit=True)
        _add_writes(request.writes, writes)
        self.committed = self._ask(request).committed

    def close(self) -> None:
        self._requests.put(None)
        if not self.committed:
            self._stream.cancel()


def _add_writes(messages: Any, writes: Sequence[CellWrites]) -> None:
    for write in writes:
        indices = np.ascontiguousarray(write.indices, "<u8").tobytes()
        messages.add(name=write.register.name, indices=indices, cells=write.register.to_bytes(write.values))


def _checked(address: str) -> str:
    path = address.removeprefix("unix:")
    if path != address and not Path(path).exists():
        raise BadAddress(f"there is no switch at {address}: the socket does not exist")
    return address


def _code(error: grpc.RpcError) -> Any:
    return error.code() if isinstance(error, grpc.Call) else None


def _reason(error: grpc.RpcError) -> str:
    if isinstance(error, grpc.Call):
        return f"{error.details() or 'no reason given'} ({error.code().name})"
    return str(error)


def _write_failure(error: grpc.RpcError, updates: Sequence[p4r.Update]) -> str:
    """The first update that failed, with the switch's reason (P4Runtime specification 1.4, section 12.3)."""
    details: dict[str, Any] = dict(error.trailing_metadata() or ()) if isinstance(error, grpc.Call) else {}
    packed = details.get("grpc-status-details-bin")
    if isinstance(packed, bytes):
        status = rpc_status.Status.FromString(packed)
        for update, item in zip(updates, status.details, strict=False):
            inner = p4r.Error()
            if item.Unpack(inner) and inner.canonical_code:
                entity = update.entity.WhichOneof("entity") or "entity"
                return f"writing a {entity.replace('_', ' ')}: {inner.message} ({_short(update)})"
    return f"writing {len(updates)} updates: {_reason(error)}"


def _short(update: p4r.Update) -> str:
    text = " ".join(str(update.entity).split())
    return text if len(text) <= 200 else f"{text[:200]}..."
