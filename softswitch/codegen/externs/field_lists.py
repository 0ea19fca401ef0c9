"""Field lists: which user metadata a clone, a resubmitted or a recirculated packet keeps (v1model)."""

from __future__ import annotations

from collections.abc import Iterator

from p4front.elaborate.evaluate import evaluate
from p4front.syntax import ast
from p4front.types.types import BitType, SerEnumType, StructType, Type, strip
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments
from softswitch.codegen.externs import operands
from softswitch.codegen.functions.function_body import FunctionBody
from softswitch.codegen.functions.translation_unit import FieldPath, TranslationUnit
from softswitch.codegen.names import field_name
from softswitch.codegen.values import cexpr

LEGACY_FIRST = 256
"""Number of the first field list made from the data argument of clone3, resubmit or recirculate. Numbers below are
those of `@field_list`, which calls give as a bit<8>."""

_NOT_KEPT = ("instance_type", "packet_length", "egress_port", "egress_rid")


def annotated(unit: TranslationUnit, type_: Type) -> dict[int, list[FieldPath]]:
    """The metadata fields of each `@field_list` number."""
    lists: dict[int, list[FieldPath]] = {}
    for path, marks in _fields(type_, ()):
        for annotation in marks:
            if annotation.name == "field_list":
                for expr in annotation.exprs:
                    number = _number(unit, expr)
                    if number is not None and 0 <= number < LEGACY_FIRST:  # no call can name another one
                        lists.setdefault(number, []).append(path)
    return lists


def _number(unit: TranslationUnit, expr: ast.Expr) -> int | None:
    """The value of an annotation's argument: a literal, a constant of the program, or a member of an enum."""
    value = evaluate(unit.env, expr)
    if isinstance(value, int):
        return value
    declarations = unit.program.syntax.declarations
    if isinstance(expr, ast.PathExpr):
        for decl in declarations:
            if isinstance(decl, ast.ConstantDecl) and decl.name.text == expr.name.text:
                value = evaluate(unit.env, decl.value)
                return value if isinstance(value, int) else None
    if isinstance(expr, ast.Member) and isinstance(expr.base, (ast.PathExpr, ast.TypeNameExpr)):
        for decl in declarations:
            if isinstance(decl, ast.EnumDecl) and decl.name.text == expr.base.span.text:
                type_ = unit.program.declared.get(decl)
                return type_.value(expr.member.text) if isinstance(type_, SerEnumType) else None
    return None


def _fields(type_: Type, path: FieldPath) -> Iterator[tuple[FieldPath, list[ast.Annotation]]]:
    plain = strip(type_)
    if not isinstance(plain, StructType):
        return
    for field in plain.fields:
        inner = (*path, field_name(field.name))
        if field.decl is not None:
            yield inner, field.decl.annotations
        yield from _fields(field.type, inner)


def preserved(type_: Type) -> Iterator[tuple[str, FieldPath, int]]:
    """The unsigned numbers among the metadata that some `@field_list` names: name in P4, C members, width in bits."""

    def walk(
        inner: Type, names: tuple[str, ...], path: FieldPath, listed: bool
    ) -> Iterator[tuple[str, FieldPath, int]]:
        plain = strip(inner)
        if isinstance(plain, StructType):
            for field in plain.fields:
                marks = field.decl.annotations if field.decl is not None else []
                own = listed or any(mark.name == "field_list" for mark in marks)
                yield from walk(field.type, (*names, field.name), (*path, field_name(field.name)), own)
        elif listed and isinstance(plain, BitType):
            yield ".".join(names), path, plain.width

    return walk(type_, (), (), False)


def legacy(body: FunctionBody, data: ast.Expr) -> int:
    """The number of a field list given as data: fields of the user metadata and of standard_metadata."""
    unit = body.unit
    user: list[FieldPath] = []
    standard: list[FieldPath] = []
    for expr in operands.flatten(body, data):
        storage = arguments.storage(body, expr)
        if storage is None:
            raise refuse(expr.span, "only metadata fields can be preserved")
        root, path = storage[0], tuple(field_name(str(name)) for name in storage[1:])
        type_ = strip(body.env.type(unit.program.declared[root])) if isinstance(root, ast.Parameter) else None
        if type_ == strip(unit.metadata_type):
            user.append(path)
        elif isinstance(type_, StructType) and type_.name == "standard_metadata_t":
            standard.append(path)
        elif type_ != strip(unit.header_type):
            raise refuse(expr.span, "only fields of the user metadata and of standard_metadata can be preserved")
    content = (tuple(user), tuple(standard))
    if content not in unit.legacy_lists:
        unit.legacy_lists.append(content)
    return LEGACY_FIRST + unit.legacy_lists.index(content)


def _copy(to: str, source: str, path: FieldPath) -> str:
    return f"{cexpr.arrow(cexpr.name(to), *path)} = {cexpr.arrow(cexpr.name(source), *path)};"


def copy_function(unit: TranslationUnit) -> str:
    """The C text of copy_fields."""
    cases: list[tuple[int, list[str]]] = []
    for number, paths in sorted(annotated(unit, unit.metadata_type).items()):
        cases.append((number, [_copy("to", "from", ("meta", *path)) for path in paths]))
    for i, (user, standard) in enumerate(unit.legacy_lists):
        lines = [_copy("to", "from", ("meta", *path)) for path in user]
        for path in standard:
            if path:
                lines.append(_copy("to_std", "from_std", path))
            else:
                lines.append("ss_std kept = *to_std;")
                lines.append("*to_std = *from_std;")
                lines += [f"to_std->{name} = kept.{name};" for name in _NOT_KEPT]
        cases.append((LEGACY_FIRST + i, lines))
    text = "static void main_copy_fields(uint32_t list, void *to_user, const void *from_user, ss_std *to_std,\n"
    text += "                             const ss_std *from_std)\n{\n"
    text += "    struct user *to = to_user;\n    const struct user *from = from_user;\n    switch (list) {\n"
    for number, lines in cases:
        text += f"    case {number}: {{\n" + "".join(f"        {line}\n" for line in lines) + "        break;\n    }\n"
    return text + "    }\n}"
