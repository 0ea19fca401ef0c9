"""The P4 text that instrumentation adds. All names begin with the layout's prefix."""

from __future__ import annotations

from dataclasses import dataclass

from state4.clones.header import (
    CLONE,
    COUNT_BITS,
    ETHER_TYPE,
    FIXED_BYTES,
    IDLE,
    MARKER_COUNT,
    REPLICA,
    WAIT,
    WAKE,
    CloneLayout,
)
from state4.instrumentation.running import ADDS, COMPONENTS, COUNTERS, HASHES, SHARED, WIDTHS
from state4.instrumentation.running import CLONE as ANNOTATION

_ENDS = 3
"""The clone flag of a pass that ends where it began."""
_SHARED = "  // 1: the clone of this pass is one of the program's own\n"
_ASKED = "  // 1: a clone was asked for before it was known whether this pass writes\n"


_EXTERNS = {
    ("mark_to_drop", 1): "extern void mark_to_drop(inout standard_metadata_t standard_metadata);\n",
    ("resubmit_preserving_field_list", 1): "extern void resubmit_preserving_field_list(bit<8> index);\n",
    ("clone_preserving_field_list", 3): (
        "extern void clone_preserving_field_list(in CloneType type, in bit<32> session, bit<8> index);\n"
    ),
}
"""What added code calls, by name and number of parameters."""


@dataclass(frozen=True)
class InsertedCode:
    """Text for one program. `field_list`: the number of the preserved field list; `controller_header`: P4Info name of
    the clone's header; `index_parameter`: whether `register` has a type parameter for its index; `index_argument`: bits
    of the widest index in a write; `passes`: for each piece of code that writes, the passes that run it; `widths`: of
    the numbers in a cell of each component, if P4Info does not tell them; `hashes`: that
    give the index of each component, "" of one that no hash indexes; `joined`: field lists of the program's own that
    have to preserve the updates as well; `clones`: the program clones by itself; `free_list`: the
    program does not use the field list itself; `externs`: names and numbers of parameters of those that it has."""

    layout: CloneLayout
    field_list: int
    controller_header: str
    index_parameter: bool
    index_argument: int
    passes: frozenset[frozenset[str]]
    widths: tuple[tuple[int, ...], ...] = ()
    hashes: tuple[str, ...] = ()
    joined: tuple[int, ...] = ()
    clones: bool = False
    free_list: bool = True
    externs: frozenset[tuple[str, int]] = frozenset(_EXTERNS)

    @property
    def shares(self) -> bool:
        """Whether clones of the program's own may carry updates."""
        return bool(self.layout.shared) or self.layout.any_session

    @property
    def asks_early(self) -> bool:
        """Whether clones are asked for at the start of each pass: code that writes in ingress and egress alike cannot
        ask for one, since p4c refuses an egress clone in what ingress runs, and the reverse."""
        return any(len(passes) > 1 for passes in self.passes)

    @property
    def again(self) -> bool:
        """Whether packets that the program sends round may still have the updates of an earlier pass."""
        return self.shares or not self.free_list

    @property
    def prefix(self) -> str:
        return self.layout.prefix

    @property
    def ingress(self) -> bool:
        return any("ingress" in passes for passes in self.passes)

    @property
    def egress(self) -> bool:
        return any("egress" in passes for passes in self.passes)

    def update_name(self, passes: frozenset[str]) -> str:
        """The function that a write calls whose code runs in these passes."""
        name = f"{self.prefix}_update"
        if not (self.ingress and self.egress) or passes == {"ingress"}:
            return name
        return f"{name}_egress" if passes == {"egress"} else f"{name}_both"

    def declarations(self) -> str:
        """Header, metadata, registers and the function that every write calls."""
        parts = [self._flag()]
        if self.layout.slots:
            parts = [self._header(), self._metadata(), *parts, self._sequence()]
            parts += [self._update(passes) for passes in sorted(self.passes, key=self.update_name)]
            parts += [self._gate(), self._wait()] if self.layout.waits else []
        body = "\n".join([*self._missing(), *parts])
        return f"/* ---- added by state4 instrument: clones of state updates ---- */\n{body}/* ---- end ---- */\n\n"

    def _missing(self) -> list[str]:
        """Declarations of what the program's own v1model.p4 does not have yet."""
        absent = [text for key, text in _EXTERNS.items() if key not in self.externs]
        return ["// Older versions of v1model.p4 do not have these.\n" + "".join(absent)] if absent else []

    def register(self, width: int) -> str:
        """The type of a register of bit<width>."""
        return f"register<bit<{width}>, bit<32>>" if self.index_parameter else f"register<bit<{width}>>"

    def component_annotations(self) -> str:
        """Annotations that tell the control plane which registers there are, and what P4Info does not say of them."""
        names = ", ".join(f'"{c.name}"' for c in self.layout.components)
        widths_text = ", ".join(f'"{" ".join(map(str, leaves))}"' for leaves in self.widths)
        widths = f"@{WIDTHS}[{widths_text}]\n" if widths_text else ""
        hashes_text = ", ".join(f'"{text}"' for text in self.hashes)
        hashes = f"@{HASHES}[{hashes_text}]\n" if any(self.hashes) else ""
        return f"@{COMPONENTS}[{names}]\n{widths}{hashes}"

    def _flag(self) -> str:
        counters = ", ".join(f'"{c.name}"' for c in self.layout.counters)
        counters = f"@{COUNTERS}[{counters}]\n" if counters else ""
        adding = [str(n) for n, c in enumerate(self.layout.components, 1) if c.name in self.layout.adds]
        adds = f"@{ADDS}[{', '.join(adding)}]\n" if adding else ""
        shared = ", ".join(map(str, sorted(self.layout.shared)))
        shared = f"@{SHARED}[{shared}]\n" if shared else ""
        known = ", any_session=1" if self.layout.any_session else ""
        quiet = "" if self.layout.slots else '@noWarn("unused")\n'  # of p4c: where nothing is cloned, nothing reads it
        return (
            f"// {IDLE}: idle, {CLONE}: clone state updates, {WAIT}: packets wait. The annotations tell the control\n"
            f"// plane what clones mean.\n"
            f"@{ANNOTATION}[session={self.layout.session}, slots={self.layout.slots}, "
            f"waits={int(self.layout.waits)}{known}]\n"
            f"{self.component_annotations()}{adds}{counters}{shared}{quiet}"
            f"{self.register(2)}(1) {self.layout.flag_register};\n"
        )

    def _sequence(self) -> str:
        return (
            "// How many clones were asked for: [0] in ingress, [1] in egress. A gap in them is a lost clone.\n"
            f"{self.register(32)}(2) {self.layout.sequence_register};\n"
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
        keep = f"    @field_list({', '.join(map(str, (self.field_list, *self.joined)))}) "
        slots = "".join(
            f"{keep}bit<{component}> component_{k};\n{keep}bit<{index}> index_{k};\n{keep}bit<{value}> value_{k};\n"
            for k in range(self.layout.slots)
        )
        return (
            "// The updates of this pass so far, in order; `on` is the clone flag as this pass found it.\n"
            f"struct {self.prefix}_meta_t {{\n"
            f"    bit<2> on;\n{self._waiting_fields(keep)}"
            f"{keep}bit<32> seq;\n{keep}bit<1> egress;\n{keep}bit<7> count;\n"
            f"{f'{keep}bit<1> shared;{_SHARED}' if self.shares else ''}"
            f"{f'{keep}bit<1> asked;{_ASKED}' if self.asks_early else ''}{slots}}}\n"
        )

    def no_updates(self) -> str:
        """A value of the metadata's type in which nothing was written: all its fields are numbers."""
        return f"{{ {', '.join('0' for _ in range(self._metadata().count('bit<')))} }}"

    def preserved(self) -> list[str]:
        """The fields that a clone has to preserve."""
        slots = [f"{name}_{k}" for k in range(self.layout.slots) for name in ("component", "index", "value")]
        more = [*(["shared"] if self.shares else []), *(["asked"] if self.asks_early else [])]
        return ["seq", "egress", "count", *more, *slots]

    def _waiting_fields(self, keep: str) -> str:
        size = f"{keep}bit<{COUNT_BITS}> size;\n" if self.layout.counters else ""
        if not self.layout.waits:
            return size
        return f"{size}{keep}bit<1> waited;\n{keep}bit<9> port;\n{keep}bit<48> time;\n"

    def _gate(self) -> str:
        return (
            "// While packets wait: [0] how often one was sent round, [1] how often that may happen, [2] 1 once it\n"
            "// did, [3] one more than the number of the CPU port.\n"
            f"{self.register(32)}(4) {self.layout.gate_register};\n"
        )

    def _wait(self) -> str:
        p, gate, layout = self.prefix, self.layout.gate_register, self.layout
        return (
            "// Sends the packet round through ingress, as it came: the packets behind it wait, and nothing of the\n"
            "// program runs. The first round tells the CPU port; one too many ends the waiting.\n"
            f"void {p}_wait(inout {p}_meta_t m, inout standard_metadata_t s) {{\n"
            f"    bit<32> cpu;\n    {gate}.read(cpu, 3);\n"
            f"    bool woken = m.waited == 0 && s.packet_length == {len(WAKE)} && cpu == (bit<32>)s.ingress_port + 1;\n"
            f"    if (m.on == {WAIT}) {{\n"
            f"        bit<32> rounds;\n        {gate}.read(rounds, 0);\n"
            f"        bit<32> max_rounds;\n        {gate}.read(max_rounds, 1);\n"
            "        rounds = rounds + 1;\n"
            f"        {gate}.write(0, rounds);\n"
            "        m.count = 0;\n"
            "        if (rounds == 1) {\n"
            f"            m.count = {MARKER_COUNT};\n"
            f"            clone_preserving_field_list(CloneType.I2E, 32w{layout.session}, 8w{self.field_list});\n"
            "        }\n"
            "        if (rounds > max_rounds) {\n"
            f"            {gate}.write(2, 1);\n"
            f"            {layout.flag_register}.write(0, {IDLE});\n            m.on = {IDLE};\n"
            "        } else if (!woken) {\n"
            "            if (m.waited == 0) {\n                m.waited = 1;\n"
            "                m.port = s.ingress_port;\n                m.time = s.ingress_global_timestamp;\n"
            "            }\n"
            f"            resubmit_preserving_field_list(8w{self.field_list});\n            m.on = {_ENDS};\n"
            "        }\n"
            "    }\n"
            f"    if (woken) {{\n        mark_to_drop(s);\n        m.on = {_ENDS};\n    }}\n"
            "}\n"
        )

    def _update(self, passes: frozenset[str]) -> str:
        component, index, value = self._slot_widths()
        body = ""
        for k in range(self.layout.slots):
            start = "if" if k == 0 else " else if"
            body += f"{start} (m.count == {k}) {{\n"
            if k == 0:
                body += self._first(passes)
            fields = (("component", "component"), ("index", "cell"), ("value", "value"))
            body += "".join(f"            m.{name}_{k} = {source};\n" for name, source in fields)
            body += "        }"
        name = self.update_name(passes)
        indent = " " * len(f"void {name}(")
        return (
            "// Puts one register write into the next slot. The clone of the pass, which the first one "
            f"{'numbers' if self.asks_early else 'asks for'},\n"
            "// takes the slots as they are at the end of the pass.\n"
            f"void {name}(inout {self.prefix}_meta_t m,\n"
            f"{indent}in bit<{component}> component, in bit<{self.index_argument}> index,\n"
            f"{indent}in bit<{value}> value) {{\n"
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

    def _first(self, passes: frozenset[str]) -> str:
        """Gives the clone of the pass its number, and asks for it unless that was done before."""
        number = "(bit<32>)m.egress" if len(passes) > 1 else "0" if "ingress" in passes else "1"
        text = f"            {self.prefix}_seq.read(m.seq, {number});\n            m.seq = m.seq + 1;\n"
        text += f"            {self.prefix}_seq.write({number}, m.seq);\n"
        if self.asks_early:
            return text
        clone = self._clone("I2E" if "ingress" in passes else "E2E")
        if self.shares:
            return f"{text}            if (m.shared == 0) {{\n                {clone}\n            }}\n"
        return f"{text}            {clone}\n"

    def _clone(self, kind: str) -> str:
        return f"clone_preserving_field_list(CloneType.{kind}, 32w{self.layout.session}, 8w{self.field_list});"

    def _ask_early(self, m: str, kind: str) -> list[str]:
        """Lines at the start of a pass that ask for its clone. The copy ends in egress if nothing was written."""
        if not self.asks_early:
            return []
        return [
            "// state4: code that runs in ingress and egress cannot ask for the clone of either.",
            f"{m}.asked = 0;",
            f"if ({m}.on == {CLONE}) {{",
            f"    {m}.asked = 1;",
            f"    {self._clone(kind)}",
            "}",
        ]

    # ------------------------------------------------------------ inside the user's code

    def header_field(self) -> str:
        return f"{self.prefix}_packet_in_t {self.prefix};"

    def metadata_field(self) -> str:
        return f"{self.prefix}_meta_t {self.prefix};"

    def ingress_start(self, meta: str, standard: str) -> list[str]:
        m, p = f"{meta}.{self.prefix}", self.prefix
        lines = [
            f"{self.layout.flag_register}.read({m}.on, 0);  // state4: the clone flag",
            f"{m}.count = 0;",
            *([f"{m}.egress = 0;"] if self.again or self.asks_early else []),
            *([f"{m}.shared = 0;"] if self.shares else []),
        ]
        if self.layout.waits:
            lines += [
                "// state4: packets wait while the last updates of the program before are written.",
                f"if ({m}.on == {WAIT} || {standard}.packet_length == {len(WAKE)}) {{",
                f"    {p}_wait({m}, {standard});",
                f"    if ({m}.on == {_ENDS}) {{",
                "        return;",
                "    }",
                "}",
                f"if ({m}.waited == 1) {{",
                f"    {standard}.instance_type = 0;",
                f"    {standard}.ingress_port = {m}.port;",
                f"    {standard}.ingress_global_timestamp = {m}.time;",
                f"    {m}.waited = 0;",
                "}",
            ]
        if self.layout.counters:
            lines.append(f"{m}.size = {standard}.packet_length;")
        return [*lines, *self._ask_early(m, "I2E")]

    def emit(self, packet: str, headers: str) -> str:
        return f"{packet}.emit({headers}.{self.prefix});  // state4: valid in its clones only"

    def egress_start(self, headers: str, meta: str, standard: str) -> list[str]:
        """Lines at the start of egress: a clone of ours becomes its header and takes no part in the program."""
        m, h = f"{meta}.{self.prefix}", f"{headers}.{self.prefix}"
        copies = ["seq", "egress", "count"]
        copies += [f"{name}_{k}" for k in range(self.layout.slots) for name in ("component", "index", "value")]
        copies_ours = f" && ({m}.shared == 0 || {standard}.egress_rid == {REPLICA})" if self.shares else ""
        lines = [
            "// state4: its clones carry their updates to the CPU port and take no other part in this program.",
            f"if ({m}.count != 0 && ({standard}.instance_type == 1 || {standard}.instance_type == 2){copies_ours}) {{",
            f"    {h}.setValid();",
            *(f"    {h}.{name} = {m}.{name};" for name in copies),
            f"    {h}.program = 56w0x{self.layout.fingerprint:014x};",
            f"    {h}.ether_type = 16w0x{ETHER_TYPE:x};",
            *self._truncate(m),
            "    return;",
            "}",
            *self.copies_without_updates(standard, m),
        ]
        if self.again and not self.egress:
            lines.append(f"{m}.count = 0;")
        if self.shares:
            lines.append(f"{m}.shared = 0;")
        if self.egress:
            lines += [
                "// state4: egress has a clone of its own.",
                f"{m}.egress = 1;",
                f"{m}.count = 0;",
                f"{self.layout.flag_register}.read({m}.on, 0);",
            ]
            if self.layout.waits:  # packets that are past ingress already
                lines += [f"if ({m}.on == {WAIT}) {{", f"    {m}.on = {CLONE};", "}"]
            if self.layout.counters:  # a clone of the program's own
                lines += [f"if ({m}.size == 0) {{", f"    {m}.size = {standard}.packet_length;", "}"]
            lines += self._ask_early(m, "E2E")
        return lines

    def copies_without_updates(self, standard: str, m: str = "") -> list[str]:
        """Lines at the start of egress that end copies for State4 where the packet wrote nothing: those of sessions of
        the program's own, and those that were asked for early. `m`: the updates, if there are any."""
        own = [f"{standard}.egress_rid == {REPLICA}"] if self.clones else []
        if m and self.asks_early:
            own.append(f"({m}.asked == 1 && {m}.shared == 0)" if self.shares else f"{m}.asked == 1")
        if not own:
            return []
        which = own[0] if len(own) == 1 else f"({' || '.join(own)})"
        return [
            "// state4: a copy without updates",
            f"if (({standard}.instance_type == 1 || {standard}.instance_type == 2) && {which}) {{",
            f"    mark_to_drop({standard});",
            "    return;",
            "}",
        ]

    def _truncate(self, m: str) -> list[str]:
        whole = f"truncate(32w{self.layout.header_bytes});"
        if not self.layout.waits:
            return [f"    {whole}"]
        marker = f"truncate(32w{FIXED_BYTES});"
        return [
            f"    if ({m}.count == {MARKER_COUNT}) {{",
            f"        {marker}",
            "    } else {",
            f"        {whole}",
            "    }",
        ]


assert FIXED_BYTES == (32 + 1 + 7 + 56 + 16) // 8
