"""What instrumentation refuses, with the places and the reason."""

from __future__ import annotations

from collections.abc import Mapping

from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error
from state4.analysis.cells import leaf_types
from state4.cam import SENDERS, Analysis, Component
from state4.instrumentation.edits import editable
from state4.instrumentation.running import COMPONENTS
from state4.instrumentation.whole_structs import WholeUse, whole_structs
from state4.instrumentation.whole_values import WholeValue


def check_sizes(analysis: Analysis) -> None:
    """Raises P4Error with every reason why no map of the program's registers can be made."""
    _already_instrumented(analysis.program)
    found = [_without_size(c) for c in analysis.registers if c.cells is None]
    if found:
        raise P4Error(found)


def check(
    analysis: Analysis, roots: Mapping[str, ast.ParserDecl | ast.ControlDecl]
) -> tuple[list[WholeUse], list[WholeValue]]:
    """Raises P4Error with every reason why a program's updates cannot be cloned; otherwise gives the places where the
    fields of a whole struct are to be listed, and those where an added field needs a value."""
    program = analysis.program
    _already_instrumented(program)
    found = [*_writes(analysis), *_values(analysis)]
    listed: list[WholeUse] = []
    values: list[WholeValue] = []
    if analysis.slots:
        refused, listed, values = whole_structs(program, roots)
        found += refused
    if found:
        raise P4Error(found)
    return listed, values


def _already_instrumented(program: Program) -> None:
    for decl in program.syntax.declarations:
        if isinstance(decl, ast.Instantiation) and decl.annotation(COMPONENTS) is not None:
            message = "this program is instrumented already; give State4 the original"
            raise P4Error(Diagnostic(message, editable(decl.name.span)))


def _writes(analysis: Analysis) -> list[Diagnostic]:
    """Register writes where v1model can make no clone."""
    found = []
    for write in analysis.writes:
        others = [block for block in write.blocks if block not in SENDERS]
        if write in analysis.updates and others:
            message = f"this write in the {others[0]} cannot be followed: v1model clones in ingress and egress only"
            found.append(Diagnostic(message, write.place))
    return found


def _values(analysis: Analysis) -> list[Diagnostic]:
    """Registers whose cells cannot be cast to bits."""
    found = []
    for obj, number in analysis.numbers.items():
        if obj.kind == "counter":
            continue
        cell = obj.type_args[0] if obj.type_args else None
        component = analysis.registers[number - 1]
        if cell is None or leaf_types(cell) is None or not component.width:
            message = (
                f"cells of register {obj.name} are of type {cell}, which P4 cannot cast to bits; State4 carries "
                "numbers, bool, enums with an underlying type, and structs, headers and tuples of them"
            )
            found.append(Diagnostic(message, component.place))
        elif component.cells is None:
            found.append(_without_size(component))
    return found


def _without_size(register: Component) -> Diagnostic:
    return Diagnostic(f"cannot tell how many cells register {register.name} has", register.place)


def parses_metadata(program: Program, parser: ast.ParserDecl | ast.ControlDecl) -> bool:
    """Whether the parser looks at the standard metadata. A packet that is resubmitted is parsed again, and bmv2 then
    parses it with other metadata."""
    standard = parser.params[3]
    return any(isinstance(node, ast.PathExpr) and program.referent(node) is standard for node in parser.walk())
