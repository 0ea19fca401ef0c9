"""From a checked program to C: instances from `main`, the steps that the runtime calls, the file's text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from p4front.p4info.typespec import flatten
from p4front.program import Program
from p4front.syntax import ast
from p4front.syntax.annotations import has, text_argument
from p4front.text.source import Diagnostic, P4Error
from p4front.types.types import StructType, Type, strip, width_bits
from softswitch.codegen import descriptors
from softswitch.codegen.controls.controls import ControlInstance
from softswitch.codegen.controls.tables import TableInstance
from softswitch.codegen.errors import refuse
from softswitch.codegen.externs import field_lists
from softswitch.codegen.functions.callables import BlockCode, block_of
from softswitch.codegen.functions.function_body import Function
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.generator import translation_unit
from softswitch.codegen.names import comment
from softswitch.codegen.parsers.parsers import ParserInstance
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.context import STD, X
from softswitch.codegen.values.layout import LEGACY_FIELDS
from softswitch.model import ControllerHeaderInfo, PipelineInfo

ARCHITECTURE = "V1Switch"
_ROLES = ("p", "vr", "ig", "eg", "ck", "dep")
_STANDARD = "standard_metadata_t"
_PARAMETERS = {
    "p": ("packet_in", "headers", "metadata", _STANDARD),
    "vr": ("headers", "metadata"),
    "ig": ("headers", "metadata", _STANDARD),
    "eg": ("headers", "metadata", _STANDARD),
    "ck": ("headers", "metadata"),
    "dep": ("packet_out", "headers"),
}


@dataclass(frozen=True)
class Generated:
    """C text that the compiler takes without an error, and what the pipeline consists of."""

    c_source: str
    info: PipelineInfo
    warnings: tuple[Diagnostic, ...] = ()
    """What the program says without effect."""


def generate(program: Program) -> Generated:
    """The C source of a v1model program. Raises P4Error with every refusal before anything is written."""
    try:
        return _generate(program)
    except RecursionError:
        where = program.main.span if program.main is not None else program.syntax.span
        raise refuse(where, "the program's expressions or statements are nested too deeply") from None


def _generate(program: Program) -> Generated:
    main = program.main
    if main is None:
        last = program.syntax.declarations[-1:] or [program.syntax]
        raise refuse(last[0].span, "the program has no main")
    info = program.calls.get(main)
    name = program.architecture or (info.name if info is not None else "")
    if info is None or name != ARCHITECTURE:
        raise refuse(
            main.span,
            f"unsupported architecture '{name or main.type.span.text}': only {ARCHITECTURE} of v1model.p4 is supported",
        )
    unit = translation_unit(program)
    roles = _instances(unit, main)
    unit.reporter.raise_if_errors()
    steps, max_emit = _steps(unit, roles, main)
    unit.reporter.raise_if_errors()
    described = _info(unit, program)
    unit.reporter.raise_if_errors()
    warnings = tuple(unit.reporter.warnings)
    return Generated(_file(unit, program, described, steps, max_emit), described, warnings)


def _instances(unit: TranslationUnit, main: ast.Instantiation) -> dict[str, BlockCode]:
    """The six parts of the switch, by V1Switch's parameter names."""
    roles: dict[str, BlockCode] = {}
    for block in unit.elaboration.blocks:
        try:
            roles[block.role] = block_of(unit, block.instance)
        except P4Error as error:
            unit.report(error)
    if not unit.reporter.errors and set(roles) != set(_ROLES):
        raise refuse(main.span, f"{ARCHITECTURE} needs six parts: parser, verify, ingress, egress, compute, deparser")
    parser = roles.get("p")
    if isinstance(parser, ParserInstance) and len(parser.decl.params) >= 3:
        parser.is_main = True
        unit.header_type, unit.metadata_type = (
            parser.env.type(unit.program.declared[p]) for p in parser.decl.params[1:3]
        )
    if "p" in roles:  # else the types to compare with are not known, and the parser's error is reported already
        for role, instance in roles.items():
            _check_signature(unit, role, instance)
    return roles


def _check_signature(unit: TranslationUnit, role: str, instance: BlockCode) -> None:
    """Each part must have the parameters that v1model.p4 gives it, since a program may declare V1Switch otherwise."""
    wanted = _PARAMETERS[role]
    types = [instance.env.type(unit.program.declared[p]) for p in instance.decl.params]
    known = {"headers": unit.header_type, "metadata": unit.metadata_type}
    right = len(types) == len(wanted) and isinstance(instance, ParserInstance) == (role == "p")
    for type_, kind in zip(types, wanted, strict=False):
        right = right and (type_ == known[kind] if kind in known else str(type_) == kind)
    if not right:
        parameters = ", ".join(wanted)
        unit.reporter.error(f"this part of {ARCHITECTURE} must have the parameters ({parameters})", instance.decl.span)
    for kind, type_ in known.items():
        if not isinstance(strip(type_), StructType):
            unit.reporter.error(f"the {kind} of {ARCHITECTURE} must be a struct", instance.decl.span)


_CLONES = ("clone", "clone3", "clone_preserving_field_list")
_RESUBMITS = ("resubmit", "resubmit_preserving_field_list")
_WITHOUT_EFFECT = {
    "eg": ("egress", ("digest", *_RESUBMITS)),
    "ck": ("the checksum computation", ("digest", "mark_to_drop", *_CLONES, *_RESUBMITS)),
    "dep": ("the deparser", ("digest", "mark_to_drop", *_CLONES, *_RESUBMITS)),
}
"""What v1model and simple_switch take there and never carry out."""


def _warn_of_legacy(unit: TranslationUnit, standard: Type) -> None:
    """Writes of fields by which P4_14 cloned, resubmitted or dropped packets: v1model has externs for that."""
    legacy = LEGACY_FIELDS.intersection(f.name for f in standard.fields) if isinstance(standard, StructType) else ()
    for statement in unit.program.syntax.walk() if legacy else ():
        target = statement.target if isinstance(statement, ast.Assignment) else None
        while isinstance(target, (ast.Slice, ast.PlusSlice)):
            target = target.base
        if not isinstance(target, ast.Member) or unit.program.types.get(target.base) != standard:
            continue
        name = target.member.text
        if name in legacy:
            unit.reporter.warning(f"{name} has no effect: v1model's standard_metadata_t had it until 2019", target.span)


def _warn_of_requests(unit: TranslationUnit, calls: dict[str, Function]) -> None:
    for role, (where, names) in _WITHOUT_EFFECT.items():
        for name, span in calls[role].requests:
            if name in names:
                unit.reporter.warning(f"{name} has no effect in {where}", span)


def _steps(unit: TranslationUnit, roles: dict[str, BlockCode], main: ast.Instantiation) -> tuple[str, int]:
    """The functions that the runtime calls, and the most bytes that the deparser emits."""
    try:
        calls = {role: roles[role].function() for role in _ROLES}
    except P4Error as error:
        unit.report(error)
        unit.reporter.raise_if_errors()
        raise
    for instance in _tables(unit):  # also those that no generated statement applies
        instance.function()
    _warn_of_requests(unit, calls)
    ingress = roles["ig"]
    _warn_of_legacy(unit, ingress.env.type(unit.program.declared[ingress.decl.params[2]]))
    for role in ("vr", "ig", "eg", "ck"):
        if calls[role].emit_bytes:
            raise refuse(main.span, "only the deparser can emit")

    user = cexpr.dereference(cexpr.name("u"))
    passed = [cexpr.member(user, "hdr"), cexpr.member(user, "meta"), STD]

    def call(role: str) -> str:
        params = [p for p in calls[role].params if p.mode != "none"]
        given = [cexpr.address(what) for what, _ in zip(passed, params, strict=False)]
        return f"{cexpr.call(calls[role].c_name, X, *given)};"

    header, metadata = (unit.layout.c_type(t, main.span) for t in (unit.header_type, unit.metadata_type))
    unit.layout.definitions.append(f"struct user {{\n    {header} hdr;\n    {metadata} meta;\n}};")
    text = f"""static void main_reset(ss_packet *packet)
{{
    memset(packet->user, 0, sizeof(struct user));
}}

static void main_reset_metadata(ss_packet *packet)
{{
    struct user *u = packet->user;
    memset(&u->meta, 0, sizeof u->meta);
}}

{field_lists.copy_function(unit)}

static void main_parse(ss_pipeline *pipeline, ss_packet *packet)
{{
    struct user *u = packet->user;
    SS_CONTEXT(pipeline, packet);
    x->at = packet->data;
    x->end = packet->data + packet->length;
    x->std->parser_error = 0;
    x->std->checksum_error = 0;
    {call("p")}
    packet->consumed = (uint32_t)(x->at - packet->data) * 8;
}}

static void main_ingress(ss_pipeline *pipeline, ss_packet *packet)
{{
    struct user *u = packet->user;
    SS_CONTEXT(pipeline, packet);
    {call("vr")}
    x->exited = false;
    {call("ig")}
}}

static void main_egress(ss_pipeline *pipeline, ss_packet *packet)
{{
    struct user *u = packet->user;
    SS_CONTEXT(pipeline, packet);
    {call("eg")}
}}

static uint32_t main_deparse(ss_pipeline *pipeline, ss_packet *packet, uint8_t *out)
{{
    struct user *u = packet->user;
    SS_CONTEXT(pipeline, packet);
    {call("ck")}
    x->exited = false;
    x->out = out;
    x->out_limit = out + {max(1, calls["dep"].emit_bytes)};
    {call("dep")}
    return (uint32_t)(x->out - out);
}}"""
    return text, calls["dep"].emit_bytes


def _tables(unit: TranslationUnit) -> list[TableInstance]:
    """All tables, by number."""
    found = [t for block in unit.blocks.values() if isinstance(block, ControlInstance) for t in block.tables]
    return sorted(found, key=lambda table: table.index)


def _info(unit: TranslationUnit, program: Program) -> PipelineInfo:
    tables = []
    for table in _tables(unit):
        try:
            tables.append(table.info())
        except P4Error as error:
            unit.report(error)
    return PipelineInfo(
        name=Path(program.path).stem,
        tables=tuple(tables),
        registers=tuple(unit.registers),
        counters=tuple(unit.counters),
        meters=tuple(unit.meters),
        profiles=tuple(unit.profiles),
        value_sets=tuple(unit.value_sets),
        digests=tuple(unit.digests),
        crcs=tuple(unit.crcs),
        errors=tuple(program.errors),
        controller_headers=_controller_headers(program),
    )


def _file(unit: TranslationUnit, program: Program, info: PipelineInfo, steps: str, max_emit: int) -> str:
    head = f'{comment(f"{Path(program.path).name}, as generated by softswitch")}\n#include "context.h"'
    fields = field_lists.preserved(unit.metadata_type)
    described = descriptors.text(info, _tables(unit), unit.profile_objects, fields, max(64, max_emit))
    names = ", ".join(f'"{error}"' for error in program.errors)
    errors = f"__attribute__((unused)) static const char *const error_names[] = {{{names}}};"
    return "\n\n".join([head, errors, *unit.layout.definitions, *unit.functions, steps, described]) + "\n"


def _controller_headers(program: Program) -> tuple[ControllerHeaderInfo, ...]:
    """What packet-ins and packet-outs begin with. P4Info does not give the widths of translated types."""
    found = []
    for decl in program.syntax.declarations:
        if not isinstance(decl, ast.StructDecl) or decl.annotation("controller_header") is None:
            continue
        type_ = program.declared.get(decl)
        if isinstance(type_, StructType) and not has(decl.annotations, "hidden"):
            name = text_argument(decl.annotations, "controller_header") or type_.name
            fields = tuple(
                ("" if has(own, "hidden") else field, width_bits(leaf) or 0) for field, own, leaf in flatten(type_)
            )
            found.append(ControllerHeaderInfo(name, fields))
    return tuple(found)
