"""Digest lists: buffering, the cache of unacknowledged lists, time-outs (P4Runtime specification 9.8)."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from finsy.proto import p4r

from softswitch.dataplane.entries import DigestMessage
from softswitch.server.errors import Code, Refused, invalid
from softswitch.server.program.index import DigestView, P4Index

MAX_LIST_LENGTH = 1024
"""Length of a list for `max_list_size` 0."""

Undo = Callable[[], None]
Send = Callable[[p4r.StreamMessageResponse], bool]


@dataclass
class _Learning:
    """One enabled digest. `since_ns`: when it was configured; `sent`: the content of each unacknowledged list, with the
    number of ack time-outs that had passed by then."""

    view: DigestView
    config: p4r.DigestEntry.Config
    since_ns: int
    buffer: dict[tuple[int, ...], None] = field(default_factory=dict)
    first_ns: int = 0
    sent: dict[int, tuple[int, frozenset[tuple[int, ...]]]] = field(default_factory=dict)

    @property
    def list_size(self) -> int:
        if self.config.max_timeout_ns == 0:
            return 1
        return int(self.config.max_list_size) or MAX_LIST_LENGTH

    def period(self, now_ns: int) -> int:
        """Number of ack time-outs since the digest was configured."""
        return (now_ns - self.since_ns) // self.config.ack_timeout_ns if self.config.ack_timeout_ns else 0

    def forget_old(self, now_ns: int) -> None:
        """An unacknowledged list is remembered for at least one ack time-out and at most two, as in the reference
        server, which checks its lists once per time-out and forgets those that it finds a second time."""
        now = self.period(now_ns)
        self.sent = {number: item for number, item in self.sent.items() if now - item[0] < 2}

    def waiting(self, fields: tuple[int, ...]) -> bool:
        """Whether the same data is in the buffer, or was sent and not acknowledged."""
        return fields in self.buffer or any(fields in content for _, content in self.sent.values())


class Digests:
    """The digests of one forwarding config. Not thread-safe: the caller holds the device's lock."""

    def __init__(self, index: P4Index, *, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._index = index
        self._clock_ns = clock_ns
        self._enabled: dict[int, _Learning] = {}
        self._numbers = itertools.count(1)  # of lists

    @property
    def busy(self) -> bool:
        """Whether time-outs are running: `tick` is due again soon."""
        return any(e.buffer or e.sent for e in self._enabled.values())

    def write(self, kind: int, entry: p4r.DigestEntry) -> Undo:
        """INSERT enables, MODIFY changes, DELETE disables. Raises Refused."""
        view = self._index.digest(entry.digest_id)
        old = self._enabled.get(view.id)
        if kind == p4r.Update.INSERT and old is not None:
            raise Refused(Code.ALREADY_EXISTS, f"digest {view.name} is already enabled")
        if kind != p4r.Update.INSERT and old is None:
            raise Refused(Code.NOT_FOUND, f"digest {view.name} is not enabled")
        if kind == p4r.Update.DELETE:
            del self._enabled[view.id]
        else:
            config = entry.config
            if min(config.max_timeout_ns, config.max_list_size, config.ack_timeout_ns) < 0:
                raise invalid(f"digest {view.name}: time-outs and sizes cannot be negative")
            self._enabled[view.id] = _Learning(view, config, self._clock_ns())

        def undo() -> None:
            if old is None:
                self._enabled.pop(view.id, None)
            else:
                self._enabled[view.id] = old

        return undo

    def read(self, entry: p4r.DigestEntry) -> list[p4r.DigestEntry]:
        """The configuration of one digest, or of all with id 0."""
        if entry.digest_id:
            self._index.digest(entry.digest_id)
        wanted = [e for n, e in sorted(self._enabled.items()) if entry.digest_id in (0, n)]
        return [p4r.DigestEntry(digest_id=e.view.id, config=e.config) for e in wanted]

    def acknowledge(self, ack: p4r.DigestListAck) -> None:
        """Raises Refused for an id that is no digest; unknown lists are ignored."""
        if ack.digest_id not in self._index.digests:
            raise invalid(f"the program has no digest with id {ack.digest_id:#010x}")
        learning = self._enabled.get(ack.digest_id)
        if learning is not None:
            learning.sent.pop(ack.list_id, None)

    def take_over(self, old: Digests) -> None:
        """Keeps the settings of digests that both programs have, for RECONCILE_AND_COMMIT."""
        for view in self._index.digests.values():
            learning = next((e for e in old._enabled.values() if e.view.name == view.name), None)
            if learning is not None:
                self._enabled[view.id] = _Learning(view, learning.config, self._clock_ns())

    def succeed(self, old: Digests, send: Send) -> None:
        """The program of `old` is replaced: collected data is sent, and list numbers continue."""
        self._numbers = old._numbers
        old.flush(send)

    def flush(self, send: Send) -> None:
        """Sends what waits for a list to be full."""
        for learning in self._enabled.values():
            if learning.buffer:
                self._send(learning, send)

    def receive(self, message: DigestMessage, send: Send) -> None:
        """Takes one message of the data plane; sends the list once it is full."""
        learning = next((e for e in self._enabled.values() if e.view.name == message.name), None)
        if learning is None or learning.waiting(message.fields):
            return
        if not learning.buffer:
            learning.first_ns = self._clock_ns()
        learning.buffer[message.fields] = None
        if len(learning.buffer) >= learning.list_size:
            self._send(learning, send)

    def tick(self, send: Send) -> None:
        """Sends lists that have waited long enough, and forgets old ones that were never acknowledged."""
        now = self._clock_ns()
        for learning in self._enabled.values():
            if learning.buffer and now - learning.first_ns >= learning.config.max_timeout_ns:
                self._send(learning, send)
            learning.forget_old(now)

    def _send(self, learning: _Learning, send: Send) -> None:
        content, learning.buffer = learning.buffer, {}  # gone even if they cannot be encoded
        number = next(self._numbers)
        response = p4r.StreamMessageResponse()
        message = response.digest
        message.digest_id, message.list_id, message.timestamp = learning.view.id, number, time.time_ns()
        for fields in content:
            message.data.append(self._index.data.encode(learning.view.spec, iter(fields)))
        if send(response) and learning.config.ack_timeout_ns:
            learning.sent[number] = (learning.period(self._clock_ns()), frozenset(content))
