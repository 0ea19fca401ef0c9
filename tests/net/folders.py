"""The run folders of this process only: others may run networks at the same time."""

from __future__ import annotations

from pathlib import Path

from topologies.rundir import base_folder


def own_run_folders(pid: int) -> list[Path]:
    base = base_folder()
    return sorted(base.glob(f"{pid}-*")) if base.is_dir() else []
