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

SESSIONS = {7: [(3, 1)], 8: [(4, 2), (3, 9)]}
"""Clone sessions of the programs' own: (port, replica number) each."""

_MACROS = """
#define STORE(r, i, v) r.write(i, v);
#define BUMP(r, type, n, i) type w##n; r.read(w##n, i); STORE(r, i, w##n + 1)
struct pair_t { bit<16> first; int<8> second; bool third; }
header small_t { bit<8> x; }
header large_t { bit<16> y; }
header_union either_t { small_t small; large_t large; }
"""
_META = """struct metadata_t {
    bit<8> noise;
    @field_list(1, 2) bit<16> kept;
    @field_list(0, 2) bit<8> other;
}"""
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
        chosen = self.random.random
        self.macros, self.structs, self.unions = chosen() < 0.3, chosen() < 0.3, chosen() < 0.2
        self.clones, self.rounds = chosen() < 0.4, chosen() < 0.3
        self.egress = False

    def type(self, number: int) -> str:
        return f"{'int' if self.signed[number] else 'bit'}<{self.widths[number]}>"

    def declarations(self) -> str:
        plain = "".join(f"register<{self.type(i)}>({self.cells[i]}) r{i};\n" for i in range(len(self.widths)))
        return _MACROS + plain + ("register<pair_t>(8) pairs;\n" if self.structs else "")

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

    def condition(self) -> str:
        return self.random.choice(("hdr.request.op == 1", "hdr.request.op > 2", "hdr.request.amount[0:0] == 1"))

    def unusual(self, indent: str) -> str:
        """A statement of an optional form, depending on the program; "" if it has none."""
        forms = []
        number = self.random.randrange(len(self.widths))
        if self.macros:
            name = self.random.randrange(10**6)
            forms += [
                f"STORE(r{number}, {self.index()}, {self.value(number)})",
                f"if ({self.condition()}) {{ BUMP(r{number}, {self.type(number)}, {name}, {self.index()}) }}",
            ]
        if self.structs:
            third = self.random.choice(("true", "hdr.request.op > 2"))
            forms.append(f"pairs.write({self.index()}, {{ hdr.request.amount, (int<8>)hdr.request.op, {third} }});")
        if self.unions:
            name = f"u{self.random.randrange(10**6)}"
            small, large = f"{name}.small = {{ hdr.request.op }};", f"{name}.large.setValid();"
            valid = f"if ({self.condition()}) {{ {small} }} else {{ {large} }}"
            write = f"if ({name}.small.isValid()) {{ r{number}.write({self.index()}, {self.value(number)}); }}"
            forms.append(f"either_t {name}; {valid} {write}")
        if self.clones:
            forms.append(f"if ({self._cloning()}) {{ {self._clone()} }}")
        if self.rounds:
            forms.append(self._again())
        return f"{indent}{self.random.choice(forms)}\n" if forms else ""

    def _cloning(self) -> str:
        return f"standard_metadata.instance_type == 0 && {self.condition()}" if self.egress else self.condition()

    def _clone(self) -> str:
        kind = "E2E" if self.egress else "I2E"
        session = self.random.choice(("7", "8", "7 + ((bit<32>)hdr.request.op & 1)"))
        if self.random.random() < 0.3:
            return f"clone(CloneType.{kind}, {session});"
        number = self.random.randrange(3)
        return f"clone_preserving_field_list(CloneType.{kind}, {session}, {number});"

    def _again(self) -> str:
        number = self.random.randrange(3)
        if self.egress:
            return f"if (hdr.request.op == 3) {{ hdr.request.op = 0; recirculate_preserving_field_list({number}); }}"
        once = f"standard_metadata.instance_type == 0 && {self.condition()}"
        return f"if ({once}) {{ resubmit_preserving_field_list({number}); }}"

    def body(self, *, egress: bool) -> str:
        """The statements of one pass. What a copy preserves is written to the packet."""
        self.egress = egress
        text = self.block(2, "        ")
        if egress or not (self.clones or self.rounds):
            return text
        return f"        meta.kept = hdr.request.amount + meta.kept;\n{text}        meta.other = hdr.request.op;\n"

    def block(self, depth: int, indent: str) -> str:
        text = ""
        for _ in range(self.random.randint(1, 3)):
            if self.random.random() < 0.4:
                text += self.unusual(indent)
            kind = self.random.random()
            if kind < 0.3 and depth:
                text += f"{indent}if ({self.condition()}) {{\n{self.block(depth - 1, indent + '    ')}{indent}}}"
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
    """A program and its successor, which has an additional register and counter and otherwise behaves the same.
    `counts`: its counts are cloned."""
    writer = _Writer(seed)
    place = writer.random.choice(("ingress", "egress", "both"))
    bodies = {
        block: writer.body(egress=block == "egress") if place in (block, "both") else ""
        for block in ("ingress", "egress")
    }
    show = "        hdr.request.amount = meta.kept + (bit<16>)standard_metadata.egress_rid;\n" if writer.clones else ""
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
        egress = f"control MyEgress({_PARAMS}) {{\n    apply {{\n{show}{bodies['egress']}    }}\n}}\n"
        text = program(ingress, egress=egress, globals_=f"{more}{counter}{writer.declarations()}")
        texts.append(text.replace("struct metadata_t {\n    bit<8> noise;\n}", _META))
    names = [f"generated{seed}_{i}" for i in range(2)]
    old, new = (installed_program(*named, counts=counts, track=track) for named in zip(names, texts, strict=True))
    return old, new


def installed_program(name: str, text: str, *, counts: bool = False, track: Track = Track.CLONES) -> InstalledProgram:
    """A program's source, instrumented."""
    checked = load_text(text, f"{name}.p4")
    analysis = analyse(checked, counts=counts, follow=track is not Track.MAP)
    made = instrument(checked, analysis, InstrumentOptions(track))
    return InstalledProgram(name, made.text, build_p4info(load_text(made.text, f"{name}.p4")), made.layout)
