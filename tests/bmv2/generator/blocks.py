"""Random statements, actions and tables of one control."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bmv2.generator.entries import Table
from tests.bmv2.generator.expressions import WIDTHS, Expressions, Value, type_text
from tests.bmv2.generator.shape import SMALL, Shape
from tests.bmv2.scenario import PORTS

_PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
_INGRESS_STANDARD = (
    Value("standard_metadata.ingress_port", 9),
    Value("standard_metadata.packet_length", 32),
    Value("standard_metadata.instance_type", 32),
    Value("standard_metadata.ingress_global_timestamp", 48),
)
_EGRESS_STANDARD = (
    Value("standard_metadata.packet_length", 32),
    Value("standard_metadata.instance_type", 32),
    Value("standard_metadata.egress_port", 9),
    Value("standard_metadata.egress_rid", 16),
    Value("standard_metadata.egress_global_timestamp", 48),
)
_ALGORITHMS = ("crc16", "crc32", "csum16", "xor16", "identity")
_COUNTED = ("packets", "bytes", "packets_and_bytes")
Params = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _Register:
    name: str
    width: int
    signed: bool
    cells: int

    @property
    def type(self) -> str:
        return type_text(self.width, self.signed)


class Block:
    """One control: its declarations and its statements."""

    def __init__(self, shape: Shape, name: str, egress: bool) -> None:
        self.shape = shape
        self.random = shape.random
        self.name = name
        self.egress = egress
        standard = _EGRESS_STANDARD if egress else _INGRESS_STANDARD
        self.base = [*shape.fields, *shape.metadata, *standard]
        self.expressions = Expressions(self.random, self.base)
        self.registers = [self._register(number) for number in range(self.random.randint(1, 3))]
        counters = range(self.random.randint(0, 2))
        self.counters = [(f"c{n}", self.random.choice((1, 4, 8)), self.random.choice(_COUNTED)) for n in counters]
        self.tables: list[Table] = []
        self._names = 0
        self._declarations = ""
        for _ in range(self.random.randint(0, 3)):
            self.tables.append(self._table())

    def text(self, body: str) -> str:
        """The text of the control; everything in `body` requires a valid header."""
        lines = [(r.name, f"    register<{r.type}>({r.cells}) {r.name};\n") for r in self.registers]
        lines += [(name, f"    counter({size}, CounterType.{kind}) {name};\n") for name, size, kind in self.counters]
        used = "".join(line for name, line in lines if f" {name}." in self._declarations + body)
        return (
            f"control {self.name}({_PARAMS}) {{\n{used}{self._declarations}    apply {{\n"
            f"        if (hdr.h.isValid()) {{\n{body}        }}\n    }}\n}}\n"
        )

    # ---- declarations ----

    def _fresh(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    def _register(self, number: int) -> _Register:
        width = self.random.choice(WIDTHS)
        signed = width > 1 and self.random.random() < 0.2
        return _Register(f"r{number}", width, signed, self.random.choice((1, 4, 8, 16)))

    def _action(self) -> tuple[str, Params]:
        name = self._fresh("act")
        params = [(f"p{n}", self.random.choice(WIDTHS)) for n in range(self.random.randint(0, 2))]
        self.expressions.scope = self.base + [Value(*param) for param in params]
        body = "".join(self.simple("        ") for _ in range(self.random.randint(1, 3)))
        for param, _ in params:  # each is read
            target = self.shape.target(unsigned=True)
            body += f"        {target.text} = ({target.type})({param});\n"
        self.expressions.scope = self.base
        text = ", ".join(f"{type_text(width)} {param}" for param, width in params)
        self._declarations += f"    action {name}({text}) {{\n{body}    }}\n"
        return name, tuple(params)

    def _kinds(self) -> list[str]:
        """At most one lpm key, and not together with kinds that use priorities."""
        first = self.random.choice(("exact", "exact", "lpm", "ternary", "range", "optional"))
        others = ("exact",) if first == "lpm" else ("exact", "ternary", "range", "optional")
        return [first, *(self.random.choice(others) for _ in range(self.random.randint(0, 2)))]

    def _table(self) -> Table:
        actions = [self._action() for _ in range(self.random.randint(1, 3))]
        name = self._fresh("tab")
        keys: list[tuple[str, str, int]] = []
        for kind in self._kinds():
            taken = {key for key, _, _ in keys}
            pool = [value for value in (*SMALL, *self.base) if not value.signed and value.text not in taken]
            if kind == "lpm":  # of other fields bmv2 counts the padding in front as part of the prefix
                pool = [value for value in pool if value.width % 8 == 0]
            small = [value for value in SMALL if value in pool]
            value = self.random.choice(small if small and self.random.random() < 0.6 else pool)
            keys.append((value.text, kind, value.width))
        default = self.random.choice([action for action, params in actions if not params] or ["NoAction"])
        names = [action for action, _ in actions]
        if default == "NoAction" or self.random.random() < 0.5:
            names.append("NoAction")
        hits = ""
        if self.random.random() < 0.4:
            hits = f"        counters = {name}_hits;\n"
            self._declarations += f"    direct_counter(CounterType.packets_and_bytes) {name}_hits;\n"
        fields = "".join(f"            {field} : {kind};\n" for field, kind, _ in keys)
        listed = "".join(f"            {action};\n" for action in names)
        self._declarations += (
            f"    table {name} {{\n        key = {{\n{fields}        }}\n        actions = {{\n{listed}        }}\n"
            f"        default_action = {default}();\n{hits}    }}\n"
        )
        return Table(f"{self.name}.{name}", tuple(keys), tuple((f"{self.name}.{a}", p) for a, p in actions))

    # ---- statements ----

    def simple(self, indent: str) -> str:
        """A statement that is also allowed in an action."""
        kind = self.random.random()
        if kind < 0.1 and self.counters:
            name, size, _ = self.random.choice(self.counters)
            return f"{indent}{name}.count({self._index(size)});\n"
        if kind < 0.18:
            return self._part(indent)
        if kind < 0.28 and not self.egress:
            return f"{indent}standard_metadata.egress_spec = {self.random.choice(PORTS)};\n"
        if kind < 0.36:
            return self._hash(indent)
        if kind < 0.6:
            return self._use_register(indent)
        target = self.shape.target()
        return f"{indent}{target.text} = {self.expressions.expression(target.width, target.signed, 3)};\n"

    def _part(self, indent: str) -> str:
        """A slice of a value."""
        target = self.shape.target(unsigned=True)
        low = self.random.randrange(target.width)
        width = self.random.randint(1, target.width - low)
        value = self.expressions.expression(width, False, 2)
        return f"{indent}{target.text}[{low + width - 1}:{low}] = {value};\n"

    def _use_register(self, indent: str) -> str:
        register = self.random.choice(self.registers)
        index = self._index(register.cells)
        if self.random.random() < 0.5:
            value = self.expressions.expression(register.width, register.signed, 2)
            return f"{indent}{register.name}.write({index}, {value});\n"
        name = self._fresh("v")
        text = f"{indent}{register.type} {name};\n{indent}{register.name}.read({name}, {index});\n"
        if self.random.random() < 0.5:
            more = self.expressions.expression(register.width, register.signed, 1)
            text += f"{indent}{register.name}.write({index}, {name} + {more});\n"
        target = self.shape.target(unsigned=True)
        bits = f"({type_text(register.width)}){name}" if register.signed else name
        return f"{text}{indent}{target.text} = ({target.type})({bits});\n"

    def _index(self, size: int) -> str:
        """An index in range: sizes are powers of two."""
        return "0" if size == 1 else f"(bit<32>)({self.random.choice(SMALL).text} & {size - 1})"

    def _hash(self, indent: str) -> str:
        target = self.shape.target(unsigned=True)
        some = self.random.sample(self.shape.fields, self.random.randint(1, 3))
        data = ", ".join([*(value.text for value in some if value.width % 8 == 0), "hdr.h.op"])
        most = (1 << target.width) - 1
        base, size = min(self.random.choice((0, 1, 7)), most), min(self.random.choice((1, 5, 16, 100, 255)), most)
        width, kind = target.width, self.random.choice(_ALGORITHMS)
        return f"{indent}hash({target.text}, HashAlgorithm.{kind}, {width}w{base}, {{ {data} }}, {width}w{size});\n"

    def block(self, depth: int, indent: str) -> str:
        """A few statements of an apply block."""
        return "".join(self._statement(depth, indent) for _ in range(self.random.randint(1, 4)))

    def _statement(self, depth: int, indent: str) -> str:
        kind = self.random.random()
        if kind < 0.2 and depth:
            inner = indent + "    "
            text = f"{indent}if ({self.expressions.condition()}) {{\n{self.block(depth - 1, inner)}{indent}}}"
            if self.random.random() < 0.5:
                text += f" else {{\n{self.block(depth - 1, inner)}{indent}}}"
            return text + "\n"
        if kind < 0.27 and self.shape.optional:
            return f"{indent}if (hdr.o.isValid()) {{\n{self._with_optional(indent + '    ')}{indent}}}\n"
        if kind < 0.33 and self.shape.stack:
            return self._stack(indent)
        if kind < 0.38 and depth < 2:
            leave = self.random.choice(("exit", "return"))
            return f"{indent}if (hdr.h.op == {self.random.randrange(16)}) {{ {leave}; }}\n"
        if kind < 0.43:
            return f"{indent}if (hdr.h.op == {self.random.randrange(16)}) {{ mark_to_drop(standard_metadata); }}\n"
        return self.simple(indent)

    def _with_optional(self, indent: str) -> str:
        if self.random.random() < 0.2:
            return f"{indent}hdr.o.setInvalid();\n"
        field = self.random.choice(self.shape.optional)
        self.expressions.scope = [*self.base, *self.shape.optional]
        value = self.expressions.expression(field.width, field.signed, 2)
        text = f"{indent}{field.text} = {value};\n{self.simple(indent)}"
        self.expressions.scope = self.base
        return text

    def _stack(self, indent: str) -> str:
        kind = self.random.random()
        if kind < 0.3:
            return f"{indent}hdr.s.pop_front(1);\n"
        if kind < 0.6:
            value = self.expressions.expression(7, False, 1)
            return (
                f"{indent}hdr.s.push_front(1);\n{indent}hdr.s[0].setValid();\n"
                f"{indent}hdr.s[0].last = 0;\n{indent}hdr.s[0].tag = {value};\n"
            )
        return f"{indent}if (hdr.s[1].isValid()) {{\n{indent}    hdr.s[1].tag = hdr.s[1].tag + 1;\n{indent}}}\n"

    def apply_tables(self, indent: str) -> list[str]:
        """One statement for each table."""
        return [self._apply(table, indent) for table in self.tables]

    def _apply(self, table: Table, indent: str) -> str:
        kind = self.random.random()
        name = table.name.split(".")[-1]
        if kind < 0.4:
            return f"{indent}{name}.apply();\n"
        if kind < 0.7:
            word = self.random.choice(("hit", "miss"))
            return f"{indent}if ({name}.apply().{word}) {{\n{self.block(0, indent + '    ')}{indent}}}\n"
        cases = "".join(
            f"{indent}    {action.split('.')[-1]} : {{\n{self.block(0, indent + '        ')}{indent}    }}\n"
            for action, _ in table.actions[:2]
        )
        return f"{indent}switch ({name}.apply().action_run) {{\n{cases}{indent}    default : {{ }}\n{indent}}}\n"
