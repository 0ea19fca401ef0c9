"""`state4 reconfigure` for one switch of a rollout: runs where the switch's CPU port is, and returns its output."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from state4.errors import State4Error
from state4.rollout.file import SwitchChange

_MAX_MESSAGE_CHARACTERS = 2000
_END_WITHIN_S = 30.0


class ChangeFailed(State4Error):
    """A command for a switch failed; the message is the command's own. `output`: its JSON, if the program was changed
    nevertheless."""

    def __init__(self, why: str, output: dict[str, Any] | None = None) -> None:
        super().__init__(why)
        self.output = output


@dataclass(frozen=True)
class Planned:
    """The dry run of a switch before anything is changed. `running`: the switch already runs the new program."""

    running: bool
    output: dict[str, Any]


class Commands:
    """Runs commands for switches. `cancel` may be called from a signal handler."""

    def __init__(self, inherited: int) -> None:
        """`inherited`: a file descriptor that every command keeps open while it runs."""
        self._inherited = inherited
        self._running: set[subprocess.Popen[bytes]] = set()
        self._cancelled = False
        self._guard = threading.RLock()  # a signal handler may interrupt the main thread while it holds this

    def plan(self, switch: SwitchChange) -> Planned:
        """Runs a dry run. Raises ChangeFailed."""
        output = self._run(switch, ["reconfigure", *switch.arguments, "--dry-run"])
        return Planned(bool(output["running"]), output)

    def change(self, switch: SwitchChange) -> dict[str, Any]:
        """Changes the program; returns the outcome. Raises ChangeFailed."""
        return self._run(switch, ["reconfigure", *switch.arguments])

    def load_entries(self, switch: SwitchChange) -> None:
        """Writes the missing entries of its entries file to a switch that already runs the new program; register cells
        are left out, because packets have written them since. Raises ChangeFailed."""
        if switch.entries is None:
            return
        command = ["entries", "load", str(switch.entries), "--without-cells", "--target", switch.target]
        command += ["--device-id", str(switch.device_id), *(["--role", switch.role] if switch.role is not None else [])]
        self._run(switch, command, is_json=False)

    def cancel(self) -> None:
        """Sends Ctrl-C to every command: before COMMIT it leaves the switch unchanged, after COMMIT it completes."""
        with self._guard:
            self._cancelled = True
            for process in self._running:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)

    def _run(self, switch: SwitchChange, arguments: Sequence[str], *, is_json: bool = True) -> dict[str, Any]:
        command = switch.command or (sys.executable, "-m", "state4")
        process = self._start([*switch.via, *command, *arguments])
        try:
            out, err = self._wait(process, switch.timeout_s)
        finally:
            with self._guard:
                self._running.discard(process)
        output = _parsed(out) if is_json else {}
        if process.returncode != 0 or output is None:
            why = err.decode(errors="replace").strip() or f"it ended with code {process.returncode} and no message"
            if output:
                why = _differences(output) or why
            raise ChangeFailed(why[-_MAX_MESSAGE_CHARACTERS:], output or None)
        return output

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._guard:
            if self._cancelled:
                raise ChangeFailed("cancelled before it was started")
            os.set_inheritable(self._inherited, True)
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=(self._inherited,),
                    start_new_session=True,  # the terminal's Ctrl-C arrives once, through `cancel`
                )
            except OSError as error:
                raise ChangeFailed(f"{argv[0]}: {error.strerror}") from None
            self._running.add(process)
            return process

    def _wait(self, process: subprocess.Popen[bytes], timeout_s: float) -> tuple[bytes, bytes]:
        try:
            return process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        return out, err + f"\nit took longer than {timeout_s:g} s and was cancelled".encode()


def _parsed(out: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(out)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _differences(output: dict[str, Any]) -> str:
    verified = output.get("verified") or {}
    count = sum((verified.get("differing") or {}).values())
    return f"the new program's state differs from the old one's: {count:,} differences" if count else ""
