"""Instrumented programs on their way from the runner to the control process: prepared once per run, not per trial."""

from __future__ import annotations

import functools
import pickle
from pathlib import Path

from finsy.proto import p4i

from experiments.control.client import ControlError
from p4front.source import P4Error
from state4.programs import InstalledProgram, prepare_program


def store_prepared(source: Path, folder: Path) -> Path:
    """Instruments a P4 program and writes it to a file in `folder` for `load_prepared`; returns the file.

    Raises ControlError with the places for a program that can't be used.
    """
    file = folder / f"{source.stem}.prepared"
    if not file.exists():
        program = _prepared(source)
        parts = (program.name, program.text, program.p4info.SerializeToString(), program.layout)
        file.write_bytes(pickle.dumps(parts))
    return file


def load_prepared(file: Path) -> InstalledProgram:
    """Reads what `store_prepared` wrote. Only for files in our own run folder: a pickle is code."""
    name, text, p4info, layout = pickle.loads(file.read_bytes())
    return InstalledProgram(name, text, p4i.P4Info.FromString(p4info), layout)


@functools.lru_cache(maxsize=64)
def _prepared(source: Path) -> InstalledProgram:
    try:
        return prepare_program(source)
    except P4Error as error:
        raise ControlError(str(error)) from None
