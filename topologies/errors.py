"""What can go wrong when a network is built; each message says what to do."""

from __future__ import annotations

from pathlib import Path


class NetworkError(Exception):
    """A network or a node of it could not be set up."""


class NotRootError(NetworkError):
    def __init__(self) -> None:
        super().__init__("network namespaces need root: run this with sudo")


class RunFolderError(NetworkError):
    """The folder of running networks cannot be made, or other users can change it."""


class ToolMissingError(NetworkError):
    def __init__(self, tool: str, package: str) -> None:
        super().__init__(f"`{tool}` is not installed: apt-get install --no-install-recommends {package}")


class SwitchStartError(NetworkError):
    """A switch process ended, or was not ready in time. The tail of its log is in the message."""

    def __init__(self, name: str, why: str, log: Path, lines: int = 15) -> None:
        self.log = log
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        tail = "\n".join("    " + line for line in text.splitlines()[-lines:])
        super().__init__(f"switch {name} {why}" + (f"; the end of its log:\n{tail}" if tail else "; its log is empty"))
