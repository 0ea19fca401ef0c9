"""The progress of a rollout, written to disk before and after every step, so that it can be resumed at any point."""

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
    """The record of a rollout cannot be used."""


class Step(str, Enum):
    """The state of a switch's change. WAITING: not begun. CHANGING: begun, its end unknown. DONE: the switch runs the
    new program. FAILED: the change ended with an error, or the switch runs the new program with wrong or inexact
    state."""

    WAITING = "waiting"
    CHANGING = "changing"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Entry:
    """`why`: the reason of a failure, or a remark; `outcome`: the output of `state4 reconfigure --json`."""

    step: Step = Step.WAITING
    why: str = ""
    outcome: Mapping[str, Any] = field(default_factory=dict)


class Record:
    """The record file. When a method that changes it returns, the new version is on disk, complete."""

    def __init__(self, path: Path, fingerprint: str, entries: dict[str, Entry]) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self.entries = entries

    @classmethod
    def new(cls, path: Path, fingerprint: str, names: list[str]) -> Record:
        """Writes a record in which no change has begun."""
        record = cls(path, fingerprint, {name: Entry() for name in names})
        record._write()
        return record

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """None if there is no record. Raises RecordError if the file is not a record."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["version"] != VERSION:
                raise RecordError(f"{path} is the record of another version of State4 ({content['version']})")
            entries = {name: Entry(Step(e["step"]), e["why"], e["outcome"]) for name, e in content["switches"].items()}
            return cls(path, content["fingerprint"], entries)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RecordError(f"{path} is not the record of a rollout; name another file with --record") from None

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
    """Lets only one rollout at a time use a record. Child processes inherit the descriptor, and the lock lasts as long
    as any of them, so the changes of a killed rollout are over before another begins. Raises RecordError."""
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RecordError(f"{path}: this rollout, or a change that it started, is still running") from None
        yield descriptor
    finally:
        os.close(descriptor)
