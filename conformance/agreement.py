"""Compares three views of a program's elaboration: P4Info, the compiled pipeline and CAM must agree.

Each describes every object in the same terms: kind and name to sizes and widths. Widths that the control plane
translates (`@p4runtime_translation`) or that P4Info does not give (0, for enumerations and errors) are not compared;
`@hidden` tables are missing in P4Info.
"""

from __future__ import annotations

from collections.abc import Iterator

from finsy.proto import p4i, p4t

from p4front.elaborate import elaborate
from p4front.p4info import build_p4info
from p4front.program import Program
from p4front.syntax.annotations import has
from softswitch.codegen import generate
from softswitch.model import PipelineInfo, TableInfo
from state4.cam import Analysis, analyse

Objects = dict[tuple[str, str], object]
"""By kind and control-plane name: the description of the object."""

_ENUM_BITS = 32


def disagreements(program: Program) -> list[str]:
    """The differences between the three views of a program with a v1model `main`, one line each. Raises P4Error if one
    of them rejects the program."""
    p4info, info, analysis = build_p4info(program), generate(program).info, analyse(program)
    hidden = {t.name for t in elaborate(program).tables() if has(t.decl.annotations, "hidden")}
    ours = _from_p4info(p4info)
    lines = list(_compare("P4Info", ours, "the pipeline", _from_pipeline(info, hidden)))
    lines += _compare("P4Info", ours, "CAM", _from_analysis(analysis, hidden))
    lines += _compare("P4Info", _details_of_p4info(p4info), "the pipeline", _details_of_pipeline(p4info, info, hidden))
    return lines


def _compare(left_name: str, left: Objects, right_name: str, right: Objects) -> Iterator[str]:
    for key in sorted(left.keys() | right.keys()):
        if left.get(key) != right.get(key):
            kind, name = key
            yield f"{kind} {name}: {left.get(key)} in {left_name}, {right.get(key)} in {right_name}"


# ------------------------------------------------------------ sizes and widths of cells


def _from_p4info(info: p4i.P4Info) -> Objects:
    found: Objects = {}
    for r in info.registers:
        found["register", r.preamble.name] = (r.size, _spec_width(info, r.type_spec))
    for kind, items in (("counter", info.counters), ("meter", info.meters), ("value_set", info.value_sets)):
        for item in items:
            found[kind, item.preamble.name] = (item.size, None)
    for p in info.action_profiles:
        found["action_selector" if p.with_selector else "action_profile", p.preamble.name] = (p.size, None)
    for table in info.tables:
        found["table", table.preamble.name] = (table.size, None)
    for kind, direct in (("direct_counter", info.direct_counters), ("direct_meter", info.direct_meters)):
        for resource in direct:
            found[kind, resource.preamble.name] = (None, None)
    return found


def _from_pipeline(info: PipelineInfo, hidden: set[str]) -> Objects:
    found: Objects = {("register", r.name): (r.cells, r.width) for r in info.registers}
    found.update({("counter", c.name): (c.cells, None) for c in info.counters})
    found.update({("meter", m.name): (m.cells, None) for m in info.meters})
    found.update({("value_set", v.name): (v.size, None) for v in info.value_sets})
    for p in info.profiles:
        found["action_selector" if p.selector else "action_profile", p.name] = (p.size, None)
    for table in info.tables:
        if table.name in hidden:
            continue
        found["table", table.name] = (table.size, None)
        for kind, name in (("direct_counter", table.direct_counter), ("direct_meter", table.direct_meter)):
            if name:
                found[kind, name] = (None, None)
    return found


def _from_analysis(analysis: Analysis, hidden: set[str]) -> Objects:
    return {
        (c.kind, c.name): (c.cells, c.width)
        for c in analysis.components
        if not (c.kind == "table" and c.name in hidden)
    }


def _spec_width(info: p4i.P4Info, spec: p4t.P4DataTypeSpec) -> int:
    """Bits of a value of a type; enumerations and errors as the data plane stores them."""
    types = info.type_info
    match spec.WhichOneof("type_spec"):
        case "bitstring":
            return _bitstring_width(spec.bitstring)
        case "bool":
            return 1
        case "tuple":
            return sum(_spec_width(info, member) for member in spec.tuple.members)
        case "struct":
            return sum(_spec_width(info, m.type_spec) for m in types.structs[spec.struct.name].members)
        case "header":
            return sum(_bitstring_width(m.type_spec) for m in types.headers[spec.header.name].members)
        case "serializable_enum":
            return int(types.serializable_enums[spec.serializable_enum.name].underlying_type.bitwidth)
        case "new_type":
            named = types.new_types[spec.new_type.name]
            return _spec_width(info, named.original_type) if named.HasField("original_type") else -1
    return _ENUM_BITS


def _bitstring_width(spec: p4t.P4BitstringLikeTypeSpec) -> int:
    return int(spec.bit.bitwidth or spec.int.bitwidth or spec.varbit.max_bitwidth)


# ------------------------------------------------------------ keys, parameters, digests


def _details_of_p4info(info: p4i.P4Info) -> Objects:
    actions = {a.preamble.id: a for a in info.actions}
    found: Objects = {("digest", d.preamble.name): None for d in info.digests}
    for table in info.tables:
        name = table.preamble.name
        found["keys of table", name] = [(m.name, _shown(info, m)) for m in table.match_fields]
        found["actions of table", name] = {
            actions[ref.id].preamble.name: [(p.name, _shown(info, p)) for p in actions[ref.id].params]
            for ref in table.action_refs
            if ref.id in actions
        }
    for value_set in info.value_sets:
        found["keys of value set", value_set.preamble.name] = [m.bitwidth for m in value_set.match]
    return found


def _details_of_pipeline(p4info: p4i.P4Info, info: PipelineInfo, hidden: set[str]) -> Objects:
    found: Objects = {("digest", d.name): None for d in info.digests}
    by_name = {t.preamble.name: t for t in p4info.tables}
    for table in info.tables:
        if table.name not in hidden:
            found |= _table_details(p4info, by_name.get(table.name), table)
    for value_set in info.value_sets:
        found["keys of value set", value_set.name] = [key.width for key in value_set.keys]
    return found


def _table_details(p4info: p4i.P4Info, known: p4i.Table | None, table: TableInfo) -> Objects:
    """Keys and actions of a table; widths that P4Info does not give (see `_shown`) are left out here as well."""
    fields = {m.name: m for m in known.match_fields} if known is not None else {}
    keys = [
        (k.name, k.width if k.name not in fields or _gives_width(p4info, fields[k.name]) else None)
        for k in table.keys
        if k.match != "selector"
    ]
    params = {a.preamble.name: {p.name: p for p in a.params} for a in p4info.actions}
    actions = {}
    for action in table.actions:
        theirs = params.get(action.name)
        if theirs is None:
            continue  # a hidden action
        actions[action.name] = [
            (p.name, p.width if p.name not in theirs or _gives_width(p4info, theirs[p.name]) else None)
            for p in action.params
        ]
    return {("keys of table", table.name): keys, ("actions of table", table.name): actions}


def _gives_width(info: p4i.P4Info, field: p4i.MatchField | p4i.Action.Param) -> bool:
    """Whether P4Info gives the data plane's width of a key or parameter."""
    named = info.type_info.new_types.get(field.type_name.name)
    return bool(field.bitwidth) and (named is None or bool(named.HasField("original_type")))


def _shown(info: p4i.P4Info, field: p4i.MatchField | p4i.Action.Param) -> int | None:
    return int(field.bitwidth) if _gives_width(info, field) else None
