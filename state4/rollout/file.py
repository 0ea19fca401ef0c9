"""The rollout file: which switches, which programs, how, and in which order (docs/rollout.md describes its format)."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from state4.errors import State4Error

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_AT_ONCE = 64
DEFAULT_STRATEGY = "state4_exact"
DEFAULT_TIMEOUT_S = 600.0


class BadRollout(State4Error):
    """An invalid rollout file; the message has the file and the place."""


@dataclass(frozen=True)
class SwitchChange:
    """One switch and its change. `via`: a command that starts another one where the switch's CPU port is; (): run
    locally. `command`: the name of `state4` there; `timeout_s`: when a change is given up. All other fields correspond
    to the options of `state4 reconfigure`."""

    name: str
    target: str
    program: Path
    strategy: str = DEFAULT_STRATEGY
    entries: Path | None = None
    map: Path | None = None
    cpu_interface: str = ""
    cpu_port: int | None = None
    device_id: int = 1
    role: str | None = None
    control_plane: str = "native"
    track: str = ""
    only: tuple[str, ...] = ()
    include: tuple[Path, ...] = ()
    define: tuple[str, ...] = ()
    allow_loss: bool = False
    verify: bool = False
    via: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    timeout_s: float = DEFAULT_TIMEOUT_S

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.program, self.entries, self.map) if path is not None)

    @property
    def arguments(self) -> list[str]:
        """The arguments of `state4 reconfigure`."""
        found = [str(self.program), "--target", self.target, "--strategy", self.strategy, "--json"]
        found += ["--control-plane", self.control_plane, "--device-id", str(self.device_id)]
        options: dict[str, Any] = {
            "--entries": self.entries,
            "--map": self.map,
            "--cpu-interface": self.cpu_interface,
            "--cpu-port": self.cpu_port,
            "--role": self.role,
            "--track": self.track,
            "--only": ",".join(self.only),
        }
        for option, value in options.items():
            if value is not None and (value != "" or option == "--role"):
                found += [option, str(value)]
        found += [text for path in self.include for text in ("-I", str(path))]
        found += [text for define in self.define for text in ("-D", define)]
        return [*found, *(["--allow-loss"] if self.allow_loss else []), *(["--verify"] if self.verify else [])]


@dataclass(frozen=True)
class Rollout:
    """The contents of a file. `switches`: in the order of their change; `at_once`: how many are changed at a time."""

    path: Path
    switches: tuple[SwitchChange, ...]
    at_once: int = 1
    fingerprint: str = field(default="", compare=False)
    """Hash of the file and of the files that it names: if it differs, it is another rollout."""


_TEXT = {"target": str, "strategy": str, "cpu_interface": str, "role": str, "control_plane": str, "track": str}
_NUMBERS: dict[str, type] = {"cpu_port": int, "device_id": int}
_FLAGS: dict[str, type] = {"allow_loss": bool, "verify": bool}
_LISTS = ("only", "define")
_PATHS = ("program", "entries", "map")
_COMMANDS = ("via", "command")
_KEYS = (*_TEXT, *_NUMBERS, *_FLAGS, *_LISTS, *_PATHS, *_COMMANDS, "include", "timeout_s")


def load_rollout(path: Path) -> Rollout:
    """Reads a file. Raises BadRollout for an invalid one, OSError for an unreadable one."""
    raw = path.read_bytes()
    try:
        content = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRollout(f"{path}: {error}") from None
    switches = content.pop("switch", {})
    at_once, order = content.pop("at_once", 1), content.pop("order", None)
    if not isinstance(switches, dict) or not switches:
        raise BadRollout(f"{path}: it names no switch: add a section [switch.NAME]")
    if not _is(at_once, int) or not 1 <= at_once <= MAX_AT_ONCE:
        raise BadRollout(f"{path}: at_once must be a number from 1 to {MAX_AT_ONCE}, not {at_once!r}")
    common = _checked(content, path, "at the top")
    found = {name: _switch(name, own, common, path) for name, own in switches.items()}
    _unique(found, path)
    ordered = tuple(found[name] for name in _order(order, list(found), path))
    return Rollout(path, ordered, at_once, _fingerprint(raw, ordered))


def _order(order: Any, names: list[str], path: Path) -> list[str]:
    if order is None:
        return names
    if not isinstance(order, list) or sorted(map(str, order)) != sorted(names):
        raise BadRollout(f"{path}: order must name each switch once ({', '.join(names)}), not {order!r}")
    return order


def _unique(found: Mapping[str, SwitchChange], path: Path) -> None:
    """Two changes of the same switch would not know about each other."""
    seen: dict[tuple[tuple[str, ...], str, int], str] = {}
    for name, switch in found.items():
        place = (switch.via, switch.target, switch.device_id)
        if place in seen:
            raise BadRollout(f"{path}: switch.{seen[place]} and switch.{name} are the same switch: {switch.target}")
        seen[place] = name


def _switch(name: str, own: Any, common: Mapping[str, Any], path: Path) -> SwitchChange:
    if not isinstance(own, dict):
        raise BadRollout(f"{path}: switch.{name} must be a table: [switch.{name}]")
    values = {**common, **_checked(own, path, f"in switch.{name}")}
    for needed in ("target", "program"):
        if needed not in values:
            raise BadRollout(f"{path}: switch.{name} has no {needed}")
    return SwitchChange(name=name, **values)


def _checked(table: Mapping[str, Any], path: Path, where: str) -> dict[str, Any]:
    """The values of a table, converted to the types of `SwitchChange`; paths are relative to the file."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            raise BadRollout(f"{path}: unknown key {key} {where}; the keys are {', '.join(sorted(_KEYS))}")
        kind = {**_TEXT, **_NUMBERS, **_FLAGS}.get(key)
        if kind is not None:
            if not _is(value, kind):
                raise BadRollout(f"{path}: {key} {where} must be a {_WORDS[kind]}, not {value!r}")
            found[key] = value
        elif key == "timeout_s":
            if not (_is(value, int) or _is(value, float)) or not value > 0:
                raise BadRollout(f"{path}: {key} {where} must be a number of seconds above 0, not {value!r}")
            found[key] = float(value)
        elif key in _PATHS:
            found[key] = _path(value, path, key, where)
        elif key in _COMMANDS:
            if not isinstance(value, str):
                raise BadRollout(f"{path}: {key} {where} must be a command line, not {value!r}")
            found[key] = tuple(_words(value, path, key, where))
        else:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise BadRollout(f"{path}: {key} {where} must be a list of strings, not {value!r}")
            found[key] = tuple(_path(item, path, key, where) for item in value) if key == "include" else tuple(value)
    return found


_WORDS = {str: "string", int: "number", bool: "truth value (true or false)"}


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _path(value: Any, path: Path, key: str, where: str) -> Path:
    if not isinstance(value, str) or not value:
        raise BadRollout(f"{path}: {key} {where} must be the name of a file, not {value!r}")
    return (path.parent / value).resolve()


def _words(value: str, path: Path, key: str, where: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as error:
        raise BadRollout(f"{path}: {key} {where}: {error}: {value!r}") from None


def _fingerprint(raw: bytes, switches: tuple[SwitchChange, ...]) -> str:
    """Files that cannot be read here may exist where the switch is."""
    digest = hashlib.sha256(raw)
    for file in sorted({file for switch in switches for file in switch.files}):
        digest.update(f"\0{file}\0".encode())
        try:
            digest.update(file.read_bytes())
        except OSError:
            continue
    return digest.hexdigest()
