"""A P4Runtime server on a Unix socket in this process, and a small controller that speaks the public protobufs."""

from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
from finsy.proto import p4i, p4r, p4r_grpc, rpc_status

from softswitch.build.program import CompiledPipeline, compile_program
from softswitch.dataplane.switch import Switch
from softswitch.proto import bulk_pb2
from softswitch.proto.bulk_grpc import BulkStub
from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from softswitch.server.device.device import Device
from softswitch.server.rpc.listen import Server

PROGRAMS = Path(__file__).parent / "programs"
EVERYTHING = PROGRAMS / "everything.p4"
DEVICE = 1
Config = p4r.SetForwardingPipelineConfigRequest


class Running:
    """A switch with memory ports 1 to 4 and its server. Without `program` it starts empty."""

    def __init__(self, program: Path | None = EVERYTHING, device_id: int = DEVICE) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="p4rt-")
        self.address = f"unix:{self._folder.name}/switch.sock"
        self.switch = Switch()
        for port in (1, 2, 3, 4):
            self.switch.add_memory_port(port)
        self.device = Device(self.switch, device_id)
        if program is not None:
            self.device.install(compile_program(program), program.read_bytes())
        self.server = Server(self.device, [self.address])
        self.server.start()

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop(0)
        self.switch.close()
        self._folder.cleanup()

    def controller(self, election: int | None = 1, **options: Any) -> Controller:
        return Controller(self.address, election, **options)


class Controller:
    """One client. `election` None: a standby; `arbitrate` False: opens no stream."""

    def __init__(self, address: str, election: int | None, *, role: str = "", arbitrate: bool = True) -> None:
        self.channel = grpc.insecure_channel(address)
        self.stub = p4r_grpc.P4RuntimeStub(self.channel)
        self.bulk = BulkStub(self.channel)
        self.election, self.role = election, role
        self.received: queue.Queue[Any] = queue.Queue()
        self._requests: queue.Queue[Any] = queue.Queue()
        self.p4info = p4i.P4Info()
        self._follower: threading.Thread | None = None
        if arbitrate:
            self.stream = self.stub.StreamChannel(iter(self._requests.get, None))
            self._follower = threading.Thread(target=self._follow, daemon=True)
            self._follower.start()
            self.arbitrate(election)
            self.answer = self.next("arbitration")  # the server's first word

    def __enter__(self) -> Controller:
        self.p4info = self.get_config().p4info
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """When it returns, the switch has forgotten this client: its election id is free."""
        self._requests.put(None)
        if self._follower is not None:
            self._follower.join(10)
        self.channel.close()

    def _follow(self) -> None:
        try:
            for message in self.stream:
                self.received.put(message)
        except grpc.RpcError as error:
            self.received.put(error)

    # ---- the stream ----

    def send(self, **message: Any) -> None:
        self._requests.put(p4r.StreamMessageRequest(**message))

    def arbitrate(self, election: int | None, *, device_id: int = DEVICE) -> None:
        self.election = election
        update = p4r.MasterArbitrationUpdate(device_id=device_id)
        if self.role:
            update.role.name = self.role
        if election is not None:
            update.election_id.low = election
        self.send(arbitration=update)

    def next(self, kind: str, timeout: float = 10) -> Any:
        """The next message of a kind; others are skipped. The end of the stream is returned as its error."""
        while True:
            message = self.received.get(timeout=timeout)
            if isinstance(message, grpc.RpcError):
                return message
            if message.WhichOneof("update") == kind:
                return getattr(message, kind)

    def none(self, kind: str, timeout: float = 0.3) -> bool:
        """Whether no message of a kind arrives within `timeout`."""
        try:
            self.next(kind, timeout)
        except queue.Empty:
            return True
        return False

    # ---- configs ----

    def set_config(
        self, action: int, program: CompiledPipeline | None = None, source: bytes = b"", **more: Any
    ) -> None:
        request = Config(device_id=DEVICE, action=action, role=self.role)
        self._elect(request)
        if program is not None:
            request.config.p4info.CopyFrom(program.p4info)
            request.config.p4_device_config = source
            if "cookie" in more:
                request.config.cookie.cookie = more["cookie"]
        metadata = [("softswitch-given-up-bin", name.encode()) for name in more.get("given_up", ())]
        self.stub.SetForwardingPipelineConfig(request, metadata=metadata)

    def get_config(self, kind: int = p4r.GetForwardingPipelineConfigRequest.ALL) -> Any:
        request = p4r.GetForwardingPipelineConfigRequest(device_id=DEVICE, response_type=kind)
        return self.stub.GetForwardingPipelineConfig(request).config

    def _elect(self, request: Any) -> None:
        if self.election is not None:
            request.election_id.low = self.election

    def fence(self, *, saved: bool = False, program: int | None = None) -> bulk_pb2.Fence:
        """A fence for this client, with the number of the current program or the given one."""
        if program is None:
            program = self.program(saved=saved)
        return bulk_pb2.Fence(role=self.role, election_id_low=self.election or 0, program=program)

    def program(self, *, saved: bool = False) -> int:
        """The number of a program."""
        which = bulk_pb2.SAVED if saved else bulk_pb2.ACTIVE
        return int(self.bulk.ListArrays(bulk_pb2.ListArraysRequest(pipeline=which)).program)

    def write_array(self, name: str, cells: bytes, *, saved: bool = False, **more: Any) -> int:
        """Writes cells of one array through the bulk service; returns the number written."""
        which = bulk_pb2.SAVED if saved else bulk_pb2.ACTIVE
        request = bulk_pb2.WriteArrayRequest(
            device_id=DEVICE, pipeline=which, name=name, cells=cells, fence=self.fence(saved=saved), **more
        )
        return int(self.bulk.WriteArray(iter([request])).cells)

    def write_cells(self, *writes: bulk_pb2.CellWrites, saved: bool = False) -> int:
        which = bulk_pb2.SAVED if saved else bulk_pb2.ACTIVE
        fence = self.fence(saved=saved)
        request = bulk_pb2.WriteCellsRequest(device_id=DEVICE, pipeline=which, writes=writes, fence=fence)
        return int(self.bulk.WriteCells(request).cells)

    # ---- entities ----

    def id(self, alias: str) -> int:
        """Id of an object by its alias."""
        for kind in (
            "tables",
            "actions",
            "action_profiles",
            "counters",
            "direct_counters",
            "meters",
            "direct_meters",
            "value_sets",
            "registers",
            "digests",
        ):
            for item in getattr(self.p4info, kind):
                if item.preamble.alias == alias:
                    return int(item.preamble.id)
        raise KeyError(alias)

    def action(self, alias: str, **params: int) -> p4r.Action:
        number = self.id(alias)
        declared = next(a for a in self.p4info.actions if a.preamble.id == number)
        message = p4r.Action(action_id=number)
        for param in declared.params:
            message.params.add(param_id=param.id, value=encode(params[param.name]))
        return message

    def entry(
        self, table: str, *match: p4r.FieldMatch, action: p4r.Action | None = None, **more: Any
    ) -> p4r.TableEntry:
        message = p4r.TableEntry(table_id=self.id(table), match=match, **more)
        if action is not None:
            message.action.action.CopyFrom(action)
        return message

    def request(self, *updates: tuple[int, dict[str, Any]], **more: Any) -> p4r.WriteRequest:
        request = p4r.WriteRequest(device_id=DEVICE, role=self.role, **more)
        self._elect(request)
        for kind, entity in updates:
            request.updates.add(type=kind, entity=p4r.Entity(**entity))
        return request

    def write(self, *updates: tuple[int, dict[str, Any]], **more: Any) -> None:
        self.stub.Write(self.request(*updates, **more))

    def insert(self, **entity: Any) -> None:
        self.write((INSERT, entity))

    def modify(self, **entity: Any) -> None:
        self.write((MODIFY, entity))

    def delete(self, **entity: Any) -> None:
        self.write((DELETE, entity))

    def read(self, **entity: Any) -> list[Any]:
        """The entities of one request, without their wrapper."""
        request = p4r.ReadRequest(device_id=DEVICE, entities=[p4r.Entity(**entity)])
        kind = next(iter(entity))
        return [getattr(e, kind) for response in self.stub.Read(request) for e in response.entities]


def encode(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def exact(field: int, value: int) -> p4r.FieldMatch:
    return p4r.FieldMatch(field_id=field, exact=p4r.FieldMatch.Exact(value=encode(value)))


def lpm(field: int, value: int, prefix: int) -> p4r.FieldMatch:
    return p4r.FieldMatch(field_id=field, lpm=p4r.FieldMatch.LPM(value=encode(value), prefix_len=prefix))


def ternary(field: int, value: int, mask: int) -> p4r.FieldMatch:
    return p4r.FieldMatch(field_id=field, ternary=p4r.FieldMatch.Ternary(value=encode(value), mask=encode(mask)))


def span(field: int, low: int, high: int) -> p4r.FieldMatch:
    return p4r.FieldMatch(field_id=field, range=p4r.FieldMatch.Range(low=encode(low), high=encode(high)))


def optional(field: int, value: int) -> p4r.FieldMatch:
    return p4r.FieldMatch(field_id=field, optional=p4r.FieldMatch.Optional(value=encode(value)))


def status(call: Any) -> str:
    """The code with which a call is refused, "OK" if it is not. For a single failed update: that update's code."""
    return codes(call)[0]


def codes(call: Any) -> list[str]:
    """Codes of all updates of a refused Write, or the one code of another call."""
    try:
        result = call()
        if hasattr(result, "__next__"):
            list(result)
    except grpc.RpcError as error:
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        if details is None:
            return [error.code().name]
        names = {code.value[0]: code.name for code in grpc.StatusCode}
        return [names[e.canonical_code] for e in update_errors(details)]
    return ["OK"]


def update_errors(details: bytes) -> Iterator[p4r.Error]:
    for packed in rpc_status.Status.FromString(details).details:
        error = p4r.Error()
        packed.Unpack(error)
        yield error


def frame(kind: int = 0x1234, body: bytes = b"", *, dst: int = 0xD, src: int = 0xA) -> bytes:
    """A frame of everything.p4."""
    return dst.to_bytes(6, "big") + src.to_bytes(6, "big") + kind.to_bytes(2, "big") + body


def body(address: int = 0, number: int = 0, group: int = 0, flags: int = 0) -> bytes:
    return address.to_bytes(4, "big") + number.to_bytes(2, "big") + bytes([group, flags])
