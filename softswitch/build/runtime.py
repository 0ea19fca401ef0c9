"""Builds libssrt.so, the C runtime of the switch, once per content, compiler and flags."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from softswitch.build.cache import cached_directory, content_key
from softswitch.build.cc import RUNTIME_DIR, SANITIZE_FLAGS, build_shared_object, compiler_version, find_compiler

_BASE = ("-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-pthread", f"-I{RUNTIME_DIR}")
_OPTIMISED = (*_BASE, "-O2", "-g1")
_SANITIZED = (*_BASE, "-O1", *SANITIZE_FLAGS)


def sanitize_wanted() -> bool:
    """Whether `STATE4_SANITIZE` asks for a runtime with the address and undefined-behaviour sanitizers.

    Python itself is not built with them: start it with LD_PRELOAD set to libasan.so (`cc -print-file-name=libasan.so`).
    """
    return os.environ.get("STATE4_SANITIZE", "") not in ("", "0")


@functools.lru_cache
def runtime_library(sanitize: bool) -> Path:
    """The path of libssrt.so, built if need be. Raises CompilerNotFound or CompilerFailed."""
    flags = _SANITIZED if sanitize else _OPTIMISED
    sources = sorted(RUNTIME_DIR.rglob("*.c"))
    files = sorted([*sources, *RUNTIME_DIR.rglob("*.h")])
    content = [part for file in files for part in (file.name, file.read_bytes())]
    key = content_key(compiler_version(find_compiler()), *flags, *content)

    def build(folder: Path) -> None:
        build_shared_object(sources, folder / "libssrt.so", flags=(*flags, "-ldl"))

    return cached_directory("runtime", key, build) / "libssrt.so"
