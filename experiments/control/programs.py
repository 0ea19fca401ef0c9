"""Passes instrumented programs from the runner to the control process: prepared once per run, not per trial."""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

from finsy.proto import p4i

from experiments.control.errors import ControlError
from p4front.load import load_program, load_text
from p4front.p4info import build_p4info
from p4front.text.source import P4Error
from state4.cam import analyse
from state4.cim import DEFAULT_SESSION, Track
from state4.clones.header import CloneLayout
from state4.programs import InstalledProgram, PrepareOptions, prepare_program
from state4.swing import instrument_swing


def store_prepared(source: Path, folder: Path, track: Track = Track.CLONES) -> Path:
    """Instruments a P4 program and writes it to a file in `folder` for `load_prepared`; returns the file.

    Raises ControlError, with locations, for a program that can't be used.
    """
    file = folder / f"{source.stem}.{track}.prepared"
    if not file.exists():
        program = _prepared(source, track)
        parts = (program.name, program.text, program.p4info.SerializeToString(), program.layout)
        file.write_bytes(pickle.dumps(parts))
    return file


def store_original(source: Path, folder: Path) -> Path:
    """The same for an uninstrumented program, which can only be installed.

    Its text includes the file, and names a hash of the content, so that a cached compilation is never that of an older
    version."""
    file = folder / f"{source.stem}.original"
    if not file.exists():
        content = hashlib.sha256(_prepared(source, Track.CLONES).text.encode()).hexdigest()
        p4info = build_p4info(load_program(source))
        text = f'// {content}\n#include "{source.resolve()}"\n'
        parts = (source.stem, text, p4info.SerializeToString(), CloneLayout((), 0, DEFAULT_SESSION))
        file.write_bytes(pickle.dumps(parts))
    return file


def store_swing(source: Path, folder: Path, hard: Sequence[str]) -> Path:
    """The same for a program with Swing State between switches for the registers `hard` (`state4.swing`), without
    State4's instrumentation."""
    file = folder / f"{source.stem}.swing"
    if not file.exists():
        try:
            program = load_program(source)
            text = instrument_swing(program, analyse(program, follow=False), hard)
            p4info = build_p4info(load_text(text, source.name))
        except P4Error as error:
            raise ControlError(str(error)) from None
        layout = CloneLayout((), 0, DEFAULT_SESSION)
        file.write_bytes(pickle.dumps((source.stem, text, p4info.SerializeToString(), layout)))
    return file


def load_prepared(file: Path) -> InstalledProgram:
    """Reads a file of `store_prepared`. Only for files in our own run folder: unpickling executes code."""
    name, text, p4info, layout = pickle.loads(file.read_bytes())
    return InstalledProgram(name, text, p4i.P4Info.FromString(p4info), layout)


@functools.lru_cache(maxsize=64)
def _prepared(source: Path, track: Track) -> InstalledProgram:
    try:
        return prepare_program(source, PrepareOptions(track=track))
    except P4Error as error:
        raise ControlError(str(error)) from None
