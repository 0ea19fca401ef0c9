"""Clients without an election id: those of bmv2's Thrift services, which know neither roles nor primaries.

They share the lock of P4Runtime clients: each of their requests happens before or after a Write, never in between; they
wait while a change of programs is in its last step, and their writes are recorded for it. Objects that a role has
exclusively are not accessible to them, and the only saved program that they can commit is their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from finsy.proto import p4r

from softswitch.server.device.device import Device
from softswitch.server.device.roles import object_id
from softswitch.server.errors import Code, Refused
from softswitch.server.program.config import Config


class Unelected:
    """All such clients of one device. Methods raise Refused."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._saved: Config | None = None

    @contextmanager
    def reading(self) -> Iterator[Config]:
        """The program that requests address: a saved one as soon as there is one, as in simple_switch."""
        with self.device.arbitration.write_lock:
            yield self.device.target()

    @contextmanager
    def writing(self, ended: Callable[[], bool] = lambda: False) -> Iterator[Config]:
        """The same for requests that write. `ended`: whether the client has stopped waiting."""
        with self.device.arbitration.write_lock:
            self.device.changes.enter(None, None, ended)
            with self.device.digest_lock:
                yield self.device.target()

    @contextmanager
    def writing_switch(self) -> Iterator[None]:
        """For objects of the switch rather than a program: groups, sessions, ports."""
        with self.device.arbitration.write_lock:
            self.device.changes.enter(None, None)
            yield

    def note_switch(self, entity: p4r.Entity) -> None:
        """Called after a write to a group or session."""
        if self.device.active is not None:
            self.device.changes.note(self.device.active, entity)

    def write(self, config: Config, kind: p4r.Update.Type.ValueType, entity: p4r.Entity) -> None:
        """Applies one P4Runtime update; within `writing`."""
        self.check(entity)
        refused = self.device.batches.attempt(config, p4r.Update(type=kind, entity=entity))
        if refused is not None:
            raise refused
        self.note(config, entity)

    def check(self, entity: p4r.Entity) -> None:
        """Called before a write that is not a P4Runtime update."""
        kind = entity.WhichOneof("entity") or ""
        self.device.arbitration.check_common(object_id(kind, getattr(entity, kind, None)))

    def note(self, config: Config, entity: p4r.Entity) -> None:
        """Called after it, to record it for a change of programs."""
        self.device.changes.note(config, entity)

    # ---- programs ----

    def save(self, blob: bytes, ended: Callable[[], bool] = lambda: False) -> None:
        """Compiles and loads a program, which requests address from now on. Raises Refused: ABORTED while another one
        is saved."""
        self._saved = self.device.save(blob, ended)

    def commit(self) -> None:
        """Raises Refused (FAILED_PRECONDITION) if `save` has not loaded a program."""
        with self.device.arbitration.write_lock:
            self.device.changes.enter(None, None)
            if self._saved is None or self.device.saved is not self._saved:
                raise Refused(Code.FAILED_PRECONDITION, "no program was loaded")
            self.device.commit_saved()
            self._saved = None

    def reset(self) -> None:
        """Resets everything in the program to its state after loading."""
        with self.writing() as config:
            for number in (*config.index.tables, *config.index.registers, *config.index.counters, *config.index.meters):
                self.device.arbitration.check_common(number)
            with self.device.switch.safe_point():
                config.pipeline.reset()
            config.default_notes.clear()
            self.device.changes.note_all(config)
