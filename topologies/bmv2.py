"""bmv2's simple_switch as a Mininet switch, where it is installed. Entries come through its own command line tool."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mininet.node import Switch

from topologies.errors import NetworkError, SwitchStartError, ToolMissingError
from topologies.nodes import disable_ipv6, run_quietly
from topologies.processes import end, spawn_in

THRIFT_PORT = 9090  # each switch has a namespace, and so all ports, of its own
_TOOLS = ("simple_switch", "simple_switch_CLI", "p4c-bm2-ss")
_COMPLAINTS = ("error", "invalid", "unknown", "could not")


def bmv2_installed() -> bool:
    """Whether all of bmv2 that we use is on PATH."""
    return all(shutil.which(tool) for tool in _TOOLS)


class Bmv2Switch(Switch):  # type: ignore[misc]
    """One simple_switch with a program and its entries.

    commands: lines for simple_switch_CLI, e.g. of `nfs.entries.bmv2_cli`.
    """

    wants_directory = True

    def __init__(
        self,
        name: str,
        *,
        directory: Any,
        program: Path,
        commands: Sequence[str] = (),
        ready_timeout_s: float = 60.0,
        **params: Any,
    ) -> None:
        super().__init__(name, **{**params, "inNamespace": True})
        self.controlIntf = None
        self._directory = directory
        self._program = program
        self._commands = tuple(commands)
        self._ready_timeout_s = ready_timeout_s
        self.process: subprocess.Popen[bytes] | None = None
        self.log: Path = directory.path / f"{name}.log"
        disable_ipv6(self)

    def start(self, _controllers: list[Any]) -> None:
        """Compiles the program, starts the switch, writes the entries. Raises NetworkError and its kinds."""
        if not bmv2_installed():
            raise ToolMissingError(
                "simple_switch", "p4lang-bmv2 p4lang-p4c  # from the p4lang project's own repository"
            )
        json = self._directory.path / f"{self.name}.json"
        compile_with = ["p4c-bm2-ss", "--arch", "v1model", "-o", str(json), str(self._program)]
        done = subprocess.run(compile_with, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NetworkError(f"p4c-bm2-ss refused {self._program}: {done.stderr.strip()}")
        run_quietly(self, "ip link set lo up")
        argv = ["simple_switch", "--thrift-port", str(THRIFT_PORT)]
        argv += ["--notifications-addr", f"ipc://{self._directory.path}/{self.name}.ipc"]
        for port, interface in sorted(self.intfs.items()):
            if interface.name != "lo":
                argv += ["-i", f"{port}@{interface.name}"]
        self.process = spawn_in(self.pid, [*argv, str(json)], log=self.log, death_signal="TERM")
        self._directory.record(f"{self.name} bmv2", self.process.pid)
        self._wait_listening()
        self.configure(self._commands)

    def configure(self, commands: Sequence[str]) -> None:
        """Gives lines to simple_switch_CLI. Raises NetworkError with what it complains about."""
        cli = ["mnexec", "-a", str(self.pid), "simple_switch_CLI", "--thrift-port", str(THRIFT_PORT)]
        text = "\n".join(commands) + "\n"
        done = subprocess.run(cli, input=text, capture_output=True, text=True, check=False, timeout=60)
        complaints = [line for line in done.stdout.splitlines() if line.lower().startswith(_COMPLAINTS)]
        if done.returncode != 0 or complaints:
            raise NetworkError(f"simple_switch_CLI: {complaints[0] if complaints else done.stderr.strip()}")

    def stop(self, deleteIntfs: bool = True) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None
        super().stop(deleteIntfs)

    def _wait_listening(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + self._ready_timeout_s
        while True:
            code = self.process.poll()
            if code is not None:
                raise SwitchStartError(self.name, f"ended with code {code} instead of starting", self.log)
            tables = [Path(f"/proc/{self.process.pid}/net/{name}") for name in ("tcp", "tcp6")]
            sockets = [line for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
            if any(f":{THRIFT_PORT:04X} " in line and line.split()[3] == "0A" for line in sockets):
                return
            if time.monotonic() > deadline:
                raise SwitchStartError(self.name, f"was not ready after {self._ready_timeout_s:g} s", self.log)
            time.sleep(0.05)
