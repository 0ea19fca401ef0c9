"""Builds libssrt.so, the C runtime of the switch, once per content, compiler and flags."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from softswitch.build.cache import cached_directory, content_key
from softswitch.build.cc import RUNTIME_DIR, SANITIZE_FLAGS, build_shared_object, compiler_key

_BASE = ("-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-pthread", "-ldl", f"-I{RUNTIME_DIR}")
_OPTIMISED = (*_BASE, "-O2", "-g1")
_SANITIZED = (*_BASE, "-O1", *SANITIZE_FLAGS)


def sanitize_wanted() -> bool:
    """Whether `STATE4_SANITIZE` asks for a runtime with the address and undefined-behaviour sanitizers.

    Python itself is not built with them: start it with LD_PRELOAD set to libasan.so (`cc -print-file-name=libasan.so`).
    """
    return os.environ.get("STATE4_SANITIZE", "") not in ("", "0")


def runtime_key(sanitize: bool) -> str:
    """Changes with everything that decides what libssrt.so becomes. Raises CompilerNotFound."""
    files = sorted([*RUNTIME_DIR.rglob("*.c"), *RUNTIME_DIR.rglob("*.h")])
    content = [part for file in files for part in (file.relative_to(RUNTIME_DIR).as_posix(), file.read_bytes())]
    return content_key(compiler_key(_flags(sanitize)), *content)


@functools.lru_cache
def runtime_library(sanitize: bool) -> Path:
    """The path of libssrt.so, built if need be. Raises CompilerNotFound or CompilerFailed."""

    def build(folder: Path) -> None:
        build_shared_object(sorted(RUNTIME_DIR.rglob("*.c")), folder / "libssrt.so", flags=_flags(sanitize))

    return cached_directory("runtime", runtime_key(sanitize), build) / "libssrt.so"


def _flags(sanitize: bool) -> tuple[str, ...]:
    return _SANITIZED if sanitize else _OPTIMISED
