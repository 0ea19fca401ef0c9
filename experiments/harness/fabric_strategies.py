"""Ways to change one spine of a fabric: those of `state4.strategies`, and others that need the network.

`drain` is what was done before State4: by HULA's own probes the spine reports that it is full, then lets no probes
pass, so that every flowlet takes another path; when traffic has ceased, the program is changed, without its state, and
the probes come back. A flow that never pauses starts no new flowlet, and stays: a drain waits at most `MAX_DRAIN_S`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.harness.fabric_lab import PROBE_S, FabricLab
from experiments.harness.fabric_swing import SWING, swing
from topologies.leaf_spine_entries import full_load_entries, no_probe_entries

DRAIN = "drain"
MAX_DRAIN_S = 3.0
"""Longer than HULA takes to forget a path (1 s), and than a burst with its pause."""
_QUIET_S = 0.4
_QUIET_BYTES = 1500
"""Traffic within `_QUIET_S` that is only a few probes, and no flow."""


@dataclass
class SpineChange:
    """The change of one spine's program, in its own thread. The spine's control process must be armed (`arm_spine`).
    `profile`, `program` and `on_window` are for Swing State (`fabric_swing.swing`). After `end`: `begun` and `ended` in
    s of the monotonic clock."""

    lab: FabricLab
    spine: str
    strategy: str
    entries: str
    profile: str = "paper"
    program: Path | None = None
    on_window: Callable[[], None] = lambda: None
    begun: float = 0.0
    ended: float = 0.0
    _outcome: dict[str, Any] = field(default_factory=dict)
    _error: BaseException | None = None
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Starts the change; returns at once."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """Waits for the outcome. Raises what the change raised."""
        assert self._thread is not None
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError(f"the change of {self.spine} did not end within {timeout_s:g} s")
        if self._error is not None:
            raise self._error
        return self._outcome

    def _run(self) -> None:
        self.begun = time.monotonic()
        try:
            actions = {DRAIN: self._drained, SWING: self._swung}
            self._outcome = actions.get(self.strategy, self._reconfigured)()
        except BaseException as error:
            self._error = error
        self.ended = time.monotonic()

    def _reconfigured(self) -> dict[str, Any]:
        outcome: dict[str, Any] = self.lab.control[self.spine].call("reconfigure")
        return outcome

    def _swung(self) -> dict[str, Any]:
        assert self.program is not None
        neighbour = next(name for name in self.lab.fabric.spine_names if name != self.spine)
        return swing(
            self.lab,
            self.spine,
            neighbour,
            program=self.program,
            entries=self.entries,
            profile=self.profile,
            on_window=self.on_window,
        )

    def _drained(self) -> dict[str, Any]:
        control, fabric = self.lab.control[self.spine], self.lab.fabric
        control.call("load_entries", {"entries": str(self._file("full", full_load_entries(fabric)))})
        time.sleep(3 * PROBE_S)
        control.call("load_entries", {"entries": str(self._file("no-probes", no_probe_entries(fabric)))})
        quiet_after = self._wait_quiet(self._received_bytes)
        outcome = self._reconfigured()
        file = self._file("own", self.entries)
        control.call("write_entries", {"entries": str(file), "left_out_groups": []})
        return {**outcome, "quiet_after_s": quiet_after}

    def _wait_quiet(self, received: Callable[[], int]) -> float | None:
        """Seconds until traffic has nearly ceased; None if it still continues after `MAX_DRAIN_S`."""
        begun = time.monotonic()
        before = received()
        while time.monotonic() < begun + MAX_DRAIN_S:
            time.sleep(_QUIET_S)
            now = received()
            if now - before < _QUIET_BYTES:
                return time.monotonic() - begun
            before = now
        return None

    def _received_bytes(self) -> int:
        """Bytes received by the spine's ports to the leaves, by the kernel's counters."""
        lines = Path(f"/proc/{self.lab.network.pid(self.spine)}/net/dev").read_text(encoding="utf-8").splitlines()
        ports = [line.split(":") for line in lines if f"{self.spine}-eth" in line]
        return sum(int(counts.split()[0]) for _, counts in ports)

    def _file(self, name: str, text: str) -> Path:
        path = self.lab.network.directory.path / f"{self.spine}-{name}.toml"
        path.write_text(text)
        return path


def arm_spine(lab: FabricLab, spine: str, strategy: str, profile: str, program: Path) -> None:
    """Prepares the spine's control process to begin at once."""
    if strategy == SWING:
        lab.control[spine].call("verify", {"program": str(program)})
        return
    nothing = lab.network.directory.path / "nothing.toml"
    nothing.write_text("")
    lab.control[spine].call(
        "prepare",
        {
            "strategy": "none" if strategy == DRAIN else strategy,
            "profile": profile,
            "program": str(program),
            "entries": str(nothing),
            "components": None,
        },
    )
