"""Digests for Thrift's clients: bmv2's learn lists, which are sent as notifications and acknowledged by calls.

A list collects samples until it has so many, or until the first has waited so long (16, and a second, unless set), and
is sent then as one buffer. A sample that was sent is not sent again until its buffer, or it in its buffer, is
acknowledged, or the state is reset; beyond MAX_UNACKNOWLEDGED the oldest buffers are forgotten.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakKeyDictionary

from softswitch.dataplane.entries import DigestMessage
from softswitch.server.program.config import Config

MAX_SAMPLES, TIMEOUT_MS = 16, 1000
"""bmv2's, until a client sets others."""
MAX_UNACKNOWLEDGED = 1 << 16
_HEAD = struct.Struct("<4sQiiQi")
_TOPIC = b"LEA|"
_CONTEXT = 0
Sample = bytes


@dataclass
class _List:
    """`number`: as clients name it, from 1 on. `sent`: by buffer, the samples that wait for an acknowledgement, each
    at its place."""

    number: int
    max_samples: int = MAX_SAMPLES
    timeout_ms: int = TIMEOUT_MS
    buffer: list[Sample] = field(default_factory=list)
    first_ns: int = 0
    next_buffer: int = 0
    sent: dict[int, dict[int, Sample]] = field(default_factory=dict)
    known: set[Sample] = field(default_factory=set)

    @property
    def full(self) -> bool:
        return bool(self.buffer) and len(self.buffer) >= self.max_samples

    def due_ns(self) -> int | None:
        """When the buffer is to be sent though it is not full; None: never, or there is nothing in it."""
        return self.first_ns + self.timeout_ms * 1_000_000 if self.buffer and self.timeout_ms else None

    def take(self) -> tuple[int, list[Sample]]:
        """The buffer's number and samples."""
        number, samples = self.next_buffer, self.buffer
        self.sent[number] = dict(enumerate(samples))
        self.next_buffer, self.buffer = number + 1, []
        while len(self.known) > MAX_UNACKNOWLEDGED and self.sent:
            self.forget(next(iter(self.sent)))
        return number, samples

    def forget(self, buffer: int, places: Sequence[int] | None = None) -> None:
        """Unknown ones are ignored, as by bmv2."""
        samples = self.sent.get(buffer, {})
        for place in list(samples) if places is None else places:
            self.known.discard(samples.pop(place, b""))
        if not samples:
            self.sent.pop(buffer, None)


class Outlet(Protocol):
    """What takes the messages. `wake` has `tick` called soon."""

    @property
    def subscribed(self) -> bool: ...
    def send(self, message: bytes) -> None: ...
    def wake(self) -> None: ...


class LearnLists:
    """Those of all programs of a device. While nobody has subscribed, nothing is collected."""

    def __init__(self, device_id: int, outlet: Outlet, *, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._device_id = device_id
        self._outlet = outlet
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._lists: WeakKeyDictionary[Config, list[_List]] = WeakKeyDictionary()

    def hear(self, message: DigestMessage, config: Config) -> None:
        """A digest of the data plane."""
        if not self._outlet.subscribed:
            return
        fields = config.compiled.info.digests[message.digest].fields
        values = zip(message.fields, fields, strict=True)
        sample = b"".join(value.to_bytes(max(1, -(-width // 8)), "big") for value, (_, width) in values)
        with self._lock:
            one = self._of(config)[message.digest]
            if sample in one.known:
                return
            one.known.add(sample)
            one.buffer.append(sample)
            if one.full:
                self._transmit(one)
            elif len(one.buffer) == 1:
                one.first_ns = self._clock_ns()
                self._outlet.wake()

    def tick(self) -> float | None:
        """Sends what has waited long enough; the seconds until something else has, None: nothing waits."""
        with self._lock:
            now, waits = self._clock_ns(), []
            for one in [one for lists in self._lists.values() for one in lists]:
                due = one.due_ns()
                if due is not None and due <= now:
                    self._transmit(one)
                elif due is not None:
                    waits.append((due - now) / 1e9)
        return min(waits, default=None)

    def acknowledge(self, config: Config, number: int, buffer: int, places: Sequence[int] | None = None) -> None:
        """`places`: of samples in the buffer; None: all."""
        with self._lock:
            self._of(config)[number - 1].forget(buffer, places)

    def set_timeout(self, config: Config, number: int, timeout_ms: int) -> None:
        """0: none."""
        with self._lock:
            self._of(config)[number - 1].timeout_ms = timeout_ms

    def set_max_samples(self, config: Config, number: int, samples: int) -> None:
        with self._lock:
            one = self._of(config)[number - 1]
            one.max_samples = min(samples, MAX_UNACKNOWLEDGED)
            if one.full:
                self._transmit(one)

    def reset(self, config: Config) -> None:
        """What is in buffers is gone, and all may be sent again; settings stay."""
        with self._lock:
            for one in self._of(config):
                one.buffer.clear()
                one.sent.clear()
                one.known.clear()

    def _of(self, config: Config) -> list[_List]:
        count = len(config.compiled.info.digests)
        return self._lists.setdefault(config, [_List(number + 1) for number in range(count)])

    def _transmit(self, one: _List) -> None:
        buffer, samples = one.take()
        head = _HEAD.pack(_TOPIC, self._device_id, _CONTEXT, one.number, buffer, len(samples))
        self._outlet.send(head + b"".join(samples))
