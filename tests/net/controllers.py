"""Controllers that meet with an accident: processes of their own, forked from one that has everything loaded.

line in:    {"strategy": "state4", "program": "a.p4", "at": ["commit", "begin"], "accident": "kill", ...}
lines out:  {"pid": 4711}   {"outcome": {...}} or {"error": "..."}   {"status": -9}
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from finsy.proto import p4r

from state4.cancel import cancellable
from state4.cim import Track
from state4.errors import State4Error
from state4.events import Event, EventLog
from state4.programs import InstalledProgram, PrepareOptions, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.p4runtime.target import P4RuntimeTarget


@dataclass
class Ended:
    """How a controller ended. `status`: exit code, or minus the signal; `points`: phases that it passed."""

    status: int = 0
    outcome: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    points: list[tuple[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


class Controllers:
    """Starts controllers in a namespace, one after the other."""

    def __init__(self, namespace: str, address: str, interface: str, programs: list[Path]) -> None:
        argv = ["ip", "netns", "exec", namespace, sys.executable, "-m", "tests.net.controllers"]
        argv += [address, interface, *map(str, programs)]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.wait_ready = self._read

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the controllers' process ended"
        found: dict[str, Any] = json.loads(line)
        return found

    def run(
        self,
        strategy: str,
        program: str,
        *,
        at: tuple[str, str] = ("", ""),
        accident: str = "",
        ring: bool = True,
        on_pid: Callable[[int], None] | None = None,
    ) -> Ended:
        """One reconfiguration. `accident`: what happens at a phase: kill, stop, interrupt or down; or what is wrong
        from the beginning: broken (the program) or refused (an entry). `ring`: updates may come by shared memory.
        `on_pid` gets the process's id at once."""
        job = {"strategy": strategy, "program": program, "at": at, "accident": accident, "ring": ring}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        ended = Ended()
        while "status" not in (answer := self._read()):
            if "pid" in answer and on_pid is not None:
                on_pid(answer["pid"])
            ended.outcome = answer.get("outcome", ended.outcome)
            ended.error = answer.get("error", ended.error)
            ended.events = answer.get("events", ended.events)
        ended.points = [(event["phase"], event["what"]) for event in ended.events]
        ended.status = answer["status"]
        return ended

    def __enter__(self) -> Controllers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


# ---------------------------------------------------------------- in the process


def _tell(message: dict[str, Any]) -> None:
    os.write(1, (json.dumps(message) + "\n").encode())


def _accident(kind: str, interface: str) -> None:
    if kind == "down":
        subprocess.run(("ip", "link", "set", interface, "down"), check=True)
        return
    os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "interrupt": signal.SIGINT}[kind])
    time.sleep(0.001)  # a signal of ours is handled between two lines of Python


def _controller(address: str, interface: str, programs: dict[str, InstalledProgram], job: dict[str, Any]) -> None:
    kind, (phase, what) = job["accident"], job["at"]
    program = programs[job["program"]]
    entries: list[p4r.Update] = []
    if kind == "broken":
        program = replace(program, text=program.text + "\nthis is no program\n")
    if kind == "refused":
        entries = [p4r.Update(type=p4r.Update.INSERT)]
        entries[0].entity.table_entry.table_id = program.p4info.tables[0].preamble.id  # no match, no action
    pending = [True]

    def on_event(event: Event) -> None:
        if pending and (event.phase, event.what) == (phase, what):
            pending.clear()
            _accident(kind, interface)

    events = EventLog(on_event=on_event)
    try:
        with cancellable(events):
            target = P4RuntimeTarget(address, cpu_interface=interface, update_ring=job["ring"])
            context = prepare(target, program, entries=entries, allow_loss=True, events=events)
            outcome = reconfigure(load_strategy(job["strategy"]), context)
        _tell({"outcome": outcome.as_dict(), "events": [event.as_dict() for event in events.events]})
    except (State4Error, KeyboardInterrupt) as error:
        _tell({"error": f"{type(error).__name__}: {error}"})


def main() -> None:
    address, interface, *files = sys.argv[1:]
    programs = {Path(file).name: prepare_program(Path(file), PrepareOptions(track=Track.BOTH)) for file in files}
    _tell({"ready": True})
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _tell({"pid": os.getpid()})
                _controller(address, interface, programs, json.loads(line))
                code = 0
            finally:
                os._exit(code)  # closing a connection in order takes a while
        _, status = os.waitpid(pid, 0)
        _tell({"status": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
