"""The P4 text of Swing State between two switches (`state4.swing`). All names begin with `swing`.

A state packet is one header that begins as an Ethernet frame does, so that any switch forwards it by its address. It
carries the updates of one packet to the neighbour, which parks them; later each packet that the neighbour processes
takes one parked cell back. Nothing is acknowledged and nothing is sent again: what a link loses is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ETHER_TYPE = 0x88B7
"""IEEE 802: an EtherType for local experiments; the others are HULA's and that of State4's clones."""
SESSION = 77
"""The clone session whose port leads to the other switch."""
IDLE, SEND, RETURN = 0, 1, 2
"""Values of `swing_mode`: send updates away, give parked cells back."""
LOG_CELLS = 4096
"""So many different cells can be parked."""
_FIXED_BYTES, _SLOT_BYTES, _FRAME_BYTES = 20, 13, 60


@dataclass(frozen=True)
class HardState:
    """One register that has to be moved. `number`: in state packets, from 1; `name`: of the program; cells of `width`
    bits."""

    number: int
    name: str
    cells: int
    width: int


@dataclass(frozen=True)
class SwingCode:
    """`slots`: updates that a packet has room for; `field_list`: number of the preserved one; `index_parameter`:
    whether `register` has a type parameter for its index."""

    registers: Sequence[HardState]
    slots: int
    field_list: int
    index_parameter: bool

    @property
    def frame_bytes(self) -> int:
        return max(_FRAME_BYTES, _FIXED_BYTES + self.slots * _SLOT_BYTES)

    def declarations(self) -> str:
        parts = [self._header(), self._metadata(), self._registers(), self._ask(), self._note(), self._pump()]
        return "\n".join(
            ["/* ---- added: Swing State between two switches ---- */", *parts, self._park(), "/* ---- */\n\n"]
        )

    def parser_start(self, packet: str, headers: str) -> str:
        """Text behind the brace of state `start`, whose own statements become those of another state."""
        return (
            f"\n        transition select((bit<16>){packet}.lookahead<bit<112>>()) {{\n"
            f"            16w0x{ETHER_TYPE:x}: swing_state;\n            default: swing_start;\n        }}\n    }}\n"
            f"    state swing_state {{\n        {packet}.extract({headers}.swing);\n"
            "        transition accept;\n    }\n"
            "    state swing_start {"
        )

    def ingress_start(self, headers: str, meta: str, standard: str) -> list[str]:
        """A state packet on its way out is parked and takes no other part; one on its way back goes through the
        program, which takes its updates where the registers are."""
        return [
            f"if ({headers}.swing.isValid()) {{",
            "    bit<32> swing_seen;",
            "    swing_count.read(swing_seen, 1);",
            "    swing_count.write(1, swing_seen + 1);",
            f"    if ({headers}.swing.back == 0) {{",
            *(
                f"        if ({headers}.swing.count > {k}) {{ swing_park({self._slot(f'{headers}.swing', k)}); }}"
                for k in range(self.slots)
            ),
            f"        mark_to_drop({standard});",
            "        return;",
            "    }",
            "} else {",
            f"    swing_pump({meta}.swing);",
            "}",
        ]

    def restore(self, headers: str, number: int, register: str, width: int) -> list[str]:
        """At the start of the control that has the register."""
        lines = []
        for k in range(self.slots):
            which = f"{headers}.swing.count > {k} && {headers}.swing.component_{k} == {number}"
            lines += [
                f"if ({headers}.swing.isValid() && {headers}.swing.back == 1 && {which}) {{",
                f"    {register}.write({headers}.swing.index_{k}, (bit<{width}>){headers}.swing.value_{k});",
                "}",
            ]
        return lines

    def egress_start(self, headers: str, meta: str, standard: str) -> list[str]:
        """A clone becomes a state packet; one that has come is not forwarded."""
        h, m = f"{headers}.swing", f"{meta}.swing"
        copies = [
            "back",
            "count",
            *(f"{name}_{k}" for k in range(self.slots) for name in ("component", "index", "value")),
        ]
        return [
            f"if ({m}.count != 0 && {standard}.instance_type == 1) {{",
            f"    {h}.setValid();",
            f"    swing_address.read({h}.dst, 0);",
            f"    swing_address.read({h}.src, 1);",
            f"    {h}.ether_type = 16w0x{ETHER_TYPE:x};",
            *(f"    {h}.{name} = {m}.{name};" for name in copies),
            f"    truncate(32w{self.frame_bytes});",
            "    return;",
            "}",
            f"if ({h}.isValid()) {{",
            f"    mark_to_drop({standard});",
            "    return;",
            "}",
        ]

    def note(self, slots: str, number: int, index: str, value: str) -> str:
        return f"swing_note({slots}, 8w{number}, {index}, {value});"

    def _slot(self, holder: str, k: int) -> str:
        return ", ".join(f"{holder}.{name}_{k}" for name in ("component", "index", "value"))

    def _register(self, width: int) -> str:
        return f"register<bit<{width}>, bit<32>>" if self.index_parameter else f"register<bit<{width}>>"

    def _slots(self, keep: str = "") -> str:
        return "".join(
            f"    {keep}bit<8> component_{k};\n    {keep}bit<32> index_{k};\n    {keep}bit<64> value_{k};\n"
            for k in range(self.slots)
        )

    def _header(self) -> str:
        padding = 8 * (self.frame_bytes - _FIXED_BYTES - self.slots * _SLOT_BYTES)
        return (
            "header swing_t {\n    bit<48> dst;\n    bit<48> src;\n    bit<16> ether_type;\n    bit<8> back;\n"
            f"    bit<8> count;\n    bit<32> reserved;\n{self._slots()}"
            + (f"    bit<{padding}> padding;\n" if padding else "")
            + "}"
        )

    def _metadata(self) -> str:
        keep = f"@field_list({self.field_list}) "
        return (
            "struct swing_meta_t {\n    bit<8> mode;\n"
            f"    {keep}bit<8> back;\n    {keep}bit<8> count;\n{self._slots(keep)}}}"
        )

    def _registers(self) -> str:
        lines = [
            f"{self._register(8)}(1) swing_mode;  // {IDLE}: idle, {SEND}: send updates, {RETURN}: give back",
            f"{self._register(48)}(2) swing_address;  // of the other switch, and our own",
            f"{self._register(32)}(2) swing_count;  // state packets sent, and received",
            f"{self._register(40)}({LOG_CELLS}) swing_log;  // which cells are parked: component, index",
            f"{self._register(32)}(2) swing_ends;  // of the log: how many, and how many went back",
        ]
        for register in self.registers:
            lines.append(f"{self._register(register.width)}({register.cells}) swing_parked_{register.number};")
            lines.append(f"{self._register(1)}({register.cells}) swing_known_{register.number};")
        return "\n".join(lines)

    def _ask(self) -> str:
        return (
            "void swing_ask() {\n    bit<32> sent;\n"
            "    swing_count.read(sent, 0);\n    swing_count.write(0, sent + 1);\n"
            f"    clone_preserving_field_list(CloneType.I2E, 32w{SESSION}, 8w{self.field_list});\n}}"
        )

    def _note(self) -> str:
        body = ""
        for k in range(self.slots):
            body += (
                f"{' else ' if k else ''}if (m.count == {k}) {{\n            m.component_{k} = component;\n"
                f"            m.index_{k} = index;\n            m.value_{k} = value;\n"
                f"            m.count = {k + 1};\n        }}"
            )
        return (
            "void swing_note(inout swing_meta_t m, in bit<8> component, in bit<32> index, in bit<64> value) {\n"
            f"    if (m.mode == {SEND}) {{\n        if (m.count == 0) {{\n            swing_ask();\n        }}\n"
            f"        {body}\n    }}\n}}"
        )

    def _pump(self) -> str:
        reads = "".join(
            f"            if (entry[39:32] == {r.number}) {{\n                bit<{r.width}> v;\n"
            f"                swing_parked_{r.number}.read(v, entry[31:0]);\n"
            "                m.value_0 = (bit<64>)v;\n            }\n"
            for r in self.registers
        )
        return (
            "void swing_pump(inout swing_meta_t m) {\n    swing_mode.read(m.mode, 0);\n"
            f"    if (m.mode == {RETURN}) {{\n"
            "        bit<32> parked;\n        bit<32> gone;\n"
            "        swing_ends.read(parked, 0);\n        swing_ends.read(gone, 1);\n"
            "        if (gone < parked) {\n            bit<40> entry;\n            swing_log.read(entry, gone);\n"
            "            swing_ends.write(1, gone + 1);\n"
            "            m.back = 1;\n            m.count = 1;\n            m.component_0 = entry[39:32];\n"
            f"            m.index_0 = entry[31:0];\n{reads}            swing_ask();\n        }}\n    }}\n}}"
        )

    def _park(self) -> str:
        body = "".join(
            f"    if (component == {r.number}) {{\n"
            f"        swing_parked_{r.number}.write(index, (bit<{r.width}>)value);\n"
            f"        swing_known_{r.number}.read(known, index);\n"
            f"        swing_known_{r.number}.write(index, 1);\n    }}\n"
            for r in self.registers
        )
        return (
            "void swing_park(in bit<8> component, in bit<32> index, in bit<64> value) {\n    bit<1> known = 1;\n"
            f"{body}    bit<32> parked;\n    swing_ends.read(parked, 0);\n"
            f"    if (known == 0 && parked < {LOG_CELLS}) {{\n        swing_log.write(parked, component ++ index);\n"
            "        swing_ends.write(0, parked + 1);\n    }\n}"
        )
