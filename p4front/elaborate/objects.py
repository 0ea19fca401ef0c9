"""What a running program consists of: instances of parsers and controls, and the objects that they declare.

All compare by identity: two instances of one control are two. Widths are in bits. Names are control-plane names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from p4front.elaborate.scope import Object, Scope
from p4front.elaborate.widths import data_width, leaf_types
from p4front.syntax import ast
from p4front.text.source import Span
from p4front.types.constants import ConstValue
from p4front.types.types import IntType, Type, strip

DEFAULT_SIZE = 1024
"""Entries of a table that gives no size."""


@dataclass(eq=False)
class ExternObject(Object):
    """An extern object. `kind`: the extern's name. `decl`: an Instantiation, the TableProperty that makes it in place,
    or the constructor parameter that it is given to. `arguments`: those of its constructor that are values. `size`:
    cells of an array, members of a profile; None of everything else. `tables`: the tables that have it as their direct
    counter, direct meter or implementation."""

    kind: str
    name: str
    type_args: tuple[Type, ...]
    arguments: dict[str, ConstValue]
    decl: ast.Declaration
    size: int | None = None
    tables: list[Table] = field(default_factory=list)

    @property
    def place(self) -> Span:
        """Where it gets its name."""
        return self.decl.name.span

    @property
    def cell(self) -> Type | None:
        """Type of a register's cell, None of everything else."""
        return self.type_args[0] if self.kind == "register" and self.type_args else None

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """Widths of the scalars in a register's cell, the first one in the highest bits; () where there is no such
        thing, or a part of the cell has no width."""
        widths = [data_width(leaf) for leaf in leaf_types(self.cell)] if self.cell is not None else []
        known = tuple(width for width in widths if width is not None)
        return known if len(known) == len(widths) else ()

    @property
    def width(self) -> int | None:
        """Bits of a register's cell; None of everything else, and of a cell that no switch could hold."""
        return sum(self.leaves) if self.leaves else None

    @property
    def signed(self) -> bool:
        """Whether a register's cell is an int<W>."""
        return self.cell is not None and isinstance(strip(self.cell), IntType)


@dataclass(frozen=True)
class Key:
    """A key of a table. `type` and `width` are those of the data plane."""

    name: str
    match: str
    type: Type
    width: int | None
    element: ast.KeyElement


@dataclass(eq=False)
class Table(Object):
    """A table that some code applies. `actions`: what it can run, in its order; a default action that it does not list
    (NoAction where it names none) comes last. `size`: 1024 where the program gives none (or 0), as in p4c."""

    name: str
    decl: ast.TableDecl
    scope: Scope
    keys: tuple[Key, ...] = ()
    actions: tuple[Action, ...] = ()
    size: int = DEFAULT_SIZE
    counters: ExternObject | None = None
    meters: ExternObject | None = None
    implementation: ExternObject | None = None
    idle_timeout: bool = False

    @property
    def place(self) -> Span:
        return self.decl.name.span


@dataclass(eq=False)
class ValueSet(Object):
    """A parser value set that some state uses."""

    name: str
    decl: ast.ValueSetDecl
    scope: Scope
    element: Type
    size: int

    @property
    def place(self) -> Span:
        return self.decl.name.span


@dataclass(eq=False)
class Action(Object):
    """An action of one instance, or a global one. `offered`: by some table; one that statements only call has no
    control-plane parameters."""

    name: str
    decl: ast.ActionDecl
    scope: Scope
    offered: bool = False

    @property
    def params(self) -> list[ast.Parameter]:
        """The parameters that the control plane gives."""
        return [p for p in self.decl.params if not p.direction] if self.offered else []


Item = ExternObject | Table | ValueSet | Action


@dataclass(eq=False)
class Instance(Object):
    """One parser or control as it runs. `name` prefixes those of what is inside. `role`: the parameter of the package
    that it belongs to ("ig" of V1Switch). `parts`: what it declares, in order; instances that it applies directly, by
    their type, come last."""

    decl: ast.ParserDecl | ast.ControlDecl
    name: str
    role: str
    scope: Scope
    type_args: tuple[Type, ...] = ()
    parts: list[Item | Instance] = field(default_factory=list)
    body: list[ast.Node] = field(default_factory=list)
    """Nodes of its apply block or its states that can run."""

    def items(self) -> Iterator[Item]:
        """Objects of the instance, and in place of each instance inside that one's."""
        for part in self.parts:
            if isinstance(part, Instance):
                yield from part.items()
            else:
                yield part

    def instances(self) -> Iterator[Instance]:
        """The instance and those inside, outer ones first."""
        yield self
        for part in self.parts:
            if isinstance(part, Instance):
                yield from part.instances()
