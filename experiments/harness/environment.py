"""What a result depends on apart from its options; recorded in every `run.json`."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = (
    "finsy",
    "grpcio",
    "protobuf",
    "numpy",
    "pandas",
    "pyarrow",
    "matplotlib",
    "psutil",
    "scapy",
    "thrift",
    "mininet",
)


def environment() -> dict[str, Any]:
    """Machine, kernel and versions; None for what cannot be determined."""
    return {
        "host": {
            "kernel": f"{platform.system()} {platform.release()}",
            "distribution": _distribution(),
            "architecture": platform.machine(),
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        },
        "git": git_state(),
        "python": platform.python_version(),
        "compiler": _first_line(["cc", "--version"]),
        "packages": {name: _version(name) for name in _PACKAGES},
        "bmv2": _first_line(["simple_switch", "--version"]),
    }


def git_state() -> dict[str, Any] | None:
    """The commit of the source tree, and whether tracked files differ from it; None outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    commit = _output(["git", "-C", str(root), "rev-parse", "HEAD"])
    if commit is None:
        return None
    changed = _output(["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"])
    return {"commit": commit.strip(), "modified": bool(changed)}


def command_line() -> list[str]:
    """The command line of this run, with `-m MODULE` restored."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    name = ["-m", spec.name] if spec is not None else [sys.argv[0]]
    return ["python", *name, *sys.argv[1:]]


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _cpu_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _output(argv: list[str]) -> str | None:
    if shutil.which(argv[0]) is None:
        return None
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout if done.returncode == 0 else None


def _first_line(argv: list[str]) -> str | None:
    text = _output(argv)
    return text.splitlines()[0] if text else None
