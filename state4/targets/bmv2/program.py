"""Programs for bmv2: compiled by p4c-bm2-ss, kept by content, with our P4Info inside.

bmv2 gives back the configuration that it runs, as it was loaded. So the P4Info travels in it, under a key that bmv2
does not know, and a controller that never saw the source finds it in the switch.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finsy.proto import p4i

from p4front.load import load_program
from p4front.own_files import NotOurs, own_folder, own_home, replacing
from p4front.p4info import build_p4info
from state4.errors import MissingTool, TargetError
from state4.programs import InstalledProgram

COMPILER = "p4c-bm2-ss"
SWITCH = "simple_switch"
_KEY = "state4"
_FORMAT = "1"  # of what the cache holds; a new one compiles again


def missing_tools() -> tuple[str, ...]:
    """What the bmv2 target needs and PATH does not have."""
    return tuple(tool for tool in (SWITCH, COMPILER) if shutil.which(tool) is None)


def missing_line(missing: tuple[str, ...]) -> str:
    """One line about tools that are missing."""
    named = " and ".join(missing)
    return f"target bmv2 needs {named}, not found on PATH; the default target is softswitch, which needs neither"


def bmv2_config(program: InstalledProgram) -> str:
    """The JSON configuration of a program, with its P4Info. Raises MissingTool, TargetError with p4c's message."""
    require_compiler()
    parts = (_FORMAT, _compiler_version(), program.name, program.text, *program.defines)
    p4info = program.p4info.SerializeToString(deterministic=True)
    key = hashlib.sha256("\0".join(parts).encode() + p4info).hexdigest()[:32]
    kept = _cache_folder() / f"{key}.json"
    _require_own(kept.parent)
    if kept.exists():
        return kept.read_text()
    with tempfile.TemporaryDirectory(prefix="state4-bmv2-") as folder:
        source = Path(folder) / f"{program.name}.p4"
        source.write_text(program.text)
        result = _with_p4info(_compile(source, program.defines), program.name, program.p4info)
    with replacing(kept) as part:
        part.write_text(result, encoding="utf-8")
    return result


def bmv2_config_of(path: Path) -> str:
    """The configuration of a P4 file as it is, without instrumentation. Raises P4Error, MissingTool, TargetError."""
    require_compiler()
    return _with_p4info(_compile(path, ()), path.stem, build_p4info(load_program(path)))


def require_compiler() -> None:
    """Raises MissingTool if there is no p4c-bm2-ss."""
    if shutil.which(COMPILER) is None:
        raise MissingTool(missing_line((COMPILER,)))


def _with_p4info(config: dict[str, Any], name: str, p4info: p4i.P4Info) -> str:
    packed = base64.b64encode(p4info.SerializeToString(deterministic=True)).decode()
    return json.dumps({**config, _KEY: {"name": name, "p4info": packed}}, separators=(",", ":"))


def p4info_of(config: str) -> p4i.P4Info | None:
    """The P4Info in a configuration; None for one that did not come from us."""
    try:
        own = json.loads(config).get(_KEY, {})
    except ValueError:
        return None
    return p4i.P4Info.FromString(base64.b64decode(own["p4info"])) if "p4info" in own else None


def _compile(source: Path, defines: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="state4-bmv2-") as folder:
        result = Path(folder) / "out.json"
        options = [f"-D{define}" for define in defines]
        command = [COMPILER, "--arch", "v1model", *options, "-o", str(result), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not result.exists():
            message = done.stderr.strip().replace(f"{source.parent}/", "") or f"it ended with code {done.returncode}"
            raise TargetError(f"{COMPILER} refused {source.name}: {message}")
        config: dict[str, Any] = json.loads(result.read_text())
        return config


@functools.lru_cache(maxsize=1)
def _compiler_version() -> str:
    return subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=False).stdout


def _require_own(folder: Path) -> None:
    """Makes the folder; raises TargetError if another user could have put something there."""
    try:
        own_folder(folder)
    except NotOurs as error:
        raise TargetError(
            f"the cache {folder} is not used: {error.filename}: {error.strerror}; name another folder in STATE4_CACHE"
        ) from None


def _cache_folder() -> Path:
    """Next to softswitch's cache; `STATE4_CACHE` names another folder."""
    base = os.environ.get("XDG_CACHE_HOME")
    root = os.environ.get("STATE4_CACHE") or (Path(base) if base else own_home() / ".cache") / "state4"
    return Path(root) / "bmv2"
