"""A folder for each running network: sockets, logs, and a record of its processes.

Nothing of a network outlives its owner: nodes are shells on a pseudo-terminal that end when it is closed, helpers have
a parent-death signal, and a namespace disappears with its last process. The record is a fallback, so that `make
clean-net` can end what is left of *our* crashed runs and nothing else: a process counts as ours only if both its id and
its start time match.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from p4front.own_files import NotOurs, own_folder
from topologies.errors import RunFolderError

_OWNER_FILE = "owner.json"


def base_folder() -> Path:
    """`/run/state4`, or a folder of this user in the temporary directory if `/run` is not writable."""
    run = Path("/run")
    return run / "state4" if os.access(run, os.W_OK) else Path(tempfile.gettempdir()) / f"state4-{os.geteuid()}"


@dataclass(frozen=True)
class ProcessId:
    """A process id that is not confused by reuse: `started` is its start time in clock ticks after boot."""

    pid: int
    started: int

    @staticmethod
    def of(pid: int) -> ProcessId | None:
        """The identity of a running process; None if there is none."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            return None
        fields = stat[stat.rindex(")") + 2 :].split()  # the command name may contain spaces and parentheses
        return None if fields[0] in "ZX" else ProcessId(pid, int(fields[19]))

    def alive(self) -> bool:
        return ProcessId.of(self.pid) == self


class RunDirectory:
    """The folder of one running network. `path` is short, so that a Unix socket in it stays under 108 bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._processes: dict[str, ProcessId] = {}

    @classmethod
    def create(cls) -> RunDirectory:
        try:
            base = own_folder(base_folder())
        except OSError as error:
            raise RunFolderError(f"cannot use the run folder: {error.filename}: {error.strerror}") from None
        directory = cls(Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=base)))
        directory._write()
        return directory

    def record(self, name: str, pid: int) -> None:
        """Records a process as ours, under a name that is unique in this run."""
        identity = ProcessId.of(pid)
        if identity is not None:
            self._processes[name] = identity
            self._write()

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def _write(self) -> None:
        owner = ProcessId.of(os.getpid())
        assert owner is not None
        content = {
            "owner": vars(owner),
            "boot": _boot_id(),
            "processes": {name: vars(identity) for name, identity in self._processes.items()},
        }
        temporary = self.path / (_OWNER_FILE + ".new")
        temporary.write_text(json.dumps(content, indent=1))
        temporary.replace(self.path / _OWNER_FILE)


@dataclass(frozen=True)
class Removed:
    """What `prune` removed of one dead run."""

    path: Path
    processes: tuple[str, ...]


def prune() -> Iterator[Removed]:
    """Ends and removes what crashed runs of ours left behind; runs whose owner is alive are not touched."""
    base = base_folder()
    if not base.is_dir():
        return
    try:
        own_folder(base)  # its records are acted upon, so it must be ours
    except NotOurs as error:
        raise RunFolderError(f"{error.filename}: {error.strerror}: nothing in it is touched") from None
    for path in sorted(base.iterdir()):
        record = path / _OWNER_FILE
        try:
            content = json.loads(record.read_text())
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
            continue  # not a run folder, or one that is just being created
        same_boot = content["boot"] == _boot_id()
        if same_boot and ProcessId(**content["owner"]).alive():
            continue
        ended = []
        if same_boot:
            for name, identity in content["processes"].items():
                if _end(ProcessId(**identity)):
                    ended.append(name)
        shutil.rmtree(path, ignore_errors=True)
        yield Removed(path, tuple(ended))


def _end(identity: ProcessId, patience_s: float = 2.0) -> bool:
    """Ends one process, first with SIGTERM. True if it was still running."""
    if not identity.alive():
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(identity.pid, number)
        deadline = time.monotonic() + patience_s
        while identity.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        if not identity.alive():
            break
    return True


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
