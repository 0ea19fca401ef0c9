"""Helpers that are started early and act on command, so that measurements include no start-up time."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import time
from collections.abc import Sequence
from typing import Any, Protocol

from topologies.network import RunningNetwork


class TrafficError(Exception):
    """A traffic helper failed; the message includes the end of its log."""


class OwnLossError(TrafficError):
    """A receiver lost packets in its own socket, so the measurement is not one of the switch."""


class ArmedProcess:
    """A program in a node's namespace that prints "ready" and then obeys lines on its input.

    It ends when its input is closed; its last output is one line of JSON, which `finish` returns.
    """

    def __init__(self, network: RunningNetwork, node: str, name: str, argv: Sequence[str], *, nice: int = 0) -> None:
        """`nice`: added to our session's nice value."""
        self.name = name
        self._network = network
        self._log = network.helpers.log(name)
        self._process = network.helpers.spawn(
            name, network.pid(node), argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, nice=nice
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._buffer = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        line = self.read_line(timeout_s)
        if line != "ready":
            raise TrafficError(f"{self.name}: expected `ready`, got {line!r}{self._tail()}")

    def command(self, line: str) -> None:
        """Sends one line. Raises TrafficError if the process has ended."""
        try:
            self._stdin.write(line.encode() + b"\n")
            self._stdin.flush()
        except BrokenPipeError:
            raise TrafficError(f"{self.name} ended early{self._tail()}") from None

    def read_line(self, timeout_s: float) -> str:
        """The next line that it prints. Raises TrafficError if it ends or is silent for `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._buffer:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([self._stdout], [], [], remaining)[0]:
                raise TrafficError(f"{self.name} was silent for {timeout_s:g} s{self._tail()}")
            chunk = self._stdout.read1(1 << 16)  # type: ignore[attr-defined]
            if not chunk:
                raise TrafficError(f"{self.name} ended early{self._tail()}")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    def finish(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """Closes its input, waits for its end and returns its totals. Raises TrafficError."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            rest = self._buffer
            while chunk := self._read_chunk(timeout_s):
                rest += chunk
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TrafficError(f"{self.name} did not end within {timeout_s:g} s{self._tail()}") from None
        self._network.helpers.stop(self.name)
        lines = rest.decode().strip().splitlines()
        if code != 0 or not lines:
            raise TrafficError(f"{self.name} ended with code {code}{self._tail()}")
        totals: dict[str, Any] = json.loads(lines[-1])
        return totals

    def _read_chunk(self, timeout_s: float) -> bytes:
        if not select.select([self._stdout], [], [], timeout_s)[0]:
            raise TrafficError(f"{self.name} did not end within {timeout_s:g} s{self._tail()}")
        chunk: bytes = self._stdout.read1(1 << 16)  # type: ignore[attr-defined]
        return chunk

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()[-8:] if self._log.exists() else []
        return ": " + " | ".join(lines) if lines else ""


class Armed(Protocol):
    def wait_ready(self) -> None: ...


def wait_all(*helpers: Armed) -> None:
    """Waits for helpers that were started together, in parallel."""
    for helper in helpers:
        helper.wait_ready()
