"""Runs programs in the namespace of a Mininet node."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from topologies.errors import NetworkError, ToolMissingError
from topologies.priority import preferred
from topologies.rundir import RunDirectory


def require_tools() -> None:
    """Raises ToolMissingError for the first missing system program."""
    packages = {"mnexec": "mininet", "ip": "iproute2", "ethtool": "ethtool", "setpriv": "util-linux"}
    for tool, package in packages.items():
        if shutil.which(tool) is None:
            raise ToolMissingError(tool, package)


def require_namespaces() -> None:
    """Raises NetworkError if namespaces cannot be created, for which Mininet itself would wait forever."""
    done = subprocess.run(["mnexec", "-n", "true"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NetworkError(
            f"network namespaces cannot be created here ({done.stderr.strip() or 'mnexec failed'}); "
            "a container must be privileged, and its root a mount point"
        )


def run_in(pid: int, argv: Sequence[str], *, timeout_s: float = 20.0) -> str:
    """Runs a program to completion in the network namespace of process `pid`; returns its output.

    Raises NetworkError with the program's message if it fails or takes longer than `timeout_s`.
    """
    command = ["mnexec", "-a", str(pid), *argv]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise NetworkError(f"`{' '.join(argv)}` took longer than {timeout_s:g} s") from None
    if done.returncode != 0:
        message = (done.stderr or done.stdout).strip()
        raise NetworkError(f"`{' '.join(argv)}` failed with code {done.returncode}: {message}")
    return done.stdout


def spawn_in(
    pid: int,
    argv: Sequence[str],
    *,
    log: Path,
    stdin: int | IO[Any] | None = subprocess.DEVNULL,
    stdout: int | IO[Any] | None = None,
    env: dict[str, str] | None = None,
    death_signal: str = "KILL",
    nice: int = 0,
) -> subprocess.Popen[bytes]:
    """Starts a program in the network namespace of process `pid`, in a session of its own whose nice value is ours plus
    `nice`.

    The kernel sends it `death_signal` when the *thread* that started it ends, so start it from one that lives long
    enough. `env` is added to our environment; the program's output goes to `log`, except stdout if `stdout` is given.
    """
    with log.open("ab") as file:
        return subprocess.Popen(
            ["mnexec", "-da", str(pid), "setpriv", "--pdeathsig", death_signal, *preferred(argv, nice=nice)],
            stdin=stdin,
            stdout=file if stdout is None else stdout,
            stderr=file,
            env=None if env is None else {**os.environ, **env},
        )


class Helpers:
    """The processes that run alongside the nodes of one network, and end with it.

    They run in sessions of their own, so Ctrl-C reaches only us, and we end them in order.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def spawn(
        self,
        name: str,
        pid: int,
        argv: Sequence[str],
        *,
        log: Path | None = None,
        stdin: int | IO[Any] | None = subprocess.DEVNULL,
        stdout: int | IO[Any] | None = None,
        env: dict[str, str] | None = None,
        nice: int = 0,
    ) -> subprocess.Popen[bytes]:
        """Starts a program in the network namespace of process `pid`; `nice` is added to our session's nice value.

        Its output goes to `log` (default: `<name>.log` in the run folder) unless `stdout` is given.
        """
        if name in self._running:
            raise NetworkError(f"a helper named {name} is already running")
        process = spawn_in(pid, argv, log=log or self.log(name), stdin=stdin, stdout=stdout, env=env, nice=nice)
        self._running[name] = process
        self._directory.record(name, process.pid)
        return process

    def log(self, name: str) -> Path:
        """The default log of a helper, used unless `spawn` is given another."""
        return self._directory.path / f"{name}.log"

    def stop(self, name: str, *, patience_s: float = 5.0) -> int | None:
        """Ends one helper: closes its input, then SIGTERM, then SIGKILL. Returns its exit code, None if unknown."""
        process = self._running.pop(name, None)
        if process is None:
            return None
        return end(process, patience_s=patience_s)

    def stop_all(self) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)


def end(process: subprocess.Popen[bytes], *, patience_s: float = 5.0) -> int:
    """Ends a process of ours, by force if necessary, and reaps it."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience_s)
    if process.stdout is not None:
        process.stdout.close()
    return process.wait()
