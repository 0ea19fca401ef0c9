"""The runner's side of the control process: sends commands as JSON lines, receives answers and live events."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from experiments.control.errors import ControlError
from experiments.traffic.armed import ArmedProcess
from topologies.network import RunningNetwork

Event = dict[str, Any]


class ControlProcess:
    """`experiments.control.agent` in the namespace of a switch.

    Commands wait for their answer, except `begin`, which returns at once: the events of a reconfiguration arrive
    through `on_event`, in a thread of ours and within a millisecond, and `wait` returns its result.
    """

    def __init__(
        self, network: RunningNetwork, switch: str, *, address: str, cpu_interface: str, target: str = "softswitch"
    ) -> None:
        argv = [sys.executable, "-m", "experiments.control.agent", "--target", target]
        argv += ["--address", address, "--cpu-interface", cpu_interface]
        self._process = ArmedProcess(network, switch, f"control-{switch}", argv)
        self._ready = False
        self._thread: threading.Thread | None = None
        self._answer: dict[str, Any] | ControlError | None = None
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] | None = None

    @classmethod
    def of_switch(cls, network: RunningNetwork, switch: str) -> ControlProcess:
        """The control process of a softswitch or bmv2 node."""
        node = network.node(switch)
        return cls(network, switch, address=node.address, cpu_interface=node.cpu_interface, target=node.target)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self) -> None:
        """Waits for the switch's first answer; later calls return at once."""
        if not self._ready:
            self._process.wait_ready(60.0)
            self._ready = True

    def call(self, command: str, arguments: Mapping[str, Any] | None = None, *, timeout_s: float = 60.0) -> Any:
        """Executes a command and returns its result. Raises ControlError, TrafficError."""
        self.begin(command, arguments)
        return self.wait(timeout_s)

    def begin(self, command: str, arguments: Mapping[str, Any] | None = None, *, timeout_s: float = 600.0) -> None:
        if self._thread is not None:
            raise ControlError("the control process is still busy with the previous command")
        self._answer = None
        self._process.command(json.dumps({"do": command, **(arguments or {})}))
        self._thread = threading.Thread(target=self._read, args=(timeout_s,), daemon=True)
        self._thread.start()

    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self, timeout_s: float = 60.0) -> Any:
        """The result of the command that `begin` started."""
        if self._thread is None:
            raise ControlError("no command was started")
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise ControlError(f"the control process did not answer within {timeout_s:g} s")
        self._thread = None
        if isinstance(self._answer, Exception):
            raise self._answer
        assert self._answer is not None
        return self._answer["done"]

    def finish(self) -> None:
        self._process.finish()

    def _read(self, timeout_s: float) -> None:
        try:
            while True:
                message = json.loads(self._process.read_line(timeout_s))
                if "event" in message:
                    self.events.append(message["event"])
                    if self.on_event is not None:
                        self.on_event(message["event"])
                elif "error" in message:
                    self._answer = ControlError(message["error"])
                    return
                else:
                    self._answer = message
                    return
        except Exception as error:
            self._answer = ControlError(str(error))
