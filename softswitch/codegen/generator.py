"""The state of one run of the code generator: everything that is collected while the program is walked from `main`."""

from __future__ import annotations

from p4front.elaborate import elaborate
from p4front.elaborate.objects import ExternObject, Instance
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import P4Error, Reporter
from p4front.types.types import StackType, Type, VoidType, strip
from softswitch.build.model import CounterInfo, DigestInfo, ProfileInfo, RegisterInfo, ValueSetInfo
from softswitch.codegen import arrays
from softswitch.codegen.controls import actions, controls, tables
from softswitch.codegen.env import Env
from softswitch.codegen.expressions import functions
from softswitch.codegen.names import Namer
from softswitch.codegen.parsers import parsers
from softswitch.codegen.statements.body import Body
from softswitch.codegen.values.layout import Layout
from softswitch.codegen.values.wire import Wire

_PURE_METHODS = ("length", "packet_in.length")


class Generator:
    """Collects C text and the descriptions of all objects. `report` keeps refusals so that one run names them all.
    Raises P4Error if the program cannot be elaborated."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.elaboration = elaborate(program)
        self.reporter = Reporter()
        self.names = Namer()
        self.layout = Layout(self.names, program.errors)
        self.functions: list[str] = []
        self.wire = Wire(self)
        self.tables: list[tables.TableInstance] = []
        self.registers: list[RegisterInfo] = []
        self.counters: list[CounterInfo] = []
        self.meters: list[CounterInfo] = []
        self.profiles: list[ProfileInfo] = []
        self.profile_objects: list[ExternObject] = []
        self.numbers: dict[ExternObject, int] = {}
        """Places of the objects in the lists of their kinds."""
        self.value_sets: list[ValueSetInfo] = []
        self.digests: list[DigestInfo] = []
        self.legacy_lists: list[tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]] = []
        self.header_type: Type = VoidType()
        self.metadata_type: Type = VoidType()
        self.no_action: ast.Node | None = None
        self.env = Env(self.elaboration.scope)
        self._effects: dict[tuple[ast.Expr, bool], bool] = {}
        self._blocks: dict[Instance, controls.ControlInstance | parsers.ParserInstance] = {}
        for decl in program.syntax.declarations:
            if isinstance(decl, ast.ActionDecl):
                if decl.name.text == "NoAction":
                    self.no_action = decl
                self.env.bind(decl, actions.ActionInstance(self, decl, self.env, ""))
            elif isinstance(decl, ast.FunctionDecl):
                self.env.bind(decl, functions.FunctionInstance(self, decl, self.env, "", ""))
        arrays.describe(self)

    def block(self, instance: Instance) -> controls.ControlInstance | parsers.ParserInstance:
        """The code of an instance, one for each."""
        made = self._blocks.get(instance)
        if made is None:
            if isinstance(instance.decl, ast.ControlDecl):
                made = controls.ControlInstance(self, instance, instance.decl)
            else:
                made = parsers.ParserInstance(self, instance, instance.decl)
            self._blocks[instance] = made
        return made

    def report(self, error: P4Error) -> None:
        """Keeps the diagnostics of a refusal."""
        for diagnostic in error.diagnostics:
            self.reporter.error(diagnostic.message, diagnostic.span, *diagnostic.notes)

    def add_function(self, head: str, body: Body, comment: str) -> None:
        """A finished C function; those that it calls are there already."""
        self.functions.append(f"{comment}\nstatic {head}\n{{\n{body.text()}\n}}")

    def digest(self, name: str, fields: tuple[tuple[str, int], ...]) -> int:
        """The number of a digest; the same one for the same struct."""
        for info in self.digests:
            if info.name == name and info.fields == fields:
                return info.index
        self.digests.append(DigestInfo(name, len(self.digests), fields))
        return len(self.digests) - 1

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
