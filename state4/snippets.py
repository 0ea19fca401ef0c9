"""The P4 text that instrumentation adds. All names begin with the layout's prefix."""

from __future__ import annotations

from dataclasses import dataclass

from state4.layout import ETHER_TYPE, FIXED_BYTES, CloneLayout


@dataclass(frozen=True)
class Snippets:
    """Text for one program. `field_list`: the number of the preserved field list; `controller_header`: P4Info name of
    the clone's header; `index_parameter`: whether `register` has a type parameter for its index; `index_argument`: bits
    of the widest index in a write."""

    layout: CloneLayout
    field_list: int
    controller_header: str
    index_parameter: bool
    index_argument: int
    ingress: bool
    egress: bool

    @property
    def prefix(self) -> str:
        return self.layout.prefix

    def declarations(self) -> str:
        """Header, metadata, registers and the function that every write calls."""
        parts = [self._flag()]
        if self.layout.slots:
            parts = [self._header(), self._metadata(), *parts, self._sequence(), self._update()]
        body = "\n".join(parts)
        return f"/* ---- added by state4 instrument: clones of state updates ---- */\n{body}/* ---- end ---- */\n\n"

    def _register(self, width: int) -> str:
        return f"register<bit<{width}>, bit<32>>" if self.index_parameter else f"register<bit<{width}>>"

    def _flag(self) -> str:
        names = ", ".join(f'"{c.name}"' for c in self.layout.components)
        return (
            f"// 1: clone state updates, 0: idle. The annotations tell the control plane what clones mean.\n"
            f"@state4_clone[session={self.layout.session}, slots={self.layout.slots}]\n"
            f"@state4_components[{names}]\n"
            f"{self._register(1)}(1) {self.layout.flag_register};\n"
        )

    def _sequence(self) -> str:
        return (
            "// How many clones were asked for: [0] in ingress, [1] in egress. A gap in them is a lost clone.\n"
            f"{self._register(32)}(2) {self.layout.sequence_register};\n"
        )

    def _slot_widths(self) -> tuple[int, int, int]:
        layout = self.layout
        return 8 * layout.component_bytes, 8 * layout.index_bytes, 8 * layout.value_bytes

    def _header(self) -> str:
        component, index, value = self._slot_widths()
        slots = "".join(
            f"    bit<{component}> component_{k};\n    bit<{index}> index_{k};\n    bit<{value}> value_{k};\n"
            for k in range(self.layout.slots)
        )
        return (
            "// A clone is this header alone. `program` and `ether_type` are constant and tell it from other frames.\n"
            f'@controller_header("{self.controller_header}")\n'
            f"header {self.prefix}_packet_in_t {{\n"
            f"    bit<32> seq;\n    bit<1> egress;\n    bit<7> count;\n    bit<56> program;\n    bit<16> ether_type;\n"
            f"{slots}}}\n"
        )

    def _metadata(self) -> str:
        component, index, value = self._slot_widths()
        keep = f"    @field_list({self.field_list}) "
        slots = "".join(
            f"{keep}bit<{component}> component_{k};\n{keep}bit<{index}> index_{k};\n{keep}bit<{value}> value_{k};\n"
            for k in range(self.layout.slots)
        )
        return (
            "// The updates of this pass so far, in order; `on` is the clone flag as this pass found it.\n"
            f"struct {self.prefix}_meta_t {{\n"
            f"    bit<1> on;\n{keep}bit<32> seq;\n{keep}bit<1> egress;\n{keep}bit<7> count;\n{slots}}}\n"
        )

    def _update(self) -> str:
        component, index, value = self._slot_widths()
        body = ""
        for k in range(self.layout.slots):
            start = "if" if k == 0 else " else if"
            body += f"{start} (m.count == {k}) {{\n"
            if k == 0:
                body += self._first()
            fields = (("component", "component"), ("index", "cell"), ("value", "value"))
            body += "".join(f"            m.{name}_{k} = {source};\n" for name, source in fields)
            body += "        }"
        return (
            "// Puts one register write into the next slot. The first of a pass asks for the clone, which takes the\n"
            "// slots as they are at the end of the pass.\n"
            f"void {self.prefix}_update(inout {self.prefix}_meta_t m,\n"
            f"                   in bit<{component}> component, in bit<{self.index_argument}> index,\n"
            f"                   in bit<{value}> value) {{\n"
            "    if (m.on == 1) {\n"
            f"{self._cell(index)}"
            f"        {body}\n"
            "        m.count = m.count + 1;\n"
            "    }\n"
            "}\n"
        )

    def _cell(self, index: int) -> str:
        """The index in the clone's width; all ones if it is too large for that (no register has such a cell)."""
        if index >= self.index_argument:
            return f"        bit<{index}> cell = (bit<{index}>)index;\n"
        last = (1 << index) - 1
        return f"        bit<{index}> cell = index > {last} ? {index}w{last} : (bit<{index}>)index;\n"

    def _first(self) -> str:
        ask = "            {p}_seq.read(m.seq, {n});\n            m.seq = m.seq + 1;\n"
        ask += "            {p}_seq.write({n}, m.seq);\n"
        ask += "            clone_preserving_field_list(CloneType.{kind}, {session}, {list});\n"

        def text(number: int, kind: str) -> str:
            session, preserved = f"32w{self.layout.session}", f"8w{self.field_list}"
            return ask.format(p=self.prefix, n=number, kind=kind, session=session, list=preserved)

        if self.ingress and self.egress:
            ingress, egress = (t.replace("            ", "                ") for t in (text(0, "I2E"), text(1, "E2E")))
            return f"            if (m.egress == 0) {{\n{ingress}            }} else {{\n{egress}            }}\n"
        return text(0, "I2E") if self.ingress else text(1, "E2E")

    # ------------------------------------------------------------ inside the user's code

    def header_field(self) -> str:
        return f"{self.prefix}_packet_in_t {self.prefix};"

    def metadata_field(self) -> str:
        return f"{self.prefix}_meta_t {self.prefix};"

    def read_flag(self, meta: str) -> str:
        return f"{self.layout.flag_register}.read({meta}.{self.prefix}.on, 0);  // state4: the clone flag"

    def emit(self, packet: str, headers: str) -> str:
        return f"{packet}.emit({headers}.{self.prefix});  // state4: valid in its clones only"

    def egress_start(self, headers: str, meta: str, standard: str) -> list[str]:
        """Lines at the start of egress: a clone of ours becomes its header and takes no part in the program."""
        m, h = f"{meta}.{self.prefix}", f"{headers}.{self.prefix}"
        copies = ["seq", "egress", "count"]
        copies += [f"{name}_{k}" for k in range(self.layout.slots) for name in ("component", "index", "value")]
        lines = [
            "// state4: its clones carry their updates to the CPU port and take no other part in this program.",
            f"if ({m}.count != 0 && ({standard}.instance_type == 1 || {standard}.instance_type == 2)) {{",
            f"    {h}.setValid();",
            *(f"    {h}.{name} = {m}.{name};" for name in copies),
            f"    {h}.program = 56w0x{self.layout.fingerprint:014x};",
            f"    {h}.ether_type = 16w0x{ETHER_TYPE:x};",
            f"    truncate(32w{self.layout.header_bytes});",
            "    return;",
            "}",
        ]
        if self.egress:
            lines += [
                "// state4: egress has a clone of its own.",
                f"{m}.egress = 1;",
                f"{m}.count = 0;",
                f"{self.layout.flag_register}.read({m}.on, 0);",
            ]
        return lines


assert FIXED_BYTES == (32 + 1 + 7 + 56 + 16) // 8
