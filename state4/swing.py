"""Swing State between two switches, as its own paper has it (Luo, Yu, Vanbever, SOSR 2017): the P4 code for it.

A program's own text with the code added by which updates of its hard state travel in packets to a neighbour and back
(`state4.instrumentation.swing_code`). Hard state is what traffic does not rewrite by itself; which registers are,
the caller says. It is what experiments compare State4 with, and no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from p4front.elaborate.contexts import enclosing_control
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.includes import LIBRARY, search_path
from p4front.text.source import Diagnostic, P4Error, SourceFile
from p4front.types.types import StructType
from state4.cam import Analysis, Write
from state4.errors import UnknownComponent
from state4.instrumentation.bits import as_bits
from state4.instrumentation.edits import Inliner, above_comment, code_position, editable
from state4.instrumentation.free_numbers import field_list
from state4.instrumentation.parameters import AddedParameters
from state4.instrumentation.program_editor import ProgramEditor
from state4.instrumentation.swing_code import HardState, SwingCode


def instrument_swing(program: Program, analysis: Analysis, hard: Sequence[str]) -> str:
    """The text of a program with Swing State for the registers `hard` (by the end of their names), which state packets
    number in that order.

    Raises UnknownComponent, and P4Error, with places, for a program without a struct as metadata, a hard register that
    is written by code of several instances, in egress or by a macro, and one that has all field lists in use."""
    return _Swing(program, analysis, _hard_state(analysis, hard)).run()


def _hard_state(analysis: Analysis, names: Sequence[str]) -> tuple[HardState, ...]:
    found = []
    for number, name in enumerate(names, start=1):
        matching = [c for c in analysis.registers if c.name == name or c.name.endswith(f".{name}")]
        if len(matching) != 1:
            raise UnknownComponent(f"there is no one register {name}; there are {len(matching)}")
        register = matching[0]
        found.append(HardState(number, register.name, register.cells or 0, register.width or 0))
    return tuple(found)


class _Swing(ProgramEditor):
    prefix = "swing"

    def __init__(self, program: Program, analysis: Analysis, hard: tuple[HardState, ...]) -> None:
        super().__init__(program, {block: root.decl for block, root in analysis.roots.items()})
        self.analysis = analysis
        self.hard = {register.name: register for register in hard}
        self.writes = [w for w in analysis.writes if w.kind == "register" and set(w.components) & set(self.hard)]
        number, free = field_list(program)
        if not free:
            raise P4Error(
                Diagnostic("all field lists are in use, and state packets need one", self.roots["ingress"].span)
            )
        decl = next(
            d for d in program.syntax.declarations if isinstance(d, ast.ExternDecl) and d.name.text == "register"
        )
        self.code = SwingCode(hard, max(1, len(self.writes)), number, len(decl.type_params) > 1)

    def run(self) -> str:
        headers, metadata = self._struct("deparser", 1, "headers"), self._struct("ingress", 1, "user metadata")
        parameters = AddedParameters(
            self.program, self.analysis.contexts, self.analysis.numbers, metadata, self.edits, self.prefix, 8
        )
        restored: set[tuple[ast.Node, str]] = set()
        for write in self.writes:
            self._note(write, parameters)
            self._restore(write, headers, restored)
        users: list[ast.Node | None] = [
            *self.roots.values(),
            *(w.call for w in self.writes),
            headers.decl,
            metadata.decl,
        ]
        users += parameters.apply()
        self._add_field(headers, "swing_t swing;")
        self._add_field(metadata, "swing_meta_t swing;")
        ingress, egress, deparser = (self._control(block) for block in ("ingress", "egress", "deparser"))
        h, m, standard = (p.name.text for p in ingress.params)
        self._at_start(ingress, self.code.ingress_start(h, m, standard))
        h, m, standard = (p.name.text for p in egress.params)
        self._at_start(egress, self.code.egress_start(h, m, standard))
        packet, h = (p.name.text for p in deparser.params)
        self._at_start(deparser, [f"{packet}.emit({h}.swing);"])
        self._parser()
        first = self._first_top(users)
        span = editable(first.span)
        start = min([span.start, *(a.span.start for a in getattr(first, "annotations", []))])
        self.edits.insert(span.file, above_comment(span.file, start), self.code.declarations())
        inliner = Inliner(self.edits, self.program.files, search_path(()), _is_library, "SWING", frozenset())
        return inliner.render(self.program.files[0])[0]

    def _one(self, write: Write) -> HardState:
        if len(write.components) != 1 or "egress" in write.blocks:
            message = "this writes hard state of several instances, or in egress; Swing State cannot follow it"
            raise P4Error(Diagnostic(message, write.place))
        return self.hard[write.components[0]]

    def _note(self, write: Write, parameters: AddedParameters) -> None:
        register = self._one(write)
        index, value = self._arguments(write)
        assert value is not None
        cell = self._cell_type(self.program.calls[write.call].object)
        text = self.code.note(
            parameters.slots(self._code_of(write.call), write.call),
            register.number,
            as_bits(self.program, index, 32),
            as_bits(self.program, value, 64, cell),
        )
        self._after_statement(self._statement(write.call), text)

    def _restore(self, write: Write, headers: StructType, restored: set[tuple[ast.Node, str]]) -> None:
        """Where the register can be named: at the start of the control that writes it."""
        register = self._one(write)
        control = enclosing_control(self.program, write.call)
        called = self.program.calls[write.call].object
        assert control is not None and called is not None
        param = next((p for p in control.params if self._is(p, headers)), None)
        if param is None:
            raise P4Error(
                Diagnostic("this control gets no headers, so no state packet reaches its state", control.span)
            )
        if (control, register.name) not in restored:
            restored.add((control, register.name))
            name = editable(called.span).text
            self._at_start(control, self.code.restore(param.name.text, register.number, name, register.width))

    def _is(self, param: ast.Parameter, struct: StructType) -> bool:
        type_ = self.program.declared.get(param)
        return isinstance(type_, StructType) and type_.decl is struct.decl

    def _parser(self) -> None:
        decl = self.roots["parser"]
        assert isinstance(decl, ast.ParserDecl)
        packet, headers = decl.params[0].name.text, decl.params[1].name.text
        start = next(state for state in decl.states if state.name.text == "start")
        span = editable(start.span)
        brace = code_position(span.file, span.start, "{")
        self.edits.insert(span.file, brace + 1, self.code.parser_start(packet, headers))


def _is_library(file: SourceFile) -> bool:
    return Path(file.path).resolve().is_relative_to(LIBRARY)
