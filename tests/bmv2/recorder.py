"""A plugin for pytest that writes down what the tests of softswitch do with their scenes.

`STATE4_SCENES`: the file; one JSON object per scene: test, program, packets (port, frame), and whether the test touched
the switch otherwise (entries, sessions, registers), which is not recorded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.switch import scene as scenes

_running = scenes.running


class Recording:
    """A scene whose packets are recorded."""

    def __init__(self, scene: scenes.Scene) -> None:
        self._scene = scene
        self.packets: list[tuple[int, str]] = []
        self.touched = False

    def send(self, frame: bytes | str, port: int = 0) -> list[tuple[int, str]]:
        self.packets.append((port, frame if isinstance(frame, str) else frame.hex()))
        return self._scene.send(frame, port)

    def out(self, frame: bytes | str, port: int = 0) -> str:
        ((_, sent),) = self.send(frame, port)
        return sent

    def log(self) -> list[str]:
        return self._scene.log()

    def __getattr__(self, name: str) -> Any:
        self.touched = True
        return getattr(self._scene, name)


@contextmanager
def _recorded(text: str) -> Iterator[Recording]:
    with _running(text) as scene:
        recording = Recording(scene)
        yield recording
    test = os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0]
    line = {"test": test, "program": text, "packets": recording.packets, "touched": recording.touched}
    with Path(os.environ["STATE4_SCENES"]).open("a") as file:
        file.write(json.dumps(line) + "\n")


scenes.running = _recorded  # type: ignore[assignment]
