"""What a rollout has done, on disk before and after every step, so that it can be continued from any moment."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from state4.errors import State4Error

VERSION = 1


class RecordError(State4Error):
    """The record of a rollout cannot be used as asked."""


class Step(str, Enum):
    """What is known of a switch. WAITING: untouched. CHANGING: its change was begun, and nothing is known of its end.
    DONE: it runs the new program. FAILED: its change ended with an error, or it runs the new program with state that
    is not what it should be."""

    WAITING = "waiting"
    CHANGING = "changing"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Entry:
    """`why`: of a failure, or what else is to be known; `outcome`: what `state4 reconfigure --json` said."""

    step: Step = Step.WAITING
    why: str = ""
    outcome: Mapping[str, Any] = field(default_factory=dict)


class Record:
    """The record in a file. Each change of it is on disk when the call returns, whole."""

    def __init__(self, path: Path, fingerprint: str, entries: dict[str, Entry]) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self.entries = entries

    @classmethod
    def new(cls, path: Path, fingerprint: str, names: list[str]) -> Record:
        """Writes a record in which nothing has been done."""
        record = cls(path, fingerprint, {name: Entry() for name in names})
        record._write()
        return record

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """None where there is none. Raises RecordError for a file that is none."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["version"] != VERSION:
                raise RecordError(f"{path} is the record of another version of State4 ({content['version']})")
            entries = {name: Entry(Step(e["step"]), e["why"], e["outcome"]) for name, e in content["switches"].items()}
            return cls(path, content["fingerprint"], entries)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RecordError(f"{path} is no record of a rollout; name another one with --record") from None

    @property
    def finished(self) -> bool:
        return all(entry.step is Step.DONE for entry in self.entries.values())

    def is_of(self, fingerprint: str) -> bool:
        return self._fingerprint == fingerprint

    def put(self, name: str, step: Step, why: str = "", outcome: Mapping[str, Any] | None = None) -> None:
        self.entries[name] = Entry(step, why, outcome or {})
        self._write()

    def as_dict(self) -> dict[str, Any]:
        switches = {name: {**asdict(entry), "step": entry.step.value} for name, entry in self.entries.items()}
        return {"version": VERSION, "fingerprint": self._fingerprint, "switches": switches}

    def _write(self) -> None:
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(self.as_dict(), file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """Only one rollout at a time uses a record. The descriptor is for its child processes to inherit: the lock lasts as
    long as one of them, so a change whose rollout was killed is over before another begins. Raises RecordError."""
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RecordError(f"{path}: this rollout, or a change that it started, is still running") from None
        yield descriptor
    finally:
        os.close(descriptor)
