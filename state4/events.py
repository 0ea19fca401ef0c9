"""What happened when: every phase of a reconfiguration, with monotonic time stamps.

| phase | when |
|---|---|
| reconfigure | all of it |
| listen (ring) | the data-plane listener is open; `ring`: it gets updates by shared memory |
| clone_on, clone_off | the switch clones updates from here on, until here (points) |
| read_register (component, cells) | one register is read; with a slow profile in many steps |
| read_tables (entries) | the entries are read |
| carry_tables (tables, entries) | the switch copies entries that mean the same in both programs |
| read_dirty (round, share, cells) | of precopy: the blocks that the dirty map names are read again |
| write_dirty (cells) | they are written to the new program, or kept for it |
| collect | Swing State waits for clones |
| save | VERIFY_AND_SAVE of the new program |
| write_register (component, cells) | one register is written to the new program |
| write_tables (entries) | the entries are written |
| apply_updates (updates, written) | cloned updates are written, after look-ahead |
| apply_writes (entities, cells) | concurrent writes of other controllers are applied to the new program |
| declined (number, reason) | the switch did not swap: so many tries were declined by now (points) |
| hold | the last step; `held_s`: how long packets have waited in it |
| wait (late, merged, conflicts, exact) | packets wait in the new program, from the swap on |
| commit | the swap; of reconcile with `held_s` |

A phase may come several times: a register is read again where clones were lost. One whose end has `error` was an
attempt that failed: a switch may decline to hand over or end a hold too early (`hold` and `commit` with an error, then
`declined`), and another try follows. What a phase did is said by `intervals`, which leaves such attempts out.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PHASES = (
    "reconfigure",
    "listen",
    "clone_on",
    "clone_off",
    "read_register",
    "read_tables",
    "carry_tables",
    "read_dirty",
    "write_dirty",
    "collect",
    "save",
    "write_register",
    "write_tables",
    "apply_updates",
    "apply_writes",
    "declined",
    "hold",
    "wait",
    "commit",
)


@dataclass(frozen=True)
class Event:
    """`t`: seconds of the monotonic clock; `what`: "begin", "end" or "point"; `data`: what else is known."""

    t: float
    phase: str
    what: str
    data: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"t": self.t, "phase": self.phase, "what": self.what, **self.data}


class EventLog:
    """Collects events, calls `on_event` with each in the thread that makes it, and appends them to a file."""

    def __init__(
        self,
        *,
        path: Path | None = None,
        on_event: Callable[[Event], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.events: list[Event] = []
        self.path = path
        self.on_event = on_event
        self._clock = clock
        self._committed = False
        self._lock = threading.Lock()
        self._cancelled = False

    def record(self, phase: str, what: str = "point", **data: Any) -> Event:
        event = Event(self._clock(), phase, what, data)
        with self._lock:
            self.events.append(event)
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps(event.as_dict()) + "\n")
        if self.on_event is not None:
            self.on_event(event)
        if (phase, what) == ("commit", "end") and "error" not in data:
            self._committed = True
        self.check()
        return event

    def cancel(self) -> None:
        """From the next event or `check` on, until COMMIT is done, everything ends with KeyboardInterrupt, once."""
        self._cancelled = True

    def check(self) -> None:
        """Raises KeyboardInterrupt if `cancel` was called before COMMIT."""
        if self._cancelled and not self._committed:
            self._cancelled = False
            raise KeyboardInterrupt

    @contextmanager
    def phase(self, name: str, **data: Any) -> Iterator[dict[str, Any]]:
        """Records begin and end; the caller may add to the dictionary what the end event shall say. An exception is
        recorded as `error`."""
        self.record(name, "begin", **data)
        result: dict[str, Any] = dict(data)
        try:
            yield result
        except BaseException as error:
            result["error"] = str(error) or type(error).__name__
            raise
        finally:
            self.record(name, "end", **result)

    def intervals(self, phase: str) -> list[tuple[float, float]]:
        """(begin, end) in s of each time that the phase was completed, in order; a point begins and ends at once."""
        found: list[tuple[float, float]] = []
        begun: dict[Any, float] = {}
        for event in self.events:
            key = event.data.get("component")
            if event.phase != phase:
                continue
            if event.what == "begin":
                begun[key] = event.t
            elif event.what == "point":
                found.append((event.t, event.t))
            elif key in begun:
                begin = begun.pop(key)
                if "error" not in event.data:
                    found.append((begin, event.t))
        return sorted(found)

    def span(self, phase: str) -> tuple[float, float] | None:
        """First begin and last end of a phase in s; None if it was never completed."""
        found = self.intervals(phase)
        return (found[0][0], max(end for _, end in found)) if found else None
