"""CAM, the Code Analysis Module: a program's stateful components, and every place that writes them.

Registers are numbered from 1 in order of declaration as instantiated, as the clones number them. Reads are not
recorded. Next to the list stands what the instrumentation needs: the largest size, the widest value, and the most
writes that one packet can make in one pass of ingress or egress.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from p4front.p4info.externs import table_object
from p4front.p4info.scope import ExternObject
from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error, Span
from p4front.types.types import IntType, ObjectType, strip, width_bits
from state4.analysis.instances import Instances, referent, scope_of
from state4.analysis.operations import Operation, operation
from state4.analysis.paths import MAX_UPDATES, Path, PathAnalysis, Paths

KINDS = ("register", "counter", "direct_counter", "meter", "direct_meter", "action_profile", "action_selector")
UPDATE_METHODS = {
    ("register", "write"),
    ("counter", "count"),
    ("meter", "execute_meter"),
    ("direct_counter", "count"),
    ("direct_meter", "read"),
}
CLONES = ("clone", "clone3", "clone_preserving_field_list")
SENDERS = ("ingress", "egress")
"""The blocks whose passes v1model can clone."""


@dataclass(frozen=True)
class Component:
    """One stateful component. `number`: 1, 2, ... of a register, 0 of everything else. `cells` and `width` (bits of a
    cell) are None where there is no such thing. `place`: its declaration. `name` is the control-plane name."""

    number: int
    kind: str
    name: str
    cells: int | None
    width: int | None
    signed: bool
    place: Span = field(repr=False, compare=False)

    @property
    def kib(self) -> float | None:
        """Size with cells packed to the bit."""
        return None if self.cells is None or self.width is None else self.cells * self.width / 8192


@dataclass(frozen=True, eq=False)
class Write:
    """One place where a packet changes a component.

    `components`: the names it may mean (several where the code has several instances). `index` and `value`: source text
    of the arguments ("" if the method has none). `block`s: ingress, egress, ... `inside`: enclosing control, action or
    function, outermost first."""

    components: tuple[str, ...]
    kind: str
    index: str
    value: str
    place: Span
    blocks: tuple[str, ...]
    inside: tuple[str, ...]
    operation: Operation
    call: ast.Call = field(repr=False)


@dataclass(frozen=True, eq=False)
class CloneCall:
    """A clone that the program asks for itself."""

    place: Span
    blocks: tuple[str, ...]
    call: ast.Call = field(repr=False)


@dataclass(frozen=True, eq=False)
class Analysis:
    """`paths`: the longest paths of ingress and egress, with register writes as updates. `counts`: counts of indirect
    counters are updates, too; counters are numbered then, after the registers."""

    program: Program = field(repr=False)
    instances: Instances = field(repr=False)
    components: tuple[Component, ...]
    writes: tuple[Write, ...]
    clones: tuple[CloneCall, ...]
    paths: dict[str, Paths] = field(repr=False)
    numbers: dict[ExternObject, int] = field(repr=False)
    counts: bool = False

    @property
    def counters(self) -> tuple[Component, ...]:
        """Indirect counters whose counts are cloned."""
        return tuple(c for c in self.components if c.kind == "counter" and self.counts)

    @property
    def updates(self) -> tuple[Write, ...]:
        """The writes that are cloned."""
        kinds = ("register", "counter") if self.counts else ("register",)
        return tuple(w for w in self.writes if w.kind in kinds)

    @property
    def registers(self) -> tuple[Component, ...]:
        return tuple(c for c in self.components if c.kind == "register")

    @property
    def largest_size(self) -> int:
        """Cells of the largest register."""
        return max((c.cells or 0 for c in self.registers), default=0)

    @property
    def widest_value(self) -> int:
        """Bits of the widest register cell."""
        return max((c.width or 0 for c in self.registers), default=0)

    @property
    def register_kib(self) -> float:
        return sum(c.kib or 0.0 for c in self.registers)

    def updates_in(self, block: str) -> tuple[Write, ...]:
        return tuple(w for w in self.updates if block in w.blocks)

    @property
    def adding(self) -> frozenset[str]:
        """Registers that packets write, and whose every write adds something to the cell."""
        writes = [w for w in self.writes if w.kind == "register"]
        written = {name for w in writes for name in w.components}
        return frozenset(written - {name for w in writes if w.operation.kind != "add" for name in w.components})

    def longest(self, block: str) -> Path:
        """A path of the block with the most register writes."""
        paths = self.paths.get(block, {}).values()
        return max(paths, key=lambda path: len(path.updates), default=Path())

    @property
    def slots(self) -> int:
        """Register writes on the longest path of any pass."""
        return max((len(self.longest(block).updates) for block in SENDERS), default=0)

    def component(self, name: str) -> Component | None:
        """The component of that control-plane name, or the only one whose name ends so (`pk_reg`)."""
        exact = [c for c in self.components if c.name == name]
        ending = [c for c in self.components if c.name.endswith(f".{name}")]
        return exact[0] if exact else ending[0] if len(ending) == 1 else None


def analyse(program: Program, *, counts: bool = False) -> Analysis:
    """Finds all state and all writes of a checked v1model program. `counts`: packets are cloned for counters, too.

    Raises P4Error, with the place, if the program has no main, uses another architecture, or makes a number of register
    writes that cannot be told."""
    if program.architecture != "V1Switch":
        found = f"it uses {program.architecture}" if program.architecture else "it has no main package"
        raise P4Error(Diagnostic(f"State4 needs a v1model program (V1Switch): {found}", _main_span(program)))
    instances = Instances(program)
    numbers: dict[ExternObject, int] = {}
    components = _components(program, instances, numbers, counts)
    cloned = [("register", "write"), *([("counter", "count")] if counts else [])]
    updates = PathAnalysis(program, instances, lambda call: _method(program, call) in cloned, is_clone)
    roots = {block: root.decl for block, root in instances.roots.items() if block in SENDERS}
    paths = {block: updates.block(decl) for block, decl in roots.items()}
    analysis = Analysis(
        program,
        instances,
        tuple(components),
        tuple(_writes(program, instances)),
        tuple(_clones(program, instances)),
        paths,
        numbers,
        counts,
    )
    for block in SENDERS:
        longest = analysis.longest(block).updates
        if len(longest) > MAX_UPDATES:
            state = "registers and counters" if counts else "registers"
            message = f"one packet can write {state} more than {MAX_UPDATES} times in {block}"
            raise P4Error(Diagnostic(message, longest[-1].span))
    return analysis


def _main_span(program: Program) -> Span | None:
    return program.main.span if program.main is not None else None


def is_clone(call: CallInfo) -> bool:
    return call.kind == "extern_function" and call.name in CLONES


def _method(program: Program, call: CallInfo) -> tuple[str, str]:
    """(extern type, method) of a method call on an extern object, ("", "") for anything else."""
    if call.kind != "method" or call.object is None:
        return "", ""
    type_ = program.types.get(call.object)
    return (type_.name, call.name) if isinstance(type_, ObjectType) and type_.kind == "extern" else ("", "")


# ---------------------------------------------------------------- components


def _components(
    program: Program, instances: Instances, numbers: dict[ExternObject, int], counts: bool
) -> list[Component]:
    found: list[Component] = []
    registers = sum(obj.type_name == "register" for obj, _ in instances.objects)
    counters = 0
    for obj, _ in instances.objects:
        if obj.type_name == "register":
            numbers[obj] = len(numbers) + 1 - counters
            width = strip(obj.type_args[0]) if obj.type_args else None
            bits = width_bits(width) if width is not None else None
            number, signed = numbers[obj], isinstance(width, IntType)
            found.append(Component(number, "register", obj.name, _size(obj), bits, signed, obj.decl.name.span))
        elif obj.type_name == "counter" and counts:
            counters += 1
            numbers[obj] = registers + counters
            found.append(Component(numbers[obj], "counter", obj.name, _size(obj), None, False, obj.decl.name.span))
        elif obj.type_name in KINDS:
            found.append(Component(0, obj.type_name, obj.name, _size(obj), None, False, obj.decl.name.span))
    for table, instance in instances.tables:
        name = instance.scope.name_of(table).removeprefix(".")
        size = table.property("size")
        value = instance.scope.value(size.value) if size is not None else 1024
        cells = value if isinstance(value, int) else None
        found.append(Component(0, "table", name, cells, None, False, table.name.span))
        found += _table_profile(table, instance.scope, name, found)
    for value_set, instance in instances.value_sets:
        name = instance.scope.name_of(value_set).removeprefix(".")
        value = instance.scope.value(value_set.size)
        cells = value if isinstance(value, int) else None
        found.append(Component(0, "value_set", name, cells, None, False, value_set.name.span))
    return found


def _table_profile(table: ast.TableDecl, scope: object, name: str, found: list[Component]) -> list[Component]:
    """An action profile that is constructed in the table's own property."""
    from p4front.p4info.scope import Scope, Table

    if not isinstance(scope, Scope):
        return []
    obj = table_object(Table(name, table, scope), "implementation")
    if obj is None or not isinstance(obj.decl, ast.TableProperty) or any(c.name == obj.name for c in found):
        return []
    return [Component(0, obj.type_name, obj.name, _size(obj), None, False, obj.decl.span)]


def _size(obj: ExternObject) -> int | None:
    """Cells of an array; None for direct objects, which have one per table entry."""
    value = obj.arguments.get("size")
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# ---------------------------------------------------------------- writes


def _writes(program: Program, instances: Instances) -> list[Write]:
    """Every update that a packet can make, in source order within the order of first use."""
    found: dict[ast.Call, tuple[list[str], list[str]]] = {}
    for contexts in instances.contexts.values():
        for context in contexts:
            scope = context.instance.scope if context.instance is not None else None
            for node in instances.body(context.decl, scope):
                call = program.calls.get(node) if isinstance(node, ast.Call) else None
                if not isinstance(node, ast.Call) or call is None or _method(program, call) not in UPDATE_METHODS:
                    continue
                decl = referent(program, call.object)
                target = context.resolve(decl) if decl is not None else None
                names, blocks = found.setdefault(node, ([], []))
                if isinstance(target, ExternObject) and target.name not in names:
                    names.append(target.name)
                if context.block not in blocks:
                    blocks.append(context.block)
    return [_write(program, node, names, blocks) for node, (names, blocks) in found.items()]


def _write(program: Program, node: ast.Call, names: list[str], blocks: list[str]) -> Write:
    call = program.calls[node]
    kind = _method(program, call)[0]
    texts = {a.param_name: a.expr.span.text for a in call.args if a.expr is not None}
    return Write(
        tuple(names),
        kind,
        texts.get("index", ""),
        texts.get("value", ""),
        node.span,
        tuple(blocks),
        _inside(program, node),
        operation(program, node) if kind == "register" else Operation("add", ""),
        node,
    )


def _clones(program: Program, instances: Instances) -> list[CloneCall]:
    found: dict[ast.Call, list[str]] = {}
    for contexts in instances.contexts.values():
        for context in contexts:
            scope = context.instance.scope if context.instance is not None else None
            for node in instances.body(context.decl, scope):
                call = program.calls.get(node) if isinstance(node, ast.Call) else None
                if isinstance(node, ast.Call) and call is not None and is_clone(call):
                    blocks = found.setdefault(node, [])
                    if context.block not in blocks:
                        blocks.append(context.block)
    return [CloneCall(node.span, tuple(blocks), node) for node, blocks in found.items()]


def _inside(program: Program, node: ast.Node) -> tuple[str, ...]:
    """Names of what is around a node, such as ("control Ingress", "action count")."""
    names: list[str] = []
    around: ast.Node | None = node
    while around is not None:
        around = program.parents.get(around)
        for type_, word in (
            (ast.ControlDecl, "control"),
            (ast.ParserDecl, "parser"),
            (ast.ParserState, "state"),
            (ast.ActionDecl, "action"),
            (ast.FunctionDecl, "function"),
        ):
            if isinstance(around, type_):
                names.append(f"{word} {around.name.text}")
    return tuple(reversed(names))


__all__ = ["Analysis", "CloneCall", "Component", "Write", "analyse", "scope_of"]
