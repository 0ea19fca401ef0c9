"""The switch as a Python object: ports, pipelines, packets by hand, replication, messages to the controller.

Thread-safe. Calls that change or read what packets use wait for the safe point between two batches, for some
microseconds.
"""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import Array, addressof, byref, c_char, c_uint64, c_void_p, create_string_buffer, string_at
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from softswitch.build.model import PipelineInfo, words
from softswitch.dataplane import native
from softswitch.dataplane.entries import CloneSession, DigestMessage, MulticastGroup, Replica
from softswitch.dataplane.externs import Counter, Meter, Register, Words
from softswitch.dataplane.handle import PipelineHandle, SwitchHandle
from softswitch.dataplane.handover import CloneFormat, HandedOver, Handover, open_journal, prepare
from softswitch.dataplane.native import DELETE, INSERT, MODIFY, U64_MAX
from softswitch.dataplane.profiles import Profile, ValueSet
from softswitch.dataplane.rows import address, get_words, packed
from softswitch.dataplane.stats import PORT_WORDS, SWITCH_WORDS, PortStats, SwitchStats, port_stats, switch_stats
from softswitch.dataplane.tables import Table
from softswitch.errors import PipelineLoadError

PacketInMode = Literal["auto", "grpc", "interface", "both"]
Replicas = Sequence[Replica | tuple[int, int]]
_MODES: dict[PacketInMode, int] = {"auto": 0, "grpc": 1, "interface": 2, "both": 3}
_MESSAGE = struct.Struct("<IIQQ")
_MESSAGE_ROOM = 1 << 20  # as long as the longest trace
_LOG_KINDS: tuple[Literal["message", "trace", "notice"], ...] = ("message", "trace", "notice")


class Loadable(Protocol):
    """What `Switch.load` needs of a compiled program (softswitch.build.program.CompiledPipeline)."""

    @property
    def so_path(self) -> Path: ...
    @property
    def info(self) -> PipelineInfo: ...


@dataclass(frozen=True)
class LogLine:
    """`kind`: the program's own "message" (log_msg), the "trace" of a packet, or a "notice" about a port."""

    kind: Literal["message", "trace", "notice"]
    text: str
    time_us: int


@dataclass(frozen=True)
class Snapshot:
    """All registers (shapes as of Register.read) and indirect counters (packets, bytes) at one moment."""

    registers: dict[str, NDArray[np.unsignedinteger]]
    counters: dict[str, Words]


class Pipeline:
    """A loaded program with its state. It stays usable until `close`, also after another one was committed."""

    def __init__(self, handle: PipelineHandle, info: PipelineInfo) -> None:
        self.info = info
        self.handle = handle
        counts = np.zeros(7, dtype=np.uint32)
        with handle.use() as pointer:
            native.library().ss_pipeline_shape(pointer, counts.ctypes.data)
        kinds = (info.tables, info.registers, info.counters, info.meters, info.profiles, info.value_sets, info.digests)
        if [len(kind) for kind in kinds] != counts.tolist():
            raise PipelineLoadError(
                f"the description of {info.name} is not that of its shared object: compile it again"
            )
        self.profiles = {profile.name: Profile(handle, profile, info.tables) for profile in info.profiles}
        by_index = {profile.info.index: profile for profile in self.profiles.values()}
        self.tables = {table.name: Table(handle, table, by_index.get(table.action_profile)) for table in info.tables}
        self.registers = {register.name: Register(handle, register) for register in info.registers}
        self.counters = {counter.name: Counter(handle, counter) for counter in info.counters}
        self.meters = {meter.name: Meter(handle, meter) for meter in info.meters}
        self.value_sets = {value_set.name: ValueSet(handle, value_set) for value_set in info.value_sets}

    def reset_state(self) -> None:
        """Registers, counters and meters as after loading; entries stay. One step to packets."""
        with self.handle.use() as pointer:
            native.library().ss_pipeline_reset(pointer, False)

    def reset(self) -> None:
        """Everything as after loading: also tables with the program's own entries, profiles and value sets."""
        with self.handle.use() as pointer:
            native.library().ss_pipeline_reset(pointer, True)
            for table in self.tables.values():
                table.forget_notes()
            for profile in self.profiles.values():
                profile.forget()

    def snapshot(self) -> Snapshot:
        """All registers and counters as of one moment between two packets."""
        with self.handle.use() as pointer:
            lib = native.library()
            memory = np.empty(lib.ss_snapshot_bytes(pointer), dtype=np.uint8)
            native.check(lib.ss_snapshot_all(pointer, memory.ctypes.data, memory.nbytes))
        at = 0
        registers: dict[str, NDArray[np.unsignedinteger]] = {}
        counters: dict[str, Words] = {}
        for register in self.registers.values():
            size = register.info.cells * register.info.cell_bytes
            cells = memory[at : at + size].view(register.dtype)
            registers[register.info.name] = (
                cells.reshape(-1, register.info.cell_bytes) if register.info.width > 64 else cells
            )
            at += -(-size // 64) * 64
        for counter in self.counters.values():
            size = counter.info.cells * 16
            counters[counter.info.name] = memory[at : at + size].view(np.uint64).reshape(-1, 2)
            at += -(-size // 64) * 64
        return Snapshot(registers, counters)

    def close(self) -> None:
        """Frees it. Raises InUse while it is the active one."""
        self.handle.close()


class Switch:
    """One data plane. `seed` starts the random numbers of programs."""

    def __init__(self, *, cpu_port: int = 510, drop_port: int = 511, seed: int = 0) -> None:
        self.cpu_port = cpu_port
        self.drop_port = drop_port
        self._handle = SwitchHandle(cpu_port, drop_port, seed & U64_MAX)
        self._local = threading.local()
        self._ports: set[int] = set()
        self._sessions: dict[int, CloneSession] = {}
        self._groups: dict[int, MulticastGroup] = {}
        self._infos: dict[int, PipelineInfo] = {}  # by serial, for digests that are still on their way
        self.active: Pipeline | None = None
        self._kept: CloneFormat | None = None

    # ---- ports ----

    def add_interface(self, port: int, name: str) -> None:
        """A port on a network interface of this namespace; needs root or CAP_NET_RAW.

        Raises InterfaceNotFound, InterfaceError, PortInUse.
        """
        with self._handle.use() as switch:
            status = native.library().ss_port_add_interface(switch, port, name.encode())
            native.check(status, native.PORT_ERRORS)
            self._ports.add(port)

    def add_memory_port(self, port: int) -> None:
        """A port whose frames `take` returns. Raises PortInUse."""
        with self._handle.use() as switch:
            native.check(native.library().ss_port_add_memory(switch, port), native.PORT_ERRORS)
            self._ports.add(port)

    def remove_port(self, port: int) -> None:
        """Raises PortNotFound."""
        with self._handle.use() as switch:
            native.check(native.library().ss_port_remove(switch, port), native.PORT_ERRORS)
            self._ports.discard(port)

    def ports(self) -> list[int]:
        return sorted(self._ports)

    def packet_out(self, port: int, frame: bytes) -> None:
        """Sends a frame straight out of a port. Raises PortNotFound."""
        with self._handle.use() as switch:
            native.check(native.library().ss_port_send(switch, port, frame, len(frame)), native.PORT_ERRORS)

    def take(self, port: int) -> bytes | None:
        """The next frame that was sent to a memory port. Raises PortNotFound."""
        room = create_string_buffer(1 << 17)
        with self._handle.use() as switch:
            length = native.library().ss_port_take(switch, port, room, len(room))
            native.check(length, native.PORT_ERRORS)
        return room.raw[:length] if length else None

    # ---- pipelines ----

    def load(self, compiled: Loadable) -> Pipeline:
        """Opens a compiled program: initial entries set, not forwarding yet. Raises PipelineLoadError."""
        handle = PipelineHandle(self._handle, str(compiled.so_path))
        pipeline = Pipeline(handle, compiled.info)
        with self._handle.use():
            self._infos[handle.serial] = compiled.info
            for old in list(self._infos)[:-16]:
                del self._infos[old]
        return pipeline

    def commit(self, pipeline: Pipeline) -> Pipeline | None:
        """Packets go through `pipeline` from the next one on; none is lost. Returns the one before, state and all.

        That one is freed by its `close`, or when nothing refers to it any more.
        """
        with pipeline.handle.use() as pointer:
            native.check(native.library().ss_pipeline_commit(pointer))
            previous, self.active = self.active, pipeline
            return previous if previous is not pipeline else None

    def keep_clones(self, form: CloneFormat, sequence: Register) -> tuple[int, int]:
        """From here on the switch keeps what goes to the CPU port and has this form, for `hand_over`, in place of what
        it kept before. `sequence`: the register of the forwarding program that has the numbers of the last clones of
        ingress and egress; returns them. Raises BadEntry."""
        with self._handle.use() as switch:
            numbers = open_journal(switch, form, sequence)
            self._kept = form
            return numbers

    def forget_clones(self) -> None:
        """Keeps none any more."""
        with self._handle.use() as switch:
            native.library().ss_journal_close(switch)
            self._kept = None

    def hand_over(self, pipeline: Pipeline, handover: Handover) -> HandedOver:
        """Moves the state that `handover` names and commits `pipeline`, as one step to packets, which wait for some
        microseconds. Does nothing when clones are missing. The pipeline before gives up what it had.

        Raises BadEntry."""
        with pipeline.handle.use() as pointer, self._handle.use() as switch:
            if handover.components is not None and self._kept is None:
                return HandedOver(complete=False)
            prepared = prepare(pointer, handover, self._kept.value_bytes if self._kept is not None else 0)
            done = prepared.run(switch)
            if done.complete:
                self.active = pipeline
            return done

    def start(self) -> None:
        """Starts the data-plane thread; does nothing when it runs."""
        with self._handle.use() as switch:
            native.check(native.library().ss_switch_start(switch))

    def stop(self) -> None:
        """Ends the data-plane thread; ports and state stay. Raises InUse inside a safe point."""
        with self._handle.use() as switch:
            native.check(native.library().ss_switch_stop(switch))

    def close(self) -> None:
        """Ends the thread, closes all ports and frees everything; further calls raise Closed."""
        self._handle.close()
        self.active = None

    def __enter__(self) -> Switch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        with suppress(Exception):  # when the interpreter ends, or __init__ failed
            self._handle.close()

    @contextmanager
    def safe_point(self) -> Iterator[None]:
        """All operations inside are one step to packets, which wait in their rings meanwhile. Keep it short."""
        with self._handle.use() as switch:
            native.library().ss_switch_hold(switch)
            try:
                yield
            finally:
                native.library().ss_switch_release(switch)

    # ---- packets by hand, time ----

    def inject(self, port: int, frame: bytes) -> list[tuple[int, bytes]]:
        """Runs one packet to its end. Returns all (port, frame) that came out, in order; the ports do not get them.

        Frames to the CPU port are also queued as packet-ins, as `set_packet_in` says. Raises EntryNotFound without an
        active pipeline.
        """
        out, size = c_void_p(), c_uint64()
        with self._handle.use() as switch:
            native.check(native.library().ss_inject(switch, port, frame, len(frame), byref(out), byref(size)))
            data = string_at(out, size.value) if size.value else b""
        frames: list[tuple[int, bytes]] = []
        at = 0
        while at < len(data):
            number, length = struct.unpack_from("<II", data, at)
            frames.append((number, data[at + 8 : at + 8 + length]))
            at += 8 + length
        return frames

    def submit(self, port: int, frame: bytes) -> None:
        """Runs a packet as if `port` had received it (P4Runtime's PacketOut: the CPU port); outputs go to the ports."""
        with self._handle.use() as switch:
            native.check(native.library().ss_submit(switch, port, frame, len(frame)))

    def bench(self, port: int, frames: Sequence[bytes], packets: int) -> tuple[float, int]:
        """Runs `packets` packets from memory; returns nanoseconds per packet and how many came out of a port."""
        blob = b"".join(struct.pack("<I", len(frame)) + frame for frame in frames)
        nanoseconds, outputs = c_uint64(), c_uint64()
        with self._handle.use() as switch:
            status = native.library().ss_bench(
                switch, port, blob, len(blob), packets, byref(nanoseconds), byref(outputs)
            )
            native.check(status)
        return nanoseconds.value / max(packets, 1), outputs.value

    def set_time(self, microseconds: int | None) -> None:
        """Stops the switch's clock at a time since its start; None: the real clock again."""
        with self._handle.use() as switch:
            native.library().ss_switch_set_time(switch, U64_MAX if microseconds is None else microseconds)

    def time_us(self) -> int:
        with self._handle.use() as switch:
            return int(native.library().ss_switch_time(switch))

    # ---- messages ----

    def set_packet_in(self, mode: PacketInMode) -> None:
        """Where frames to the CPU port go: to the port there, to `next_packet_in`, both; auto: to the port if any."""
        with self._handle.use() as switch:
            native.library().ss_switch_set_packet_in(switch, _MODES[mode])

    def set_trace(self, on: bool) -> None:
        """Whether packets are traced in words (`next_log`). Costs much time per packet."""
        with self._handle.use() as switch:
            native.library().ss_switch_set_trace(switch, on)

    def next_packet_in(self, timeout: float | None = 0) -> bytes | None:
        """The next frame for the controller. `timeout` in seconds; None: wait until one comes or the switch closes."""
        message = self._take(native.PACKET_INS, timeout)
        return message[3] if message else None

    def next_digest(self, timeout: float | None = 0) -> DigestMessage | None:
        message = self._take(native.DIGESTS, timeout)
        if message is None:
            return None
        index, serial, time_us, data = message
        info = self._infos.get(serial)
        if info is None:
            return None  # of a program that was replaced many times over
        row = struct.unpack(f"<{len(data) // 8}Q", data)
        values: list[int] = []
        at = 0
        for _, width in info.digests[index].fields:
            values.append(get_words(row, at, words(width)))
            at += words(width)
        return DigestMessage(index, tuple(values), time_us, info.digests[index].name)

    def next_log(self, timeout: float | None = 0) -> LogLine | None:
        message = self._take(native.LOG, timeout)
        if message is None:
            return None
        return LogLine(_LOG_KINDS[message[0]], message[3].decode(errors="replace"), message[2])

    def _take(self, queue: int, timeout: float | None) -> tuple[int, int, int, bytes] | None:
        """Tag, source, time and bytes of the next message."""
        room = self._room()
        wait = -1 if timeout is None else round(timeout * 1e9)
        with self._handle.take() as switch:
            size = native.library().ss_queue_take(switch, queue, 1, room, len(room), wait)
        native.check(size)
        if not size:
            return None
        length, tag, source, time_us = _MESSAGE.unpack_from(room)
        return tag, source, time_us, string_at(addressof(room) + _MESSAGE.size, length)

    def _room(self) -> Array[c_char]:
        """Memory for one message, for each thread its own."""
        room: Array[c_char] | None = getattr(self._local, "room", None)
        if room is None:
            room = self._local.room = create_string_buffer(_MESSAGE_ROOM + 64)
        return room

    # ---- replication ----

    def set_clone_session(self, id: int, replicas: Replicas, truncate: int = 0) -> None:
        """Makes or replaces a session; sessions outlive programs. `truncate`: most bytes of a clone, 0: all."""
        made = CloneSession(id, tuple(Replica(*replica) for replica in replicas), truncate)
        with self._handle.use() as switch:
            operation = MODIFY if id in self._sessions else INSERT
            memory = _replica_words(made.replicas)
            status = native.library().ss_pre_set_session(
                switch, operation, id, len(memory) // 3, address(memory), truncate
            )
            native.check(status)
            self._sessions[id] = made

    def delete_clone_session(self, id: int) -> None:
        """Raises EntryNotFound."""
        with self._handle.use() as switch:
            native.check(native.library().ss_pre_set_session(switch, DELETE, id, 0, None, 0))
            del self._sessions[id]

    def clone_sessions(self) -> list[CloneSession]:
        return list(self._sessions.values())

    def set_multicast_group(self, id: int, replicas: Replicas) -> None:
        """Makes or replaces a group; copies go out in the order of `replicas`."""
        made = MulticastGroup(id, tuple(Replica(*replica) for replica in replicas))
        with self._handle.use() as switch:
            operation = MODIFY if id in self._groups else INSERT
            memory = _replica_words(made.replicas)
            native.check(native.library().ss_pre_set_group(switch, operation, id, len(memory) // 3, address(memory)))
            self._groups[id] = made

    def delete_multicast_group(self, id: int) -> None:
        """Raises EntryNotFound."""
        with self._handle.use() as switch:
            native.check(native.library().ss_pre_set_group(switch, DELETE, id, 0, None))
            del self._groups[id]

    def multicast_groups(self) -> list[MulticastGroup]:
        return list(self._groups.values())

    # ---- statistics ----

    def stats(self) -> SwitchStats:
        row = packed([0] * SWITCH_WORDS)
        ports: dict[int, PortStats] = {}
        with self._handle.use() as switch:
            lib = native.library()
            lib.ss_switch_stats_read(switch, address(row))
            for port in self.ports():
                counted = packed([0] * PORT_WORDS)
                native.check(lib.ss_port_stats_read(switch, port, address(counted)), native.PORT_ERRORS)
                ports[port] = port_stats(counted)
        return switch_stats(row, ports)

    def reset_stats(self) -> None:
        """Sets the switch's own counts to zero; those of ports go on."""
        with self._handle.use() as switch:
            native.library().ss_switch_stats_reset(switch)


def _replica_words(replicas: Sequence[Replica]) -> array[int]:
    """Three words for each replica and each backup behind it."""
    rows: list[int] = []
    for replica in replicas:
        rows += (replica.port, replica.instance, 0)
        for port, instance in replica.backups:
            rows += (port, instance, 1)
    return packed(rows or [0])
