"""P4Runtime's `p4_device_config` of this switch: the program's source, complete, so that any machine can compile it.

Two forms are taken: a JSON object with every file of the program (what `softswitch compile` writes), or the bare text
of a program that includes only core.p4 and v1model.p4.

    {"softswitch_config": 1, "name": "chained", "main": "chained.p4", "files": {"chained.p4": "...", "lib/x.p4": "..."},
     "include_dirs": ["lib"], "defines": ["SIZE=16"]}
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import p4front
from p4front.syntax.parse import parse_file
from p4front.text.source import P4Error
from softswitch.build.cache import cached_directory, content_key
from softswitch.errors import SwitchError
from softswitch.build.program import CompiledPipeline, compile_program, compile_text

FORMAT = 1
MOST_BYTES = 64 << 20
_OWN_INCLUDES = Path(p4front.__file__).parent / "include"


class BadDeviceConfig(SwitchError):
    """The bytes are neither a device config of this switch nor P4 source text."""


@dataclass(frozen=True)
class DeviceConfig:
    """`files`: text by relative path with `/`; `main` is one of them, `include_dirs` are folders of them."""

    name: str
    main: str
    files: dict[str, str]
    include_dirs: tuple[str, ...] = ()
    defines: tuple[str, ...] = field(default=())

    def to_bytes(self) -> bytes:
        content = {
            "softswitch_config": FORMAT,
            "name": self.name,
            "main": self.main,
            "files": self.files,
            "include_dirs": list(self.include_dirs),
            "defines": list(self.defines),
        }
        return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True).encode()


def collect(path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = ()) -> DeviceConfig:
    """The device config of a program: its file and all that it includes. Raises P4Error if it can't be parsed."""
    _, sources = parse_file(path, include_dirs=include_dirs, defines=defines)
    texts = {Path(os.path.abspath(s.path)): s.text for s in sources}
    own = {file: text for file, text in texts.items() if not file.is_relative_to(_OWN_INCLUDES)}
    main = Path(os.path.abspath(path))
    own.setdefault(main, path.read_text())
    root = Path(os.path.commonpath([file.parent for file in own]))
    wanted = [Path(os.path.abspath(d)) for d in include_dirs]
    used = [d.relative_to(root).as_posix() for d in wanted if d.is_relative_to(root)]
    files = {file.relative_to(root).as_posix(): text for file, text in own.items()}
    return DeviceConfig(path.stem, main.relative_to(root).as_posix(), files, tuple(used), tuple(defines))


def parse(data: bytes) -> DeviceConfig:
    """Reads either form. Raises BadDeviceConfig."""
    if len(data) > MOST_BYTES:
        raise BadDeviceConfig(f"the device config has {len(data)} bytes; at most {MOST_BYTES} are taken")
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
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadDeviceConfig(f"the device config is damaged: {error}") from None


def _from_json(content: dict[str, object]) -> DeviceConfig:
    if content.get("softswitch_config") != FORMAT:
        raise ValueError(f"format {content.get('softswitch_config')!r} is unknown, {FORMAT} expected")
    files = content["files"]
    if not isinstance(files, dict) or not all(isinstance(t, str) for t in files.values()):
        raise ValueError("`files` must give the text of each file")
    include_dirs, defines = content.get("include_dirs", []), content.get("defines", [])
    if not isinstance(include_dirs, list) or not isinstance(defines, list):
        raise ValueError("`include_dirs` and `defines` must be lists")
    for path in [*files, *include_dirs]:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise ValueError(f"path {path!r} leads outside")
    main = str(content["main"])
    if main not in files:
        raise ValueError(f"the main file {main!r} is not among the files")
    return DeviceConfig(
        str(content["name"]), main, dict(files), tuple(map(str, include_dirs)), tuple(map(str, defines))
    )


def compile_config(config: DeviceConfig) -> CompiledPipeline:
    """Compiles a device config, or finds it in the cache. Raises P4Error and the errors of `compile_program`."""
    if len(config.files) == 1 and not config.include_dirs:
        return compile_text(config.files[config.main], config.main, defines=config.defines)

    def unpack(folder: Path) -> None:
        for name, text in config.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        for name in config.include_dirs:
            (folder / name).mkdir(parents=True, exist_ok=True)

    folder = cached_directory("configs", content_key(config.to_bytes()), unpack)
    dirs = [folder / d for d in config.include_dirs]
    try:
        return compile_program(folder / config.main, include_dirs=dirs, defines=config.defines)
    except P4Error as error:
        raise _with_own_paths(error, folder) from None


def _with_own_paths(error: P4Error, folder: Path) -> P4Error:
    """The same errors at the places that the config's author knows."""
    places = [place for d in error.diagnostics for place in (d.span, *(span for _, span in d.notes))]
    for file in {place.file for place in places if place is not None}:
        file.path = file.path.removeprefix(f"{folder}/")
    return P4Error(error.diagnostics)
