"""The C function that is being written: its lines, names and scope, and the values that expressions give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.types import StructType, Type
from softswitch.codegen.functions.environment import Environment, Variable
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.names import Namer, printf_text
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import FRAME, X

LOOP_BYTES = 4096
"""Room for the headers that a loop in the deparser emits; more is left out."""


@dataclass(frozen=True)
class Value:
    """A value of a P4 type in C. `stable`: later statements cannot change it (it is a literal or a temporary)."""

    c: CExpr
    type: Type
    stable: bool = False


@dataclass(frozen=True)
class LValue:
    """An l-value. `slice` (hi, lo) of the scalar `c`; `type` is that of the whole scalar then. `union`: the header
    union whose member it is, and its type. `header`: the header that it is a field of. `next_of`: the stack whose
    `next` it is. `window`: `[low +: width]` of the scalar, `low` being a uint64_t variable."""

    c: CExpr
    type: Type
    slice: tuple[int, int] | None = None
    union: tuple[CExpr, StructType] | None = None
    header: CExpr | None = None
    next_of: CExpr | None = None
    window: tuple[CExpr, int] | None = None


@dataclass
class Function:
    """A C function made from a P4 construct, as its callers need to know it."""

    c_name: str
    params: list[Param] = field(default_factory=list)
    returns: Type | None = None
    may_exit: bool = False
    emit_bytes: int = 0
    """Most bytes that the calls of packet_out.emit in it can write."""
    calls: int = 0
    """Most calls of other functions that one call of it makes, those in the rounds of loops left out: these are counted
    while they run."""
    depth: int = 0
    """How deeply its calls are nested."""
    loops: bool = False
    """It has loops whose rounds are counted, or calls a function that has."""
    frame: bool = False
    """It takes the frame of its control."""
    requests: dict[tuple[str, Span], None] = field(default_factory=dict)
    """What it and the functions that it calls can ask of the switch: names of externs, and the places of the calls."""

    def context(self) -> list[CExpr]:
        """The arguments that come before those of P4."""
        return [X, FRAME] if self.frame else [X]


@dataclass(frozen=True)
class Param:
    """A parameter in C. mode: "value", "const_ref", "ref", or "none" (bound at compile time)."""

    name: str
    c_name: str
    type: Type
    mode: str
    direction: str


@dataclass(eq=False)
class Loop:
    """Labels of a P4 loop in C; used ones are emitted."""

    break_label: str
    continue_label: str
    breaks: bool = False
    continues: bool = False


class FunctionBody:
    """Collects the statements of one C function."""

    def __init__(
        self, unit: TranslationUnit, env: Environment, function: Function, *, kind: str, returns: CExpr | None = None
    ) -> None:
        self.unit = unit
        self.env = env
        self.function = function
        self.kind = kind  # "control" "action" "function" "table" "parser" "frame"
        self.names = Namer()
        self.lines: list[str] = []
        self.depth = 1
        self.loops: list[Loop] = []
        self.leave = f"return {returns};" if returns is not None else "return;"
        """The statement that leaves because of `exit`."""

    def emit(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def label(self, name: str) -> None:
        """A label, followed by an empty statement, since a declaration may come next."""
        self.lines.append("    " * (self.depth - 1) + f"{name}:;")

    @contextmanager
    def braces(self, head: str = "") -> Iterator[None]:
        """A C block with a P4 scope of its own."""
        self.emit(f"{head} {{" if head else "{")
        self.depth += 1
        outer = self.env
        self.env = outer.inner()
        try:
            yield
        finally:
            self.env = outer
            self.depth -= 1
            self.emit("}")

    def temp(self, c_type: str, init: CExpr | str, base: str = "t") -> CExpr:
        """A new C variable with a value, or an initialiser."""
        name = self.names.local(base)
        space = "" if c_type.endswith("*") else " "
        self.emit(f"{c_type}{space}{name} = {init};")
        return cexpr.name(name)

    def declare(self, decl: ast.Declaration, type_: Type, init: CExpr) -> Variable:
        """A P4 variable as a C variable."""
        variable = Variable(self.temp(self.unit.layout.c_type(type_, decl.span), init, decl.name.text), type_)
        self.env.bind(decl, variable)
        return variable

    def keep(self, value: Value) -> Value:
        """The same value, safe from later statements."""
        if value.stable:
            return value
        return Value(self.temp(self.unit.layout.c_type(value.type), value.c), value.type, True)

    def trace(self, text: str) -> None:
        """A line of the packet's trace, if tracing is on."""
        self.emit(f'SS_TRACE(x, "{printf_text(text)}");')

    def trace_values(self, text: str, *values: tuple[str, Sequence[CExpr]]) -> None:
        """The same with values in place of each {}: printf conversions and C arguments (scalars.shown)."""
        pieces = [printf_text(piece) for piece in text.split("{}")]
        line = pieces[0] + "".join(
            conversion + piece for (conversion, _), piece in zip(values, pieces[1:], strict=True)
        )
        arguments = "".join(f", {argument}" for _, given in values for argument in given)
        self.emit(f'SS_TRACE(x, "{line}"{arguments});')

    def text(self) -> str:
        return "\n".join(self.lines)
