"""A loaded pipeline in the C runtime, and the lock that keeps it from being used while it is freed."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from softswitch.dataplane import native
from softswitch.errors import Closed

_U32_MAX = 0xFFFFFFFF


class SwitchHandle:
    """The C switch. Every call into it that is not a wait happens inside `use()`, one thread at a time."""

    def __init__(self, cpu_port: int, drop_port: int, seed: int, io_threads: int) -> None:
        self.lock = threading.RLock()
        self._takers = 0
        self._no_takers = threading.Condition(self.lock)
        self.garbage: list[int] = []  # pipelines that are no longer referenced
        self._pipelines: weakref.WeakSet[PipelineHandle] = weakref.WeakSet()
        pointer = native.library().ss_switch_create(cpu_port, drop_port, seed)
        if not pointer:
            raise native.last_error()
        status = native.library().ss_switch_set_io_threads(pointer, max(0, min(io_threads, _U32_MAX)))
        if status:
            failed = native.last_error()
            native.library().ss_switch_destroy(pointer)
            raise failed
        self.pointer: int | None = pointer

    @contextmanager
    def use(self) -> Iterator[int]:
        with self.lock:
            if self.pointer is None:
                raise Closed("the switch is closed")
            yield self.pointer

    @contextmanager
    def take(self) -> Iterator[int]:
        """For a call that waits: others go on, and closing the switch ends the wait first."""
        with self.use() as pointer:
            self._takers += 1
        try:
            yield pointer
        finally:
            with self.lock:
                self._takers -= 1
                self._no_takers.notify_all()

    def adopt(self, pipeline: PipelineHandle) -> None:
        self._pipelines.add(pipeline)
        self.sweep()

    def sweep(self) -> None:
        while self.garbage:
            native.library().ss_pipeline_unload(self.garbage.pop())

    def close(self) -> None:
        with self.lock:
            if self.pointer is None:
                return
            lib, pointer = native.library(), self.pointer
            native.check(lib.ss_switch_stop(pointer))
            self.pointer = None
            lib.ss_queues_close(pointer)
            while self._takers:
                self._no_takers.wait()
            lib.ss_pipeline_deactivate(pointer)
            for pipeline in list(self._pipelines):
                pipeline.close()
            self.sweep()
            lib.ss_switch_destroy(pointer)


class PipelineHandle:
    """The C side of one loaded pipeline; freed by `close`, by the switch, or when nothing refers to it any more."""

    def __init__(self, switch: SwitchHandle, path: str) -> None:
        self.switch = switch
        self.pointer: int | None = None
        with switch.use() as pointer:
            loaded = native.library().ss_pipeline_load(pointer, path.encode())
            if not loaded:
                raise native.last_error()
            self.pointer = loaded
            self.serial: int = native.library().ss_pipeline_serial(loaded)
            switch.adopt(self)

    @contextmanager
    def use(self) -> Iterator[int]:
        with self.switch.lock:
            if self.pointer is None:
                raise Closed("the pipeline is closed" if self.switch.pointer else "the switch is closed")
            yield self.pointer

    def close(self) -> None:
        """Frees it; does nothing the second time. Raises InUse for the pipeline that packets use."""
        with self.switch.lock:
            if self.pointer is not None:
                native.check(native.library().ss_pipeline_unload(self.pointer))
                self.pointer = None

    def __del__(self) -> None:
        pointer = getattr(self, "pointer", None)
        if pointer is not None and self.switch.pointer is not None:
            self.switch.garbage.append(pointer)  # freed with the next load: no lock is taken here
