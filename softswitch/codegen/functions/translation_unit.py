"""The C file that is being written: everything that is collected while the program is walked from `main`."""

from __future__ import annotations

from collections.abc import Sequence

from p4front.elaborate import elaborate
from p4front.elaborate.objects import ExternObject, Instance
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import P4Error, Reporter
from p4front.types.types import StackType, Type, VoidType, strip
from softswitch.codegen.functions.environment import Environment
from softswitch.codegen.names import Namer
from softswitch.codegen.values.layout import Layout
from softswitch.codegen.values.wire import Wire
from softswitch.model import CounterInfo, CrcInfo, DigestInfo, ProfileInfo, RegisterInfo, ValueSetInfo

_PURE_METHODS = ("length", "packet_in.length")
FieldPath = tuple[str, ...]
"""C members from the user metadata or from standard_metadata to a field; () is all of it."""


class TranslationUnit:
    """Collects C text and the descriptions of all objects. `report` keeps refusals so that one run names them all.
    Raises P4Error if the program cannot be elaborated."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.elaboration = elaborate(program)
        self.reporter = Reporter()
        self.names = Namer()
        self.layout = Layout(self.names, program.errors)
        self.functions: list[str] = []
        self.wire = Wire(self.layout, self.names, program.errors, self.functions)
        self.table_count = 0
        self.nesting = 0
        """How many functions are being written, each for a call in the one before."""
        self.registers: list[RegisterInfo] = []
        self.counters: list[CounterInfo] = []
        self.meters: list[CounterInfo] = []
        self.profiles: list[ProfileInfo] = []
        self.profile_objects: list[ExternObject] = []
        self.numbers: dict[ExternObject, int] = {}
        """Places of the objects in the lists of their kinds."""
        self.value_sets: list[ValueSetInfo] = []
        self.digests: list[DigestInfo] = []
        self.crcs: list[CrcInfo] = []
        self._hashes = 0
        self.legacy_lists: list[tuple[tuple[FieldPath, ...], tuple[FieldPath, ...]]] = []
        """Field lists given as data: fields of the user metadata, and of standard_metadata."""
        self.header_type: Type = VoidType()
        self.metadata_type: Type = VoidType()
        self.no_action: ast.Node | None = None
        self.env = Environment(self.elaboration.scope)
        self.blocks: dict[Instance, object] = {}
        """The code of each instance of a control or parser (`callables.block_of`)."""
        self._effects: dict[tuple[ast.Expr, bool], bool] = {}

    def report(self, error: P4Error) -> None:
        """Keeps the diagnostics of a refusal."""
        for diagnostic in error.diagnostics:
            self.reporter.error(diagnostic.message, diagnostic.span, *diagnostic.notes)

    def add_function(self, head: str, lines: Sequence[str], comment: str) -> None:
        """A finished C function; those that it calls are there already."""
        text = "\n".join(lines)
        self.functions.append(f"{comment}\nstatic {head}\n{{\n{text}\n}}")

    def digest(self, name: str, fields: tuple[tuple[str, int], ...]) -> int:
        """The number of a digest; the same one for the same struct."""
        for info in self.digests:
            if info.name == name and info.fields == fields:
                return info.index
        self.digests.append(DigestInfo(name, len(self.digests), fields))
        return len(self.digests) - 1

    def custom_crc(self, algorithm: str) -> int | None:
        """For each call of hash(): the number of its CRC, if that one's parameters can be set. They have p4c's names:
        calc, calc_0, calc_1."""
        name = f"calc_{self._hashes - 1}" if self._hashes else "calc"
        self._hashes += 1
        widths = {"crc16_custom": 16, "crc32_custom": 32}
        if algorithm not in widths:
            return None
        self.crcs.append(CrcInfo(name, len(self.crcs), widths[algorithm]))
        return len(self.crcs) - 1

    def has_effects(self, expr: ast.Expr, in_parser: bool) -> bool:
        """Whether evaluating `expr` may change something, or may reject in a parser."""
        key = (expr, in_parser)
        known = self._effects.get(key)
        if known is None:
            known = self._effects[key] = any(self._is_effect(node, in_parser) for node in expr.walk())
        return known

    def _is_effect(self, node: ast.Node, in_parser: bool) -> bool:
        if isinstance(node, ast.Call):
            info = self.program.calls.get(node)
            if info is None or info.kind in ("constructor", "builtin"):
                return info is not None and info.builtin in ("setValid", "setInvalid", "push_front", "pop_front")
            return not (info.kind == "method" and info.name in _PURE_METHODS)
        if in_parser and isinstance(node, ast.Member) and node.member.text in ("next", "last"):
            base = self.program.types.get(node.base)
            return base is not None and isinstance(strip(base), StackType)
        return False
