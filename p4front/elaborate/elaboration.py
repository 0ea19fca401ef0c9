"""One elaboration of a program, and what its users ask it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from p4front.elaborate.blocks import Block, DigestNames, build_block
from p4front.elaborate.contexts import Contexts
from p4front.elaborate.externs import PROFILES, STATEFUL
from p4front.elaborate.objects import ExternObject, Instance, Item, Table, ValueSet
from p4front.elaborate.scope import Scope
from p4front.elaborate.walk import Walk
from p4front.program import Program
from p4front.text.source import Diagnostic


@dataclass(eq=False)
class Elaboration:
    """`globals`: extern objects of the top level. `blocks`: the parsers and controls of `main`, in the order of the
    package's parameters. `clashes`: control-plane names that two objects of one kind have; whoever needs unique names
    reports them."""

    program: Program
    scope: Scope
    globals: list[ExternObject]
    blocks: list[Block]
    digest_names: DigestNames = field(default_factory=DigestNames)
    clashes: list[Diagnostic] = field(default_factory=list)

    def block(self, role: str) -> Block | None:
        """The parser or control given for a parameter of the package, such as "ig" of V1Switch."""
        return next((block for block in self.blocks if block.role == role), None)

    @cached_property
    def contexts(self) -> Contexts:
        """Every context in which a piece of code can run."""
        return Contexts(self.scope, self.blocks)

    def instances(self) -> Iterator[Instance]:
        """Every parser and control that runs, outer ones first."""
        for block in self.blocks:
            yield from block.instance.instances()

    def items(self) -> Iterator[Item]:
        """Every object: global ones, then those of each block in order of declaration."""
        yield from self.globals
        for block in self.blocks:
            yield from block.items()

    def externs(self, *kinds: str) -> list[ExternObject]:
        """The declared extern objects (of some kinds), and after them those that tables make in place."""
        found = dict.fromkeys(item for item in self.items() if isinstance(item, ExternObject))
        for table in self.tables():
            attached = (table.counters, table.meters, table.implementation)
            found.update(dict.fromkeys(obj for obj in attached if obj is not None))
        return [obj for obj in found if not kinds or obj.kind in kinds]

    def tables(self) -> list[Table]:
        """The tables that some code applies."""
        return [item for item in self.items() if isinstance(item, Table)]

    def value_sets(self) -> list[ValueSet]:
        """The value sets that some state uses."""
        return [item for item in self.items() if isinstance(item, ValueSet)]


def make_elaboration(program: Program) -> Elaboration:
    """Walks a checked program from `main`. Raises P4Error with every error found, each with its place."""
    walk = Walk(program)
    walk.run()
    walk.reporter.raise_if_errors()
    names = DigestNames()
    blocks = [build_block(root, names) for root in walk.roots]
    elaboration = Elaboration(program, walk.scope, walk.globals, blocks, names)
    elaboration.clashes += _clashes(elaboration)
    return elaboration


def _clashes(elaboration: Elaboration) -> Iterator[Diagnostic]:
    """Control-plane names that stand for several objects of one kind."""
    named: list[ExternObject | Table | ValueSet] = [*elaboration.externs(*STATEFUL), *elaboration.tables()]
    named += elaboration.value_sets()
    first: dict[tuple[str, str], ExternObject | Table | ValueSet] = {}
    for item in named:
        kind = _kind(item)
        known = first.setdefault((kind, item.name), item)
        if known.decl is not item.decl:
            message = f'two {kind}s have the control-plane name "{item.name}"'
            yield Diagnostic(message, item.place, notes=(("the first is here", known.place),))
        elif known is not item:
            message = f'the control-plane name "{item.name}" would stand for a {kind} of each of several instances'
            yield Diagnostic(message, item.place)


def _kind(item: ExternObject | Table | ValueSet) -> str:
    if isinstance(item, ExternObject):
        return "action profile" if item.kind in PROFILES else item.kind.replace("_", " ")
    return "table" if isinstance(item, Table) else "value set"
