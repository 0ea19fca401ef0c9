"""softswitch as a Mininet switch: a daemon in a namespace of its own, controlled through a Unix socket.

    hosts -- s1-eth1 ... s1-eth6 [ softswitch ] s1-cpu0 -- s1-cpu1   the listener, in the switch's namespace
                                       |
                                  s1.sock (P4Runtime and the bulk service)

The control plane is local to the switch, as in the paper: it runs in the switch's namespace, so clones never leave it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mininet.node import Switch

from topologies.errors import SwitchStartError
from topologies.nodes import disable_ipv6, quiet_interface, run_quietly
from topologies.processes import end, spawn_in

CPU_PORT = 510


class SoftSwitch(Switch):  # type: ignore[misc]
    """One softswitch process.

    program: P4 source to start with; None: start without a pipeline, which is then installed through P4Runtime.
    directory: the run folder (socket, log, ready file).
    options: further flags of `softswitch run`.
    After `start`: `address` is the gRPC address, `cpu_interface` the interface on which clones and packets to the CPU
    port arrive, `process` the daemon.
    """

    wants_directory = True
    target = "softswitch"

    def __init__(
        self,
        name: str,
        *,
        directory: Any,
        program: Path | None = None,
        options: Sequence[str] = (),
        ready_timeout_s: float = 90.0,
        **params: Any,
    ) -> None:
        super().__init__(name, **{**params, "inNamespace": True})
        self.controlIntf = None
        self._directory = directory
        self._program = program
        self._options = tuple(options)
        self._ready_timeout_s = ready_timeout_s
        self.process: subprocess.Popen[bytes] | None = None
        self.address = f"unix:{directory.path / name}.sock"
        self.cpu_interface = f"{name}-cpu1"
        self.log: Path = directory.path / f"{name}.log"
        disable_ipv6(self)

    def command(self, ready_file: Path) -> list[str]:
        """The daemon's command line."""
        argv = [sys.executable, "-m", "softswitch", "run"]
        argv.append("--no-p4" if self._program is None else str(self._program))
        for port, interface in sorted(self.intfs.items()):
            if interface.name != "lo":
                argv += ["-i", f"{port}@{interface.name}"]
        argv += ["--cpu-port", str(CPU_PORT), "--cpu-interface", f"{self.name}-cpu0"]
        argv += ["--grpc-server-addr", self.address, "--ready-file", str(ready_file)]
        return [*argv, *self._options]

    def start(self, _controllers: list[Any]) -> None:
        """Starts the daemon and waits until it forwards. Raises SwitchStartError."""
        inner, outer = f"{self.name}-cpu0", self.cpu_interface
        run_quietly(self, f"ip link add {inner} type veth peer name {outer}")
        for interface in (inner, outer):
            quiet_interface(self, interface)
            run_quietly(self, f"ip link set {interface} up")
        ready_file = self._directory.path / f"{self.name}.ready"
        self.process = spawn_in(self.pid, self.command(ready_file), log=self.log, death_signal="TERM")
        self._directory.record(f"{self.name} daemon", self.process.pid)
        deadline = time.monotonic() + self._ready_timeout_s
        while not ready_file.exists():
            code = self.process.poll()
            if code is not None:
                raise SwitchStartError(self.name, f"ended with code {code} instead of starting", self.log)
            if time.monotonic() > deadline:
                raise SwitchStartError(self.name, f"was not ready after {self._ready_timeout_s:g} s", self.log)
            time.sleep(0.01)

    def check(self) -> None:
        """Raises SwitchStartError if the daemon has died."""
        if self.process is not None and (code := self.process.poll()) is not None:
            raise SwitchStartError(self.name, f"ended with code {code} during the run", self.log)

    def stop(self, deleteIntfs: bool = True) -> None:
        if self.process is not None:
            end(self.process)
            self.process = None
        super().stop(deleteIntfs)
