"""P4Runtime's `p4_device_config` of this switch: the program's source, complete, so that any machine can compile it.

Two forms are taken: a JSON object with every file of the program (what `softswitch compile` writes), or the bare text
of a program that includes only core.p4 and v1model.p4.

    {"softswitch_config": 1, "name": "chained", "main": "chained.p4", "files": {"chained.p4": "...", "lib/x.p4": "..."},
     "include_dirs": ["lib"], "defines": ["SIZE=16"]}

Where a file includes another by an absolute path, `absolute` says which of the files that is: {"/home/a/x.p4": "x.p4"}.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import p4front
from softswitch.errors import ProgramRefused, TooExpensive

FORMAT = 1
MAX_BYTES = 8 << 20
"""Limit for a device config: several hundred times the largest known program."""
MAX_FILES = 4096
_OWN_INCLUDES = Path(p4front.__file__).parent / "include"


class BadDeviceConfig(ProgramRefused):
    """The bytes are neither a device config of this switch nor P4 source text."""


@dataclass(frozen=True)
class DeviceConfig:
    """`files`: text by relative path with `/`; `main` is one of them, `include_dirs` are folders of them;
    `absolute`: which of them an absolute path in an `#include` means."""

    name: str
    main: str
    files: dict[str, str]
    include_dirs: tuple[str, ...] = ()
    defines: tuple[str, ...] = field(default=())
    absolute: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        content = {
            "softswitch_config": FORMAT,
            "name": self.name,
            "main": self.main,
            "files": self.files,
            "include_dirs": list(self.include_dirs),
            "defines": list(self.defines),
        } | ({"absolute": self.absolute} if self.absolute else {})
        return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True).encode()


def collect(path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()) -> DeviceConfig:
    """The device config of a program: its file and all that it includes. Raises P4Error if it can't be parsed."""
    from p4front.syntax.parse import parse_source  # the parser takes a while to load, and a switch has no use for it
    from p4front.text.includes import FolderFiles, read_source

    found = FolderFiles(include_dirs)
    _, sources, _ = parse_source(read_source(path), found, defines)
    texts = {Path(os.path.abspath(s.path)): s.text for s in sources}
    own = {file: text for file, text in texts.items() if not file.is_relative_to(_OWN_INCLUDES)}
    main = Path(os.path.abspath(path))
    folders = [Path(os.path.abspath(d)) for d in include_dirs]
    folders = [folder for folder in folders if any(file.is_relative_to(folder) for file in own)]
    root = Path(os.path.commonpath([*folders, *(file.parent for file in own)]))
    files = {_name(file.relative_to(root)): text for file, text in own.items()}
    used = tuple(_name(folder.relative_to(root)) for folder in folders)
    included = {name: Path(os.path.abspath(source.path)) for name, source in found.absolute.items()}
    absolute = {name: _name(file.relative_to(root)) for name, file in included.items() if file in own}
    return DeviceConfig(_name(Path(path.stem)), _name(main.relative_to(root)), files, used, tuple(defines), absolute)


def _name(path: Path) -> str:
    """A path as text, whatever the locale: as UTF-8, which sources are; the rest of its bytes by their numbers."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def parse(data: bytes) -> DeviceConfig:
    """Reads either form. Raises BadDeviceConfig, TooExpensive."""
    check_size(data)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadDeviceConfig(
            "the device config is not text: expected P4 source or what `softswitch compile` wrote"
        ) from None
    if not text.strip():
        raise BadDeviceConfig("the device config is empty: expected P4 source or what `softswitch compile` wrote")
    if not text.lstrip().startswith("{"):
        return DeviceConfig("program", "program.p4", {"program.p4": text})
    try:
        return _from_json(json.loads(text))
    except RecursionError:
        raise BadDeviceConfig("the device config is damaged: it is nested too deeply") from None
    except KeyError as error:
        raise BadDeviceConfig(f"the device config is damaged: {error} is missing") from None
    except UnicodeError:
        raise BadDeviceConfig("the device config is damaged: a string in it is not valid Unicode") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise BadDeviceConfig(f"the device config is damaged: {error}") from None


def check_size(data: bytes) -> None:
    """Raises TooExpensive for a config that is not even looked at."""
    if len(data) > MAX_BYTES:
        raise TooExpensive(f"the device config has {len(data):,} bytes; at most {MAX_BYTES:,} are taken")


def _from_json(content: dict[str, object]) -> DeviceConfig:
    if "softswitch_config" not in content:
        raise BadDeviceConfig(
            "the device config is JSON, but not what `softswitch compile` wrote (bmv2's, of p4lang's p4c?): compile "
            "the program with `softswitch compile` or the p4c of `softswitch compat install`, or give its source"
        )
    if content["softswitch_config"] != FORMAT:
        raise ValueError(f"format {content['softswitch_config']!r} is unknown, {FORMAT} expected")
    files = content["files"]
    if not isinstance(files, dict) or not all(isinstance(t, str) for t in files.values()):
        raise ValueError("`files` must give the text of each file")
    if len(files) > MAX_FILES:
        raise ValueError(f"there are {len(files)} files; at most {MAX_FILES} are taken")
    include_dirs, defines = _texts(content, "include_dirs"), _texts(content, "defines")
    for path in [*files, *include_dirs]:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise ValueError(f"path {path!r} leads outside")
        if not path or any(unicodedata.category(c).startswith("C") for c in path):
            raise ValueError(f"path {path!r} is not a file name")
    absolute = content.get("absolute", {})
    if not isinstance(absolute, dict) or not all(p.startswith("/") and f in files for p, f in absolute.items()):
        raise ValueError("`absolute` must name one of the files for each absolute path")
    main, name = str(content["main"]), str(content["name"])
    if main not in files:
        raise ValueError(f"the main file {main!r} is not among the files")
    for part in (name, *files, *files.values(), *include_dirs, *defines, *absolute):
        part.encode()  # JSON can write halves of characters, which are no text
    return DeviceConfig(name, main, dict(files), include_dirs, defines, absolute)


def _texts(content: dict[str, object], key: str) -> tuple[str, ...]:
    found = content.get(key, [])
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise ValueError(f"`{key}` must be a list of texts")
    return tuple(found)
