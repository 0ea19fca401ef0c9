"""Errors in building a network; each message says what to do."""

from __future__ import annotations

from pathlib import Path


class NetworkError(Exception):
    """A network or one of its nodes could not be set up."""


class NotRootError(NetworkError):
    def __init__(self) -> None:
        super().__init__("network namespaces need root: run this with sudo")


class RunFolderError(NetworkError):
    """The folder of running networks cannot be created, or other users can change it."""


class ToolMissingError(NetworkError):
    def __init__(self, tool: str, package: str) -> None:
        super().__init__(f"`{tool}` is not installed: apt-get install --no-install-recommends {package}")


class SwitchStartError(NetworkError):
    """A switch process ended or was not ready in time. The message includes the tail of its log."""

    def __init__(self, name: str, why: str, log: Path, lines: int = 15) -> None:
        self.log = log
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        tail = "\n".join("    " + line for line in text.splitlines()[-lines:])
        super().__init__(f"switch {name} {why}" + (f"; the end of its log:\n{tail}" if tail else "; its log is empty"))
