"""Programs ready to be installed: instrumented, with their P4Info."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from finsy.proto import p4i, p4r

from p4front.load import load_program, load_text
from p4front.p4info import build_p4info
from state4.cam import analyse
from state4.cim import Instrumented, InstrumentOptions, Track, instrument
from state4.clones.header import CloneLayout
from state4.instrumentation.running import user_registers
from state4.values import RegisterSpec


@dataclass(frozen=True)
class InstalledProgram:
    """An instrumented program as a switch gets it. `text` is its complete source, to be read with `defines`."""

    name: str
    text: str
    p4info: p4i.P4Info
    layout: CloneLayout
    defines: tuple[str, ...] = ()

    @property
    def registers(self) -> tuple[RegisterSpec, ...]:
        """The program's own registers, without those that instrumentation added."""
        return user_registers(self.p4info)

    @property
    def device_config(self) -> bytes:
        """P4Runtime's p4_device_config of a softswitch."""
        file = f"{self.name}.p4"
        content = {
            "softswitch_config": 1,
            "name": self.name,
            "main": file,
            "files": {file: self.text},
            "include_dirs": [],
            "defines": list(self.defines),
        }
        return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True).encode()

    def config(self) -> p4r.ForwardingPipelineConfig:
        return p4r.ForwardingPipelineConfig(p4info=self.p4info, p4_device_config=self.device_config)


@dataclass(frozen=True)
class PrepareOptions:
    """How a P4 file is read and instrumented.

    include_dirs, defines: of the preprocessor. session: the clone session, None for one that is free; avoid: sessions
    that are not. counts: counts of indirect counters are cloned as well, for a switch that cannot hold packets. track:
    how updates are followed.
    """

    include_dirs: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    session: int | None = None
    avoid: frozenset[int] = frozenset()
    counts: bool = False
    track: Track = Track.CLONES


_USUAL = PrepareOptions()


def instrument_file(path: Path, options: PrepareOptions = _USUAL) -> Instrumented:
    """Loads, analyses and instruments a P4 file. Raises P4Error."""
    program = load_program(path, include_dirs=options.include_dirs, defines=options.defines)
    clones = options.track is not Track.MAP
    analysis = analyse(program, counts=options.counts and clones, follow=clones)
    wanted = InstrumentOptions(options.track, options.session, options.avoid, options.include_dirs)
    return instrument(program, analysis, wanted)


def prepare_program(path: Path, options: PrepareOptions = _USUAL) -> InstalledProgram:
    """An instrumented program from a P4 file. Raises P4Error (the user's fault, with places) and OSError."""
    instrumented = instrument_file(path, options)
    checked = load_text(instrumented.text, path.name, defines=options.defines)
    return InstalledProgram(path.stem, instrumented.text, build_p4info(checked), instrumented.layout, options.defines)


def same_configuration(one: bytes, other: bytes) -> bool:
    """Whether two configurations of switches, JSON as `Target.configuration` gives it, say the same."""
    if one == other:
        return True
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False
