"""Programs ready to be installed, and what the P4Info of a running one says about its state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from finsy.proto import p4i, p4r

from p4front.load import load_program, load_text
from p4front.p4info import build_p4info
from state4.cam import analyse
from state4.cim import Instrumented, InstrumentOptions, instrument
from state4.clones.header import COUNT_BITS, CloneLayout, LayoutComponent
from state4.errors import NotInstrumented
from state4.values import RegisterSpec

FLAG_ANNOTATION = "state4_components"
ADDS_ANNOTATION = "state4_adds"
COUNTERS_ANNOTATION = "state4_counters"


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


def instrument_file(
    path: Path,
    *,
    include_dirs: Sequence[Path] = (),
    defines: Sequence[str] = (),
    session: int | None = None,
    counts: bool = False,
) -> Instrumented:
    """Loads, analyses and instruments a P4 file. `counts`: counts of indirect counters are cloned as well. Raises
    P4Error."""
    program = load_program(path, include_dirs=include_dirs, defines=defines)
    options = InstrumentOptions(include_dirs=tuple(include_dirs), **({} if session is None else {"session": session}))
    return instrument(program, analyse(program, counts=counts), options)


def prepare_program(
    path: Path, *, include_dirs: Sequence[Path] = (), defines: Sequence[str] = (), counts: bool = False
) -> InstalledProgram:
    """An instrumented program from a P4 file, for a switch that cannot hold packets with `counts`. Raises P4Error (the
    user's fault, with places) and OSError."""
    instrumented = instrument_file(path, include_dirs=include_dirs, defines=defines, counts=counts)
    checked = load_text(instrumented.text, path.name, defines=defines)
    return InstalledProgram(path.stem, instrumented.text, build_p4info(checked), instrumented.layout, tuple(defines))


def layout_of(p4info: p4i.P4Info) -> CloneLayout:
    """The clone layout of a running program, from the annotations of its clone flag. Raises NotInstrumented."""
    for register in p4info.registers:
        annotations = {a.name: a for a in register.preamble.structured_annotations}
        if FLAG_ANNOTATION not in annotations:
            continue
        names = [e.string_value for e in annotations[FLAG_ANNOTATION].expression_list.expressions]
        clone = {p.key: p.value.int64_value for p in annotations["state4_clone"].kv_pair_list.kv_pairs}
        specs = {spec.name: spec for spec in all_registers(p4info)}
        components = tuple(LayoutComponent(n, specs[n].cells, specs[n].width) for n in names)
        prefix = register.preamble.name.removesuffix("_flag")
        waits = bool(clone.get("waits", 0))
        adding = annotations[ADDS_ANNOTATION].expression_list.expressions if ADDS_ANNOTATION in annotations else ()
        adds = frozenset(names[e.int64_value - 1] for e in adding)
        sizes = {c.preamble.name: c.size for c in p4info.counters}
        counting = (
            annotations[COUNTERS_ANNOTATION].expression_list.expressions if COUNTERS_ANNOTATION in annotations else ()
        )
        counters = tuple(LayoutComponent(e.string_value, sizes[e.string_value], COUNT_BITS) for e in counting)
        return CloneLayout(components, int(clone["slots"]), int(clone["session"]), prefix, waits, adds, counters)
    raise NotInstrumented("the running program was not installed by State4: it cannot clone its state updates")


def all_registers(p4info: p4i.P4Info) -> tuple[RegisterSpec, ...]:
    """Every register of bits, in P4Info's order."""
    found = []
    for register in p4info.registers:
        width, signed = 0, False
        if register.type_spec.HasField("bool"):
            width = 1
        else:
            bits = register.type_spec.bitstring
            width, signed = (bits.int.bitwidth, True) if bits.HasField("int") else (bits.bit.bitwidth, False)
        if width:
            found.append(RegisterSpec(register.preamble.name, register.size, width, signed, register.preamble.id))
    return tuple(found)


def user_registers(p4info: p4i.P4Info) -> tuple[RegisterSpec, ...]:
    """The registers of the user's program; of an instrumented one without those that were added."""
    try:
        layout = layout_of(p4info)
    except NotInstrumented:
        return all_registers(p4info)
    added = {layout.flag_register, layout.sequence_register, layout.gate_register}
    return tuple(spec for spec in all_registers(p4info) if spec.name not in added)
