"""Random programs for the rule "after a reconfiguration the state is that of a switch that never had one"."""

from __future__ import annotations

import functools
import random

from p4front.load import load_text
from p4front.p4info import build_p4info
from state4.cam import analyse
from state4.cim import InstrumentOptions, Track, instrument
from state4.programs import InstalledProgram
from tests.state4_programs import program

_PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
CELLS = 8


class _Writer:
    """Statements that write registers, from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.widths = [
            self.random.choice((1, 4, 8, 13, 32, 48, 64, 65, 100, 128)) for _ in range(self.random.randint(1, 4))
        ]
        self.cells = [self.random.choice((1, 3, CELLS)) for _ in self.widths]
        self.signed = [self.random.random() < 0.2 and w > 1 for w in self.widths]

    def type(self, number: int) -> str:
        return f"{'int' if self.signed[number] else 'bit'}<{self.widths[number]}>"

    def declarations(self) -> str:
        return "".join(f"register<{self.type(i)}>({self.cells[i]}) r{i};\n" for i in range(len(self.widths)))

    def value(self, number: int) -> str:
        width = self.widths[number]
        source = "(hdr.request.value ++ hdr.request.value)"
        bits = f"{source}[{width - 1}:0]"
        return f"({self.type(number)})({bits})" if self.signed[number] else bits

    def index(self) -> str:
        return self.random.choice(
            ("(bit<32>)hdr.request.cell", "(bit<32>)hdr.request.op & 3", "0", "(bit<32>)hdr.request.cell + 1")
        )

    def write(self, indent: str) -> str:
        number = self.random.randrange(len(self.widths))
        index = self.index()
        if self.random.random() < 0.4:
            amount = self.random.choice(("1", "(bit<8>)hdr.request.amount"))
            if self.widths[number] != 8 or self.signed[number]:
                amount = "1"
            variable = f"v{self.random.randrange(10**6)}"
            return (
                f"{indent}{self.type(number)} {variable}; r{number}.read({variable}, {index});\n"
                f"{indent}r{number}.write({index}, {variable} + {amount});\n"
            )
        return f"{indent}r{number}.write({index}, {self.value(number)});\n"

    def block(self, depth: int, indent: str) -> str:
        text = ""
        for _ in range(self.random.randint(1, 3)):
            kind = self.random.random()
            if kind < 0.3 and depth:
                condition = self.random.choice(
                    ("hdr.request.op == 1", "hdr.request.op > 2", "hdr.request.amount[0:0] == 1")
                )
                text += f"{indent}if ({condition}) {{\n{self.block(depth - 1, indent + '    ')}{indent}}}"
                if self.random.random() < 0.5:
                    text += f" else {{\n{self.block(depth - 1, indent + '    ')}{indent}}}"
                text += "\n"
            elif kind < 0.4 and depth:
                text += f"{indent}if (hdr.request.op == 7) {{ mark_to_drop(standard_metadata); }}\n"
            elif kind < 0.45 and depth:
                text += f"{indent}if (hdr.request.op == 5) {{ exit; }}\n"
            else:
                text += self.write(indent)
        return text


@functools.cache
def generated(
    seed: int, counts: bool = False, track: Track = Track.CLONES
) -> tuple[InstalledProgram, InstalledProgram]:
    """A program and its successor, which has a register and a counter more and does the same otherwise. `counts`: their
    counts are cloned."""
    writer = _Writer(seed)
    place = writer.random.choice(("ingress", "egress", "both"))
    bodies = {block: writer.block(2, "        ") if place in (block, "both") else "" for block in ("ingress", "egress")}
    counting = writer.random.random() < 0.5
    counter = "counter(4, CounterType.packets_and_bytes) hits;\n" if counting else ""
    count = "        hits.count((bit<32>)hdr.request.op & 3);\n" if counting else ""
    texts = []
    for extra in (False, True):
        more = "register<bit<16>>(5) later;\n" if extra else ""
        first = "        later.write(0, 1);\n" if extra else ""
        ingress = (
            f"control MyIngress({_PARAMS}) {{\n    apply {{\n        standard_metadata.egress_spec = 2;\n"
            f"{first}{count}{bodies['ingress']}    }}\n}}\n"
        )
        egress = f"control MyEgress({_PARAMS}) {{\n    apply {{\n{bodies['egress']}    }}\n}}\n"
        texts.append(program(ingress, egress=egress, globals_=f"{more}{counter}{writer.declarations()}"))
    names = [f"generated{seed}_{i}" for i in range(2)]
    old, new = (installed_program(*named, counts=counts, track=track) for named in zip(names, texts, strict=True))
    return old, new


def installed_program(name: str, text: str, *, counts: bool = False, track: Track = Track.CLONES) -> InstalledProgram:
    """A program's source, instrumented."""
    checked = load_text(text, f"{name}.p4")
    analysis = analyse(checked, counts=counts, follow=track is not Track.MAP)
    made = instrument(checked, analysis, InstrumentOptions(track))
    return InstalledProgram(name, made.text, build_p4info(load_text(made.text, f"{name}.p4")), made.layout)
