"""What the P4Info of a running program says about its state: registers, and how its clones look.

Instrumentation describes clones in annotations of the clone flag, so a controller that never saw the source finds them
in the switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from finsy.proto import p4i, p4t

from state4.cells import Cell, Group, Leaf, width_of
from state4.clones.header import COUNT_BITS, CloneLayout, LayoutComponent
from state4.dirty.layout import MapLayout
from state4.errors import NotInstrumented
from state4.values import RegisterSpec

CLONE = "state4_clone"
COMPONENTS = "state4_components"
ADDS = "state4_adds"
COUNTERS = "state4_counters"
WIDTHS = "state4_widths"
HASHES = "state4_hashes"
SHARED = "state4_shared"
MAP = "state4_map"
"""Names of the annotations. WIDTHS: of all numbers in a cell, for each component, where P4Info does not tell them.
HASHES: how the index of each component is computed, where it is a hash. SHARED: sessions of the program's own clones
that carry updates as well. MAP: of each component, which power of two its blocks in the dirty map have as their
size."""


@dataclass(frozen=True)
class _Described:
    """The register whose annotations describe the others: the clone flag, or the dirty map of a program without one."""

    name: str
    expressions: dict[str, list[p4t.Expression]]
    pairs: dict[str, int]

    def strings(self, annotation: str) -> list[str]:
        return [e.string_value for e in self.expressions.get(annotation, ())]

    def numbers(self, annotation: str) -> list[int]:
        return [int(e.int64_value) for e in self.expressions.get(annotation, ())]


def _described(p4info: p4i.P4Info) -> _Described | None:
    for register in p4info.registers:
        annotations = {a.name: a for a in register.preamble.structured_annotations}
        if COMPONENTS in annotations:
            clone = annotations[CLONE].kv_pair_list.kv_pairs if CLONE in annotations else ()
            pairs = {p.key: int(p.value.int64_value) for p in clone}
            expressions = {name: list(a.expression_list.expressions) for name, a in annotations.items()}
            return _Described(register.preamble.name, expressions, pairs)
    return None


def layout_of(p4info: p4i.P4Info) -> CloneLayout:
    """The clone layout of a running program. Raises NotInstrumented."""
    flag = _described(p4info)
    if flag is None:
        raise NotInstrumented("the running program was not installed by State4: it cannot clone its state updates")
    if not flag.pairs:
        raise NotInstrumented("the running program has a dirty map only: it cannot clone its state updates")
    specs = {spec.name: spec for spec in all_registers(p4info)}
    names = flag.strings(COMPONENTS)
    sizes = {c.preamble.name: c.size for c in p4info.counters}
    return CloneLayout(
        tuple(LayoutComponent(n, specs[n].cells, specs[n].width) for n in names),
        flag.pairs["slots"],
        flag.pairs["session"],
        flag.name.removesuffix("_flag"),
        bool(flag.pairs.get("waits", 0)),
        frozenset(names[number - 1] for number in flag.numbers(ADDS)),
        tuple(LayoutComponent(n, sizes[n], COUNT_BITS) for n in flag.strings(COUNTERS)),
        frozenset(flag.numbers(SHARED)),
        bool(flag.pairs.get("any_session", 0)),
    )


def map_of(p4info: p4i.P4Info) -> MapLayout:
    """The dirty map of a running program. Raises NotInstrumented."""
    described = _described(p4info)
    for register in p4info.registers:
        for annotation in register.preamble.structured_annotations:
            if annotation.name == MAP and described is not None:
                shifts = [int(e.int64_value) for e in annotation.expression_list.expressions]
                sizes = {r.preamble.name: r.size for r in p4info.registers}
                names = described.strings(COMPONENTS)
                parts = [(name, sizes[name], shift) for name, shift in zip(names, shifts, strict=True)]
                return MapLayout.of(register.preamble.name, parts)
    raise NotInstrumented("the running program has no dirty map")


def all_registers(p4info: p4i.P4Info) -> tuple[RegisterSpec, ...]:
    """Every register, in P4Info's order. Left out are those whose cells P4Info does not describe to the bit (header
    stacks and unions, translated types of a program that is not instrumented)."""
    flag = _described(p4info)
    leaf_widths = dict(zip(flag.strings(COMPONENTS), flag.strings(WIDTHS), strict=False)) if flag is not None else {}
    found = []
    for register in p4info.registers:
        name = register.preamble.name
        try:
            cell = _cell(
                register.type_spec,
                p4info.type_info,
                iter(map(int, leaf_widths[name].split())) if name in leaf_widths else None,
            )
        except _Unknown:
            continue
        signed = isinstance(cell, Leaf) and cell.signed
        plain = isinstance(cell, Leaf) and cell.kind == "bits"
        found.append(
            RegisterSpec(name, register.size, width_of(cell), signed, register.preamble.id, None if plain else cell)
        )
    return tuple(found)


def user_registers(p4info: p4i.P4Info) -> tuple[RegisterSpec, ...]:
    """The registers of the user's program; of an instrumented one without those that were added."""
    added = added_registers(p4info)
    return tuple(spec for spec in all_registers(p4info) if spec.name not in added)


def added_registers(p4info: p4i.P4Info) -> frozenset[str]:
    """Names of the registers that instrumentation added."""
    found: set[str] = set()
    with suppress(NotInstrumented):
        layout = layout_of(p4info)
        found |= {layout.flag_register, layout.sequence_register, layout.gate_register}
    with suppress(NotInstrumented):
        found.add(map_of(p4info).register)
    return frozenset(found)


def hashes_of(p4info: p4i.P4Info) -> dict[str, str]:
    """By register, how a hash gives its index; without those that are indexed by something else."""
    flag = _described(p4info)
    if flag is None:
        return {}
    return {n: text for n, text in zip(flag.strings(COMPONENTS), flag.strings(HASHES), strict=False) if text}


# ---------------------------------------------------------------- types of cells


class _Unknown(Exception):
    """P4Info does not say how wide something is."""


def _cell(spec: p4t.P4DataTypeSpec, types: p4t.P4TypeInfo, widths: Iterator[int] | None) -> Cell:
    """`widths`: of all numbers in order, if they are known. Raises _Unknown."""
    kind = spec.WhichOneof("type_spec")
    if kind == "struct":
        return _group(kind, [(m.name, m.type_spec) for m in types.structs[spec.struct.name].members], types, widths)
    if kind == "tuple":
        return _group(kind, [(str(n), item) for n, item in enumerate(spec.tuple.members)], types, widths)
    if kind == "header":
        members = [(m.name, p4t.P4DataTypeSpec(bitstring=m.type_spec)) for m in types.headers[spec.header.name].members]
        return _group(kind, members, types, widths)
    if kind == "new_type" and types.new_types[spec.new_type.name].HasField("original_type"):
        return _cell(types.new_types[spec.new_type.name].original_type, types, widths)
    leaf = _leaf(kind, spec, types)
    width = leaf.width if widths is None else next(widths)
    if not width:
        raise _Unknown
    return Leaf(width, leaf.signed, leaf.kind)


def _leaf(kind: str | None, spec: p4t.P4DataTypeSpec, types: p4t.P4TypeInfo) -> Leaf:
    """With a width of 0 where P4Info does not tell it. Raises _Unknown."""
    if kind == "bitstring" and spec.bitstring.HasField("int"):
        return Leaf(spec.bitstring.int.bitwidth, signed=True)
    if kind == "bitstring":
        return Leaf(spec.bitstring.bit.bitwidth)
    if kind == "bool":
        return Leaf(1, kind="bool")
    if kind == "serializable_enum":
        return Leaf(types.serializable_enums[spec.serializable_enum.name].underlying_type.bitwidth, kind="enum")
    if kind == "new_type":  # translated: the control plane's width is not the data plane's
        return Leaf(0)
    raise _Unknown


def _group(
    kind: str,
    members: Sequence[tuple[str, p4t.P4DataTypeSpec]],
    types: p4t.P4TypeInfo,
    widths: Iterator[int] | None,
) -> Group:
    return Group(kind, tuple((name, _cell(spec, types, widths)) for name, spec in members))
