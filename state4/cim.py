"""CIM, the Code Instrumentation Module: a program's own text with the cloning of its state updates added, or a map of
where they were (`state4.instrumentation.map_code`), or both.

What cloning adds (`state4.instrumentation.inserted_code`): a header for the CPU port, slots in the user metadata, the
clone flag, a call after each register write, code at the start of egress that turns a clone into that header, and its
emission in the deparser. Everything else stays as it was written. Included files become part of the text, so that the
result is self-contained.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from p4front.p4info.typespec import translation
from p4front.program import Program
from p4front.syntax import ast
from p4front.syntax.annotations import text_argument
from p4front.text.includes import LIBRARY, search_path
from p4front.text.source import Diagnostic, P4Error, SourceFile
from p4front.types.types import BitType, NewType, Type, strip
from state4.analysis.cells import leaf_types, leaf_width
from state4.analysis.hashes import index_hashes
from state4.cam import SENDERS, Analysis, Component, Write, analyse
from state4.clones.header import COUNT_BITS, CloneLayout, LayoutComponent
from state4.dirty.layout import WORD_BITS, MapLayout, best_shift
from state4.instrumentation.bits import as_bits, is_repeatable
from state4.instrumentation.edits import (
    Inliner,
    InMacro,
    Ranges,
    above_comment,
    editable,
    merged,
    moved,
)
from state4.instrumentation.free_numbers import DEFAULT_SESSION, chosen_session, field_list
from state4.instrumentation.inserted_code import InsertedCode
from state4.instrumentation.macros import expand_macros, in_macros
from state4.instrumentation.map_code import INDEX_BITS, MapCode
from state4.instrumentation.parameters import AddedParameters
from state4.instrumentation.program_editor import ProgramEditor
from state4.instrumentation.refusals import check, check_sizes, parses_metadata
from state4.instrumentation.shared_clones import SharedClones, field_lists
from state4.instrumentation.whole_structs import list_fields
from state4.instrumentation.whole_values import complete

_IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*\b")


class Track(str, Enum):
    """How the control plane follows the updates of a program. CLONES: clones of packets carry them. MAP: a dirty map
    says where they were, for strategy precopy. BOTH: either can be used."""

    CLONES = "clones"
    MAP = "map"
    BOTH = "both"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class InstrumentOptions:
    """`track`: how updates are followed; `session`: the clone session that the control plane will point at the CPU
    port; None: one that neither the program nor `avoid` uses."""

    track: Track = Track.CLONES
    session: int | None = None
    avoid: frozenset[int] = frozenset()
    include_dirs: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Instrumented:
    """An instrumented program. `text` includes core.p4 and v1model.p4 only; without its `additions` ([start, end) each)
    it is the user's own file."""

    text: str
    layout: CloneLayout
    additions: tuple[tuple[int, int], ...] = ()
    inlined: tuple[str, ...] = field(default=())
    map: MapLayout | None = None


def instrument(program: Program, analysis: Analysis, options: InstrumentOptions | None = None) -> Instrumented:
    """Adds the cloning of register writes to a program, or marks in a dirty map.

    Raises P4Error, with places, for what v1model cannot do or we do not: a program that is instrumented already; where
    clones are to carry updates also writes in parsers, a clone of the program's own in the same pass as a write that
    cannot carry it, metadata that is not a struct."""
    options = options or InstrumentOptions()
    added: Ranges = ()
    while True:
        try:
            result = _Instrumenter(program, analysis, options).run(added)
        except InMacro as places:
            program, added = expand_macros(program, places, added)
            analysis = analyse(program, counts=analysis.counts, follow=options.track is not Track.MAP)
        else:
            return result


class _Instrumenter(ProgramEditor):
    def __init__(self, program: Program, analysis: Analysis, options: InstrumentOptions) -> None:
        super().__init__(program, {block: root.decl for block, root in analysis.roots.items()})
        self.analysis = analysis
        self.options = options
        self.clones = options.track is not Track.MAP
        if options.track is not Track.CLONES:
            check_sizes(analysis)
        self.listed, self.values = check(analysis, self.roots) if self.clones else ([], [])
        components = tuple(LayoutComponent(c.name, c.cells or 0, c.width or 0) for c in analysis.registers)
        self.prefix = _prefix(program)
        slots = analysis.slots if self.clones else 0
        waits = slots > 0 and not parses_metadata(program, self.roots["parser"])
        counters = tuple(LayoutComponent(c.name, c.cells or 0, COUNT_BITS) for c in analysis.counters)
        session = chosen_session(program, options.session, options.avoid)
        number, free = field_list(program) if self.clones else (0, True)
        shared = (analysis.shared if free else analysis.clones) if slots else ()
        self.layout = CloneLayout(
            components,
            slots,
            session,
            self.prefix,
            waits and free,  # a packet that waits would come back with what the program preserves for others
            analysis.adding,
            counters,
            frozenset(known for clone in shared for known in clone.sessions or ()),
            any(clone.sessions is None for clone in shared),
        )
        self.code = InsertedCode(
            layout=self.layout,
            field_list=number,
            controller_header=_controller_header(program, self.prefix),
            index_parameter=_register_arity(program) > 1,
            index_argument=_widest_index(analysis),
            passes=frozenset(_passes(w) for w in analysis.updates if _passes(w)),
            widths=_widths(analysis),
            hashes=_hashes(analysis),
            joined=tuple(n for n in field_lists(program, shared) if n != number),
            clones=bool(analysis.clones),
            free_list=free,
            externs=_extern_functions(program),
        )
        self.shared = shared
        self.map: MapCode | None = None
        if options.track is not Track.CLONES:
            annotations = "" if self.clones else self.code.component_annotations()
            layout = MapLayout.of(f"{self.prefix}_map", [_blocks(c) for c in analysis.registers])
            self.map = MapCode(layout, self.prefix, self.code.register(WORD_BITS), annotations)

    def run(self, expanded: Ranges) -> Instrumented:
        """`expanded`: where the main file's text has expansions of macros. Raises InMacro where more are needed."""
        users: list[ast.Node | None] = [*self.roots.values()]
        cloned = [w for w in self.analysis.updates if _passes(w)] if self.layout.slots else []
        marked = [w for w in self.analysis.writes if w.kind == "register"] if self.map is not None else []
        metadata = self._struct("ingress", 1, "user metadata") if self.layout.slots else None
        parameters = AddedParameters(
            self.program,
            self.analysis.contexts,
            self.analysis.numbers,
            metadata,
            self.edits,
            self.prefix,
            8 * self.layout.component_bytes,
        )
        followed = dict.fromkeys([*marked, *cloned])
        if places := in_macros(self.program, [w.call for w in followed] + [clone.call for clone in self.shared]):
            raise InMacro(places)
        for write in followed:
            calls = [self._mark(write, parameters)] if write in marked else []
            calls += [self._update(write, parameters)] if write in cloned else []
            self._after_statement(self._statement(write.call), " ".join(calls))
            users.append(write.call)
        if metadata is not None:
            headers = self._struct("deparser", 1, "headers")
            clones = SharedClones(
                self.program,
                self.shared,
                self.edits,
                self.code,
                lambda clone: parameters.slots(self._code_of(clone.call), clone.call),
            )
            for call, text in clones.statements():
                self._after_statement(self._statement(call), text)
            users += [headers.decl, metadata.decl, *parameters.apply()]
            clones.start()
            clones.finish(list_fields(self.listed, self.edits))
            complete(self.program, self.values, self.edits, self.prefix, self.code.no_updates())
            self._add_field(headers, self.code.header_field())
            self._add_field(metadata, self.code.metadata_field())
            self._ingress()
            self._egress()
            self._deparser()
        else:
            users += parameters.apply()
            if self.clones:
                self._copies()
        self._declarations(users)
        main = self.program.files[0]
        inliner = Inliner(
            self.edits,
            self.program.files,
            search_path(self.options.include_dirs),
            lambda file: Path(file.path).resolve().is_relative_to(LIBRARY),
            self.prefix.upper(),
            _repeated(self.program),
        )
        text, additions = inliner.render(main)
        additions = merged([*moved(expanded, additions), *additions])
        layout = self.map.layout if self.map is not None else None
        return Instrumented(text, self.layout, tuple(additions), tuple(f.path for f in inliner.inlined), layout)

    # ------------------------------------------------------------ edits

    def _number(self, write: Write, parameters: AddedParameters) -> str:
        """The expression for the number of the component that is written."""
        key = self.program.referent(self.program.calls[write.call].object)
        assert key is not None
        return parameters.number(self._code_of(write.call), (key,))

    def _mark(self, write: Write, parameters: AddedParameters) -> str:
        assert self.map is not None
        names = {c.name: c.number for c in self.analysis.registers}
        number = self._number(write, parameters)
        numbers, index = [names[n] for n in write.components], self._arguments(write)[0]
        if self.clones or is_repeatable(self.program, index):
            return self.map.mark(self.program, index, numbers, number)
        return self._mark_of_variable(write, index, self.map.place(numbers, number))

    def _mark_of_variable(self, write: Write, index: ast.Expr, place: str) -> str:
        """Where evaluating an index once more could change something, it is kept in a variable of a block around the
        write: an index is evaluated before the value, and nothing else of the statement before it."""
        span, statement = editable(index.span), self._statement(write.call)
        if "/*" in span.text or "//" in span.text:
            raise P4Error(Diagnostic("State4 puts this into a variable; write it without a comment inside", span))
        type_ = strip(self.program.types[index])
        width = type_.width if isinstance(type_, BitType) else INDEX_BITS
        name = f"{self.prefix}_at"
        self.edits.insert(statement.span.file, statement.span.start, f"{{ bit<{width}> {name} = {span.text}; ")
        self.edits.before(span, f"{name} /* ")
        self.edits.after(span, " */")
        return f"{self.prefix}_mark({place}, (bit<{INDEX_BITS}>){name}); }}"

    def _update(self, write: Write, parameters: AddedParameters) -> str:
        call, decl = self.program.calls[write.call], self._code_of(write.call)
        number = self._number(write, parameters)
        index, value = self._arguments(write)
        slots, width = parameters.slots(decl, write.call), 8 * self.layout.value_bytes
        update = ", ".join(
            (
                slots,
                number,
                as_bits(self.program, index, self.code.index_argument),
                as_bits(self.program, value, width, self._cell_type(call.object))
                if value is not None
                else f"(bit<{width}>){slots}.size",
            )
        )
        return f"{self.code.update_name(_passes(write))}({update});"

    def _ingress(self) -> None:
        if self.code.ingress or self.layout.waits or self.code.again:
            decl = self._control("ingress")
            self._at_start(decl, self.code.ingress_start(decl.params[1].name.text, decl.params[2].name.text))

    def _copies(self) -> None:
        decl = self._control("egress")
        if copies := self.code.copies_without_updates(decl.params[2].name.text):
            self._at_start(decl, copies)

    def _egress(self) -> None:
        decl = self._control("egress")
        headers, meta, standard = (p.name.text for p in decl.params)
        self._at_start(decl, self.code.egress_start(headers, meta, standard))

    def _deparser(self) -> None:
        decl = self._control("deparser")
        packet, headers = (p.name.text for p in decl.params)
        self._at_start(decl, [self.code.emit(packet, headers)])

    def _declarations(self, users: Sequence[ast.Node | None]) -> None:
        """Puts the added declarations before the first declaration that may use them."""
        order = {decl: i for i, decl in enumerate(self.program.syntax.declarations)}
        first = self._first_top(users)
        model = [i for decl, i in order.items() if _is_needed(decl, clones=self.clones)]
        if any(i > order[first] for i in model):
            message = "State4 adds declarations here that need v1model.p4; include it before this"
            raise P4Error(Diagnostic(message, first.span))
        span = editable(first.span)
        start = min([span.start, *(a.span.start for a in getattr(first, "annotations", []))])
        text = self.code.declarations() if self.clones else ""
        text += self.map.declarations() if self.map is not None else ""
        self.edits.insert(span.file, above_comment(span.file, start), text)


def _passes(write: Write) -> frozenset[str]:
    """The pipelines in which a write is cloned."""
    return frozenset(write.blocks) & set(SENDERS)


def _is_needed(decl: ast.Node, *, clones: bool) -> bool:
    """Whether the added declarations use this one of v1model.p4."""
    if isinstance(decl, ast.ExternDecl):
        return decl.name.text == "register"
    if isinstance(decl, ast.EnumDecl):
        return clones and decl.name.text == "CloneType"
    return clones and isinstance(decl, ast.ExternFunctionDecl) and decl.name.text == "clone_preserving_field_list"


def _widths(analysis: Analysis) -> tuple[tuple[int, ...], ...]:
    """Widths of the numbers in each register's cell, if P4Info gives others for some (translated types)."""
    cells = [leaf_types(obj.type_args[0]) or [] for obj in analysis.numbers if obj.kind == "register"]
    if not any(translation(type_) for leaves in cells for _, leaf in leaves for type_ in _named(leaf)):
        return ()
    return tuple(tuple(leaf_width(leaf) for _, leaf in leaves) for leaves in cells)


def _blocks(register: Component) -> tuple[str, int, int]:
    """Name, cells and block size of a register in the dirty map."""
    cells, width = register.cells or 0, register.width or 64
    return register.name, cells, best_shift(cells, -(-width // 8))


def _hashes(analysis: Analysis) -> tuple[str, ...]:
    found = index_hashes(analysis.program)
    return tuple(found.get(register.name, "") for register in analysis.registers)


def _named(type_: Type) -> Iterator[NewType]:
    """The `type` declarations that a type goes back to."""
    while isinstance(type_, NewType):
        yield type_
        type_ = type_.underlying


def _register_arity(program: Program) -> int:
    found = (d for d in program.syntax.declarations if isinstance(d, ast.ExternDecl) and d.name.text == "register")
    decl = next(found, None)
    return len(decl.type_params) if decl is not None else 1


def _extern_functions(program: Program) -> frozenset[tuple[str, int]]:
    """Names of extern functions, each with its number of parameters."""
    found = (decl for decl in program.syntax.declarations if isinstance(decl, ast.ExternFunctionDecl))
    return frozenset((decl.name.text, len(decl.params)) for decl in found)


def _widest_index(analysis: Analysis) -> int:
    """Bits of the widest index of a register write, 32 at least."""
    widths = [32]
    for write in analysis.writes:
        for arg in analysis.program.calls[write.call].args:
            if arg.param_name == "index" and arg.expr is not None and write in analysis.updates:
                type_ = strip(analysis.program.types[arg.expr])
                widths.append(type_.width if isinstance(type_, BitType) else 32)
    return max(widths)


def _own_files(program: Program) -> Iterator[SourceFile]:
    return (f for f in program.files if not Path(f.path).resolve().is_relative_to(LIBRARY))


def _prefix(program: Program) -> str:
    """ "state4", or "state4_2" and so on if the program has names that begin so."""
    used = {word for file in _own_files(program) for word in _IDENTIFIER.findall(file.text)}
    number = 1
    while True:
        prefix = "state4" if number == 1 else f"state4_{number}"
        if not any(word == prefix or word.startswith(f"{prefix}_") for word in used):
            return prefix
        number += 1


def _controller_header(program: Program, prefix: str) -> str:
    """The paper's "packet_in", or a name of our own if the program has a header of that name."""
    for decl in program.syntax.declarations:
        if isinstance(decl, ast.StructDecl) and text_argument(decl.annotations, "controller_header") == "packet_in":
            return f"{prefix}_packet_in"
    return "packet_in"


def _repeated(program: Program) -> frozenset[SourceFile]:
    """Files whose declarations the program has more than once."""
    seen: set[tuple[SourceFile, int]] = set()
    found: set[SourceFile] = set()
    for decl in program.syntax.declarations:
        key = (decl.span.file, decl.span.start)
        if key in seen and not decl.span.from_macro:
            found.add(decl.span.file)
        seen.add(key)
    return frozenset(found)


__all__ = ["DEFAULT_SESSION", "InstrumentOptions", "Instrumented", "Track", "instrument"]
