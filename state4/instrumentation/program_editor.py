"""Additions to a checked program by what they mean: after a statement, at the start of a control, a field of a struct.

What instruments a program (`state4.cim`, `state4.swing`) derives from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from p4front.elaborate.contexts import enclosing_code
from p4front.elaborate.live import Code
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.includes import LIBRARY
from p4front.text.source import Diagnostic, P4Error
from p4front.types.types import ObjectType, StructType, Type
from state4.cam import Write
from state4.instrumentation.edits import Edits, editable, indentation


class ProgramEditor:
    """`roots`: the parsers and controls of the switch, by block. The additions are in `edits`."""

    def __init__(self, program: Program, roots: Mapping[str, ast.ParserDecl | ast.ControlDecl]) -> None:
        self.program = program
        self.roots = roots
        self.edits = Edits()

    def _struct(self, block: str, position: int, what: str) -> StructType:
        """The struct that a pipeline control has as its headers or metadata, at a place where it can be edited."""
        param = self.roots[block].params[position]
        type_ = self.program.declared.get(param)
        if not isinstance(type_, StructType) or type_.kind != "struct" or type_.decl is None:
            raise P4Error(Diagnostic(f"State4 adds a field to the {what}, so they must be a struct", param.span))
        if Path(type_.decl.span.file.path).resolve().is_relative_to(LIBRARY):
            raise P4Error(Diagnostic(f"State4 cannot add a field to this type of the {what}", param.span))
        return type_

    def _arguments(self, write: Write) -> tuple[ast.Expr, ast.Expr | None]:
        """Index and value."""
        arguments = {a.param_name: a.expr for a in self.program.calls[write.call].args}
        index = arguments["index"]
        assert index is not None
        return index, arguments.get("value")

    def _code_of(self, call: ast.Call) -> Code:
        decl = enclosing_code(self.program, call)
        assert decl is not None
        return decl

    def _statement(self, call: ast.Call) -> ast.Node:
        return self.program.parents[call]

    def _cell_type(self, register: ast.Expr | None) -> Type | None:
        type_ = self.program.types.get(register) if register is not None else None
        return type_.args[0] if isinstance(type_, ObjectType) and type_.args else None

    def _after_statement(self, statement: ast.Node, text: str) -> None:
        """Puts a statement after another one, in braces if that one stands alone under an if, else or for."""
        file, end = statement.span.file, statement.span.end
        if isinstance(self.program.parents[statement], ast.BlockStatement):
            self.edits.statement_after(file, end, text)
        else:
            self.edits.insert(file, statement.span.start, "{ ")
            self.edits.insert(file, end, f" {text} }}")

    def _add_field(self, type_: StructType, text: str) -> None:
        assert type_.decl is not None
        span = editable(type_.decl.span)
        file = span.file
        brace = file.text.rindex("}", span.start, span.end)
        line_start = file.text.rfind("\n", 0, brace) + 1
        if file.text[line_start:brace].strip():
            self.edits.insert(file, brace, f" {text} ")
        else:
            self.edits.insert(file, line_start, f"{indentation(file, brace)}    {text}\n")

    def _at_start(self, decl: ast.ControlDecl, lines: Sequence[str]) -> None:
        """Lines at the start of a control's apply block."""
        span = editable(decl.apply_.span)
        assert span.text.startswith("{")
        indent = indentation(span.file, span.start) + "    "
        text = "".join(f"\n{indent}{line}" for line in lines)
        rest = span.file.text[span.start + 1 :]
        if rest.split("\n", 1)[0].strip():  # code on the line of the brace, such as `apply { }`
            text += f"\n{indentation(span.file, span.start)}"
        self.edits.insert(span.file, span.start + 1, text)

    def _control(self, block: str) -> ast.ControlDecl:
        decl = self.roots[block]
        assert isinstance(decl, ast.ControlDecl)
        return decl

    def _first_top(self, users: Sequence[ast.Node | None]) -> ast.Node:
        """The first declaration of the program that holds one of these nodes."""
        tops = [_top(self.program, node) for node in users if node is not None]
        order = {decl: i for i, decl in enumerate(self.program.syntax.declarations)}
        return min(tops, key=lambda decl: order[decl])


def _top(program: Program, node: ast.Node) -> ast.Node:
    while node in program.parents and not isinstance(program.parents[node], ast.P4Program):
        node = program.parents[node]
    return node
