"""bmv2's simple_switch as a Mininet switch, controlled through Thrift. Requires an installed bmv2.

    hosts -- s1-eth1 ... s1-eth6 [ simple_switch ] s1-cpu0 -- s1-cpu1   the listener, in the switch's namespace
                                        |
                                127.0.0.1:9090 (Thrift), in the switch's namespace

As with softswitch the control plane is local to the switch. Each switch has a namespace of its own, and so its own
ports.
"""

from __future__ import annotations

import functools
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mininet.node import Switch

from state4.targets.base import CPU_PORT
from state4.targets.bmv2.program import SWITCH, missing_line, missing_tools
from topologies.errors import NetworkError, SwitchStartError
from topologies.nodes import disable_ipv6, quiet_interface, run_quietly
from topologies.processes import end, spawn_in

THRIFT_PORT = 9090
DROP_PORT = 511


class Bmv2MissingError(NetworkError):
    """simple_switch or p4c-bm2-ss is not on PATH."""


def bmv2_installed() -> bool:
    """Whether all parts of bmv2 that we use are on PATH."""
    return not missing_tools()


def require_bmv2() -> None:
    """Raises Bmv2MissingError with a one-line message that names the missing part."""
    if missing := missing_tools():
        raise Bmv2MissingError(missing_line(missing))


@functools.cache
def _has_notifications() -> bool:
    """Whether this simple_switch was built with nanomsg."""
    done = subprocess.run([SWITCH, "--help"], capture_output=True, text=True, check=False)
    return "--notifications-addr" in done.stdout + done.stderr


class Bmv2Switch(Switch):  # type: ignore[misc]
    """One simple_switch process.

    config: JSON configuration to start with; None: start without a program, which is then installed through Thrift.
    directory: the run folder (configuration, log, sockets).
    options: further options of simple_switch.
    After `start`: `address` is that of the Thrift server, `cpu_interface` the interface on which clones and packets to
    the CPU port arrive, `process` the switch.
    """

    wants_directory = True
    target = "bmv2"

    def __init__(
        self,
        name: str,
        *,
        directory: Any,
        config: str | None = None,
        options: Sequence[str] = (),
        ready_timeout_s: float = 60.0,
        **params: Any,
    ) -> None:
        super().__init__(name, **{**params, "inNamespace": True})
        self.controlIntf = None
        self._directory = directory
        self._config = config
        self._options = tuple(options)
        self._ready_timeout_s = ready_timeout_s
        self.process: subprocess.Popen[bytes] | None = None
        self.address = f"127.0.0.1:{THRIFT_PORT}"
        self.cpu_interface = f"{name}-cpu1"
        self.log: Path = directory.path / f"{name}.log"
        disable_ipv6(self)

    def command(self) -> list[str]:
        """The switch's command line. The program comes last."""
        argv = [SWITCH, "--thrift-port", str(THRIFT_PORT)]
        if _has_notifications():  # or two switches would share a socket in /tmp
            argv += ["--notifications-addr", f"ipc://{self._directory.path}/{self.name}.ipc"]
        for port, interface in sorted(self.intfs.items()):
            if interface.name != "lo":
                argv += ["-i", f"{port}@{interface.name}"]
        argv += ["-i", f"{CPU_PORT}@{self.name}-cpu0", *self._options]
        program = "--no-p4"
        if self._config is not None:
            file = self._directory.path / f"{self.name}.json"
            file.write_text(self._config)
            program = str(file)
        return [*argv, program, "--", "--enable-swap", "--drop-port", str(DROP_PORT)]

    def start(self, _controllers: list[Any]) -> None:
        """Starts the switch and waits until it answers. Raises Bmv2MissingError, SwitchStartError."""
        require_bmv2()
        run_quietly(self, "ip link set lo up")
        inner, outer = f"{self.name}-cpu0", self.cpu_interface
        run_quietly(self, f"ip link add {inner} type veth peer name {outer}")
        for interface in (inner, outer):
            quiet_interface(self, interface)
            run_quietly(self, f"ip link set {interface} up")
        self.process = spawn_in(self.pid, self.command(), log=self.log, death_signal="TERM")
        self._directory.record(f"{self.name} bmv2", self.process.pid)
        self._wait_listening()

    def check(self) -> None:
        """Raises SwitchStartError if the switch has died."""
        if self.process is not None and (code := self.process.poll()) is not None:
            raise SwitchStartError(self.name, f"ended with code {code} during the run", self.log)

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
