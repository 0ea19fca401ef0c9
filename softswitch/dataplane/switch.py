"""The switch as a Python object: ports, pipelines, packets by hand, replication, messages to the controller.

Thread-safe. Calls that access state used by packets wait for the safe point between two batches, for a few
microseconds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import byref, c_uint64, c_void_p, create_string_buffer, string_at
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol

from softswitch.dataplane import native
from softswitch.dataplane.entries import DigestMessage
from softswitch.dataplane.externs import Register
from softswitch.dataplane.handle import PipelineHandle, SwitchHandle
from softswitch.dataplane.handover import CloneFormat, HandedOver, Handover, open_journal, prepare
from softswitch.dataplane.interface import interface
from softswitch.dataplane.messages import LogLine, Messages
from softswitch.dataplane.native import REAL_TIME, U64_MAX
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.replication import Replication
from softswitch.dataplane.rows import address, packed
from softswitch.dataplane.stats import PORT_WORDS, SWITCH_WORDS, PortStats, SwitchStats, port_stats, switch_stats
from softswitch.dataplane.threads import IoThreads, thread_count
from softswitch.model import PipelineInfo

PacketInMode = Literal["auto", "grpc", "interface", "both"]
_QUEUE, _INTERFACE = (interface().constants[name] for name in ("SS_PACKET_IN_QUEUE", "SS_PACKET_IN_INTERFACE"))
_MODES: dict[PacketInMode, int] = {"auto": 0, "grpc": _QUEUE, "interface": _INTERFACE, "both": _QUEUE | _INTERFACE}
NO_PORT = interface().constants["SS_NO_PORT"]
_ALL_QUEUES = interface().constants["SS_ALL_QUEUES"]
_OUTPUT = interface().packing("ss_output_head")


class Loadable(Protocol):
    """What `Switch.load` needs of a compiled program (softswitch.build.program.CompiledPipeline)."""

    @property
    def so_path(self) -> Path: ...
    @property
    def info(self) -> PipelineInfo: ...


class Switch(Replication):
    """One data plane. `seed` starts the random numbers of programs. `io_threads`: how many threads receive and send
    packets (1 to 16; auto: one for each core; None: the default), which the program gets one after the other.

    Raises BadIndex for ports that there cannot be, BadEntry for a number of threads that there cannot be."""

    def __init__(
        self, *, cpu_port: int = 510, drop_port: int = 511, seed: int = 0, io_threads: IoThreads | None = None
    ) -> None:
        super().__init__()
        self.cpu_port = cpu_port
        self.drop_port = drop_port
        self._handle = SwitchHandle(cpu_port, drop_port, seed & U64_MAX, thread_count(io_threads))
        self._messages = Messages(self._handle)
        self._ports: set[int] = set()
        self.active: Pipeline | None = None
        self._kept: CloneFormat | None = None

    # ---- ports ----

    def add_interface(self, port: int, name: str, ring_frames: int | None = None, *, offloads: bool = True) -> None:
        """A port on a network interface of this namespace; needs root or CAP_NET_RAW. `ring_frames`: how many frames
        can wait for the data plane, default 4096 (64 to 1048576; the memory is allocated at once, by default at most 64
        MiB). `offloads`: segments of up to 64 KiB that a sender left to its network card are split into frames of the
        MTU for the program, and merged again on their way out; without it they are lost.

        Raises InterfaceNotFound, InterfaceError, PortInUse.
        """
        with self._handle.use() as switch:
            status = native.library().ss_port_add_interface(switch, port, name.encode(), ring_frames or 0, offloads)
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
            self._messages.expect(handle.serial, compiled.info)
        return pipeline

    def commit(self, pipeline: Pipeline) -> Pipeline | None:
        """Packets go through `pipeline` from the next one on; none is lost. Returns the one before, state and all.

        That one is freed by its `close`, or when nothing refers to it any more.
        """
        with self.safe_point(), pipeline.handle.use() as pointer, self._handle.use() as switch:
            native.library().ss_egress_flush(switch)  # packets that wait end with the program that they came to
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
        microseconds. Commits nothing when clones are missing. The pipeline before gives up what it had.

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
        """Starts the data-plane threads; does nothing when they run."""
        with self._handle.use() as switch:
            native.check(native.library().ss_switch_start(switch))

    def stop(self) -> None:
        """Ends the data-plane threads; ports and state stay. Raises InUse inside a safe point."""
        with self._handle.use() as switch:
            native.check(native.library().ss_switch_stop(switch))

    def close(self) -> None:
        """Ends the threads, closes all ports and frees everything; further calls raise Closed."""
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
        """All operations inside are atomic with respect to packets, which wait in their rings. Keep it short."""
        with self._handle.use() as switch:
            native.library().ss_switch_hold(switch)
            try:
                yield
            finally:
                native.library().ss_switch_release(switch)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """A safe point that may be long: frames that the ports lose in it count as `hold_drops`. `nearly_full`
        tells another thread when to end it."""
        with self._handle.use() as switch:
            native.library().ss_switch_hold_ports(switch)
            native.library().ss_egress_flush(switch)  # or they would write to a state that was read already
            try:
                yield
            finally:
                native.library().ss_switch_release_ports(switch)

    def nearly_full(self) -> int | None:
        """A port whose ring is three quarters full of frames that wait. Only during a `hold`, by a thread that keeps it
        from ending meanwhile."""
        port = native.library().ss_switch_nearly_full(self._handle.pointer)
        return None if port == NO_PORT else int(port)

    # ---- packets by hand, time ----

    def inject(self, port: int, frame: bytes) -> list[tuple[int, bytes]]:
        """Runs one packet to its end, or to a queue. Returns all (port, frame) that came out, in order; the ports do
        not get them.

        Frames to the CPU port are also queued as packet-ins, as `set_packet_in` says. Raises EntryNotFound without an
        active pipeline.
        """
        out, size = c_void_p(), c_uint64()
        with self._handle.use() as switch:
            native.check(native.library().ss_inject(switch, port, frame, len(frame), byref(out), byref(size)))
            return _frames(string_at(out, size.value) if size.value else b"")

    # ---- queues between ingress and egress: none until one of them is set ----

    def set_queue_depth(self, packets: int, port: int | None = None, priority: int | None = None) -> None:
        """How many packets may wait for a port (None: each) with a priority (0 to 7, larger ones go first; None: each);
        64 unless set. Further ones are dropped. Raises BadIndex."""
        with self._handle.use() as switch:
            native.check(native.library().ss_egress_set_depth(switch, _queue(port), _queue(priority), packets))

    def set_queue_rate(self, per_second: int, port: int | None = None, priority: int | None = None) -> None:
        """How many packets of a queue may leave in a second; 0: no limit, so none waits. Raises BadIndex, BadEntry."""
        with self._handle.use() as switch:
            native.check(native.library().ss_egress_set_rate(switch, _queue(port), _queue(priority), per_second))

    def set_priority_queues(self, count: int) -> None:
        """How many queues each port has, from 1 to 8 (8 unless set): packets of other priorities are dropped. Raises
        BadEntry."""
        with self._handle.use() as switch:
            native.check(native.library().ss_egress_set_priorities(switch, min(max(count, 0), _ALL_QUEUES)))

    def run_queues(self) -> list[tuple[int, bytes]]:
        """Runs egress for packets that have waited long enough, some at a time; what comes out as `inject` gives it."""
        out, size = c_void_p(), c_uint64()
        with self._handle.use() as switch:
            native.check(native.library().ss_egress_run(switch, byref(out), byref(size)))
            return _frames(string_at(out, size.value) if size.value else b"")

    def submit(self, port: int, frame: bytes, program: int = 0) -> None:
        """Runs a packet as if `port` had received it (P4Runtime's PacketOut: the CPU port); outputs go to the ports.

        `program`: the serial of the pipeline that the packet is for; EntryNotFound if another one is committed."""
        with self._handle.use() as switch:
            native.check(native.library().ss_submit(switch, port, frame, len(frame), program))

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
            native.library().ss_switch_set_time(switch, REAL_TIME if microseconds is None else microseconds)

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

    def set_qdiscs(self, on: bool) -> None:
        """Whether frames leave ports that are added from now on through the queueing disciplines of their interfaces,
        so that limits of `tc` hold and captures see them. Costs a little per packet."""
        with self._handle.use() as switch:
            native.library().ss_switch_set_qdiscs(switch, on)

    def next_packet_in(self, timeout: float | None = 0) -> bytes | None:
        """The next frame for the controller. `timeout` in seconds; None: wait until one comes or the switch closes."""
        found = self._messages.packet_in(timeout)
        return found[1] if found is not None else None

    def next_packet_in_of(self, timeout: float | None = 0) -> tuple[int, bytes] | None:
        """The same with the serial of the pipeline that sent it."""
        return self._messages.packet_in(timeout)

    def next_digest(self, timeout: float | None = 0) -> DigestMessage | None:
        """The next learning message, None after the time-out."""
        return self._messages.digest(timeout)

    def next_log(self, timeout: float | None = 0) -> LogLine | None:
        """The next line, None after the time-out."""
        return self._messages.log(timeout)

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


def _queue(number: int | None) -> int:
    if number is None:
        return _ALL_QUEUES
    return number if 0 <= number < _ALL_QUEUES else _ALL_QUEUES - 1  # which there is not


def _frames(data: bytes) -> list[tuple[int, bytes]]:
    """What came out of a packet that was run by hand."""
    frames: list[tuple[int, bytes]] = []
    at = 0
    while at < len(data):
        number, length = _OUTPUT.unpack_from(data, at)
        at += _OUTPUT.size
        frames.append((number, data[at : at + length]))
        at += length
    return frames
