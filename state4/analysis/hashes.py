"""Which hash a register is indexed by, so that a plan can tell when the new program looks for state elsewhere.

Flow-insensitive: a variable or field may have every value that is ever assigned to it, also through parameters.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from p4front.elaborate import elaborate
from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.types.types import StructType, strip

Place = Hashable
"""A variable or parameter (its declaration), or a field (the struct's declaration and its name)."""


class _Flow:
    """What may flow into each place: other places, and hashes as text."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._from: dict[Place, set[Place]] = {}
        self._hashes: dict[Place, set[str]] = {}
        for node in program.syntax.walk():
            if isinstance(node, ast.Assignment):
                self._assign(node.target, node.value)
            elif isinstance(node, ast.VariableDecl) and node.init is not None:
                self._edge(node, node.init)
            if node in program.calls:
                self._call(program.calls[node])

    def hashes(self, expr: ast.Expr) -> set[str]:
        """The hashes that a value may come from."""
        found: set[str] = set()
        seen: set[Place] = set()
        left = list(self._places(expr))
        while left:
            place = left.pop()
            if place not in seen:
                seen.add(place)
                found |= self._hashes.get(place, set())
                left += self._from.get(place, ())
        return found

    def _call(self, call: CallInfo) -> None:
        arguments = {a.param_name: a.expr for a in call.args}
        if call.kind == "extern_function" and call.name == "hash":
            result = arguments.get("result")
            place = self._place(result) if result is not None else None
            if place is not None:
                self._hashes.setdefault(place, set()).add(self._text(arguments))
            return
        if not isinstance(call.decl, (ast.ActionDecl, ast.FunctionDecl, ast.ControlDecl)):
            return
        params = {p.name.text: p for p in call.decl.params}
        for argument in call.args:
            param = params.get(argument.param_name)
            if param is None or argument.expr is None:
                continue
            if argument.direction != "out":
                self._edge(param, argument.expr)
            if argument.direction in ("out", "inout") and (place := self._place(argument.expr)) is not None:
                self._from.setdefault(place, set()).add(param)

    def _assign(self, target: ast.Expr, value: ast.Expr) -> None:
        place = self._place(target)
        if place is not None:
            self._edge(place, value)

    def _edge(self, place: Place, value: ast.Expr) -> None:
        self._from.setdefault(place, set()).update(self._places(value))

    def _places(self, expr: ast.Expr) -> Iterator[Place]:
        for node in expr.walk():
            if isinstance(node, (ast.PathExpr, ast.Member)) and (place := self._place(node)) is not None:
                yield place

    def _place(self, expr: ast.Expr) -> Place | None:
        if isinstance(expr, (ast.Slice, ast.Index)):
            return self._place(expr.base)
        if isinstance(expr, ast.PathExpr):
            return self._program.refs.get(expr)
        if isinstance(expr, ast.Member):
            base = self._program.types.get(expr.base)
            inner = strip(base) if base is not None else None
            if isinstance(inner, StructType) and inner.decl is not None:
                return inner.decl, expr.member.text
        return None

    def _text(self, arguments: dict[str, ast.Expr | None]) -> str:
        """A hash as text: its algorithm, its data and the range of its values, as in the source but for white space."""

        def shown(name: str) -> str:
            expr = arguments.get(name)
            if expr is None:
                return "?"
            value = self._program.constants.get(expr)
            return str(value) if isinstance(value, int) else " ".join(expr.span.text.split())

        algorithm = shown("algo").rpartition(".")[2]
        return f"{algorithm} of {shown('data')}, from {shown('base')} modulo {shown('max')}".replace('"', "'")


def index_hashes(program: Program) -> dict[str, str]:
    """By register, the hashes that its index comes from in reads and writes, as text; registers that are indexed by
    something else are left out."""
    flow = _Flow(program)
    found: dict[str, set[str]] = {}
    for context in elaborate(program).contexts:
        for node in context.nodes:
            call = program.calls.get(node)
            if call is None or call.kind != "method" or call.name not in ("read", "write"):
                continue
            target = context.named(call.object)
            index = next((a.expr for a in call.args if a.param_name == "index"), None)
            if index is not None and isinstance(target, ExternObject):
                found.setdefault(target.name, set()).update(flow.hashes(index))
    return {name: "; ".join(sorted(texts)) for name, texts in found.items() if texts}
