"""CAM, the Code Analysis Module: a program's stateful components, and every place that writes them.

Registers are numbered from 1 in order of declaration as instantiated, as the clones number them. Reads are not
recorded. Next to the list stands what the instrumentation needs: the largest size, the widest value, and the most
writes that one packet can make in one pass of ingress or egress.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from p4front.elaborate import Elaboration, elaborate
from p4front.elaborate.contexts import Contexts
from p4front.elaborate.evaluate import evaluate
from p4front.elaborate.externs import STATEFUL
from p4front.elaborate.objects import ExternObject, Instance
from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error, Span
from p4front.types.types import ObjectType
from state4.analysis.operations import Operation, operation
from state4.analysis.paths import MAX_UPDATES, Path, PathAnalysis, Paths

BLOCKS = {"p": "parser", "vr": "verify", "ig": "ingress", "eg": "egress", "ck": "compute", "dep": "deparser"}
"""The parts of the switch, by the parameters of V1Switch."""
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
    """A clone that the program asks for itself. `sessions`: where to; None: that is known only at run time."""

    place: Span
    blocks: tuple[str, ...]
    sessions: frozenset[int] | None
    call: ast.Call = field(repr=False)


@dataclass(frozen=True, eq=False)
class Analysis:
    """`paths`: the longest paths of ingress and egress, with register writes as updates. `counts`: counts of indirect
    counters are updates, too; counters are numbered then, after the registers."""

    program: Program = field(repr=False)
    contexts: Contexts = field(repr=False)
    components: tuple[Component, ...]
    writes: tuple[Write, ...]
    clones: tuple[CloneCall, ...]
    paths: dict[str, Paths] = field(repr=False)
    numbers: dict[ExternObject, int] = field(repr=False)
    counts: bool = False

    @property
    def roots(self) -> dict[str, Instance]:
        """The parsers and controls of the switch, by block."""
        return {BLOCKS[block.role]: block.instance for block in elaborate(self.program).blocks}

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

    @property
    def adding(self) -> frozenset[str]:
        """Registers that packets write, and whose every write adds something to the cell."""
        writes = [w for w in self.writes if w.kind == "register"]
        written = {name for w in writes for name in w.components}
        return frozenset(written - {name for w in writes if w.operation.kind != "add" for name in w.components})

    @property
    def shared(self) -> tuple[CloneCall, ...]:
        """Clones of the program's own that may be asked for in one pass with a write. v1model makes one clone in each
        pass, so these have to carry the updates as well."""
        blocks = {
            block
            for block, paths in self.paths.items()
            if any(cloned and path.updates for (_, cloned), path in paths.items())
        }
        return tuple(clone for clone in self.clones if blocks & set(clone.blocks))

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


def analyse(program: Program, *, counts: bool = False, follow: bool = True) -> Analysis:
    """Finds all state and all writes of a checked v1model program. `counts`: packets are cloned for counters, too.
    `follow`: paths are followed, to know how many writes a clone has to carry.

    Raises P4Error, with the place, if the program has no main, uses another architecture, or the number of its register
    writes cannot be determined."""
    if program.architecture != "V1Switch":
        found = f"it uses {program.architecture}" if program.architecture else "it has no main package"
        raise P4Error(Diagnostic(f"State4 needs a v1model program (V1Switch): {found}", _main_span(program)))
    elaboration = elaborate(program)
    contexts = elaboration.contexts
    numbers: dict[ExternObject, int] = {}
    components = _components(elaboration, numbers, counts)
    cloned = [("register", "write"), *([("counter", "count")] if counts else [])]
    updates = PathAnalysis(lambda call: _method(program, call) in cloned, is_clone)
    roots = {BLOCKS[role]: root for role, root in contexts.roots.items()}
    paths = {block: updates.of(roots[block]) for block in SENDERS if block in roots and follow}
    analysis = Analysis(
        program,
        contexts,
        tuple(components),
        tuple(_writes(program, contexts)),
        tuple(_clones(program, contexts)),
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


def _components(elaboration: Elaboration, numbers: dict[ExternObject, int], counts: bool) -> list[Component]:
    numbered = elaboration.externs("register") + (elaboration.externs("counter") if counts else [])
    numbers.update({obj: number for number, obj in enumerate(numbered, 1)})
    found = [
        Component(numbers.get(obj, 0), obj.kind, obj.name, obj.size, obj.width, obj.signed, obj.place)
        for obj in elaboration.externs(*STATEFUL)
        if obj.tables or not obj.kind.startswith("direct_")  # without a table it has no cells
    ]
    found += [Component(0, "table", t.name, t.size, None, False, t.place) for t in elaboration.tables()]
    found += [Component(0, "value_set", v.name, v.size, None, False, v.place) for v in elaboration.value_sets()]
    return found


# ---------------------------------------------------------------- writes


def _writes(program: Program, contexts: Contexts) -> list[Write]:
    """Every update that a packet can make, in source order within the order of first use."""
    found: dict[ast.Call, tuple[list[str], list[str]]] = {}
    for context in contexts:
        for node in context.nodes:
            call = program.calls.get(node) if isinstance(node, ast.Call) else None
            if not isinstance(node, ast.Call) or call is None or _method(program, call) not in UPDATE_METHODS:
                continue
            target = context.named(call.object)
            names, blocks = found.setdefault(node, ([], []))
            if isinstance(target, ExternObject) and target.name not in names:
                names.append(target.name)
            if (block := BLOCKS[context.role]) not in blocks:
                blocks.append(block)
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


def _clones(program: Program, contexts: Contexts) -> list[CloneCall]:
    found: dict[ast.Call, tuple[list[str], set[int | None]]] = {}
    for context in contexts:
        for node in context.nodes:
            call = program.calls.get(node) if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and call is not None and is_clone(call):
                blocks, sessions = found.setdefault(node, ([], set()))
                if (block := BLOCKS[context.role]) not in blocks:
                    blocks.append(block)
                session = next(a.expr for a in call.args if a.param_name == "session")
                value = evaluate(context, session) if session is not None else None
                sessions.add(value if isinstance(value, int) else None)
    return [CloneCall(node.span, tuple(blocks), _known(sessions), node) for node, (blocks, sessions) in found.items()]


def _known(sessions: set[int | None]) -> frozenset[int] | None:
    known = frozenset(session for session in sessions if session is not None)
    return known if len(known) == len(sessions) else None


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


__all__ = ["Analysis", "CloneCall", "Component", "Write", "analyse"]
