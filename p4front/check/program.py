"""The semantic half of the front end: a syntax tree to a checked `Program`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from p4front.check.annotations import AnnotationChecker
from p4front.check.callables import CallableChecker
from p4front.check.calls import CallChecker
from p4front.check.casts import CastChecker
from p4front.check.context import Context
from p4front.check.convert import Converter
from p4front.check.declarations import DeclarationChecker
from p4front.check.expressions import ExpressionChecker
from p4front.check.infer_types import TypeArguments
from p4front.check.instances import InstanceChecker
from p4front.check.keysets import KeysetChecker
from p4front.check.members import MemberChecker
from p4front.check.operators import OperatorChecker
from p4front.check.parsers import ParserChecker
from p4front.check.resolve_types import TypeResolver
from p4front.check.statements import StatementChecker
from p4front.check.tables import TableChecker
from p4front.program import Program
from p4front.syntax import ast
from p4front.text.source import SourceFile
from p4front.types.types import ObjectType, StructType, width_bits

V1MODEL_VERSIONS = (20180101, 20200408)
V1SWITCH = "V1Switch"
V1SWITCH_PARAMETERS = ("p", "vr", "ig", "eg", "ck", "dep")
STANDARD_METADATA = {"ingress_port": 9, "egress_spec": 9, "egress_port": 9, "instance_type": 32, "packet_length": 32}
"""Fields that every version of v1model's standard_metadata_t has, and their widths in bits."""


def check(syntax: ast.P4Program, files: list[SourceFile], path: Path) -> Program:
    """Resolves names, finds all types, folds constants and checks the program.

    Raises P4Error with every error found, each with its place. Warnings are in `Program.warnings`."""
    program = Program(path=path, syntax=syntax, files=files)
    cx = _context(program)
    try:
        for declaration in syntax.declarations:
            cx.declarations.top_level(declaration)
        _check_main(cx)
        _check_version(cx)
        program.parents = parent_map(syntax)
        AnnotationChecker(cx).check(program.parents)
    except RecursionError:
        cx.error("the program is nested too deeply", syntax.declarations[-1].span if syntax.declarations else None)
    cx.report.raise_if_errors()
    program.warnings = cx.report.warnings
    return program


def _context(program: Program) -> Context:
    cx = Context(program)
    cx.resolve = TypeResolver(cx)
    cx.convert = Converter(cx)
    cx.expressions = ExpressionChecker(cx)
    cx.operators = OperatorChecker(cx)
    cx.casts = CastChecker(cx)
    cx.members = MemberChecker(cx)
    cx.calls = CallChecker(cx)
    cx.type_arguments = TypeArguments(cx)
    cx.instances = InstanceChecker(cx)
    cx.keysets = KeysetChecker(cx)
    cx.statements = StatementChecker(cx)
    cx.callables = CallableChecker(cx)
    cx.tables = TableChecker(cx)
    cx.parsers = ParserChecker(cx)
    cx.declarations = DeclarationChecker(cx)
    return cx


def _check_main(cx: Context) -> None:
    """`main`, if there is one, must instantiate a package: its name is the architecture."""
    found = cx.globals.find("main")
    if not found:
        return
    main = found[0]
    type_ = cx.program.declared.get(main)
    if isinstance(main, ast.Instantiation) and isinstance(type_, ObjectType):
        if type_.kind == "package":
            own = type_.name == V1SWITCH and not _is_v1model(cx, type_.decl)
            cx.program.architecture = f"a {V1SWITCH} of its own" if own else type_.name
            return
    elif isinstance(main, (ast.Instantiation, ast.FunctionDecl)):
        return  # its own error was reported; a plain function may be called so
    cx.error('"main" must be the instance of a package', main.name.span)


def _is_v1model(cx: Context, package: ast.Node | None) -> bool:
    """Whether a package called V1Switch is v1model's: by its parameters, and the standard metadata that they pass."""
    found = cx.globals.find("standard_metadata_t")
    metadata = cx.program.declared.get(found[0]) if found else None
    if not isinstance(package, ast.PackageDecl) or not isinstance(metadata, StructType):
        return False
    widths = {field.name: width_bits(field.type) for field in metadata.fields}
    parameters = tuple(param.name.text for param in package.params)
    return parameters == V1SWITCH_PARAMETERS and widths.items() >= STANDARD_METADATA.items()


def _check_version(cx: Context) -> None:
    """V1MODEL_VERSION must be one that v1model.p4 knows."""
    found = cx.globals.find("__v1model_version")
    if found and isinstance(found[0], ast.ConstantDecl):
        written = next((n for n in found[0].value.walk() if isinstance(n, ast.IntLiteral)), None)
        value = cx.constant(found[0].value)
        if written is not None and value not in V1MODEL_VERSIONS:
            known = " and ".join(map(str, V1MODEL_VERSIONS))
            cx.error(f"unknown V1MODEL_VERSION {written.value}: {known} are known", found[0].value.span)


_CHILD_FIELDS: dict[type[ast.Node], tuple[str, ...]] = {}


def _child_fields(kind: type[ast.Node]) -> tuple[str, ...]:
    """Names of the fields that may hold nodes or lists of them."""
    names = _CHILD_FIELDS.get(kind)
    if names is None:
        plain = {"str", "int", "bool", "int | None", "Span", "list[str]"}
        names = tuple(f.name for f in fields(kind) if f.type not in plain)
        _CHILD_FIELDS[kind] = names
    return names


def parent_map(root: ast.Node) -> dict[ast.Node, ast.Node]:
    """Each node's parent."""
    parents: dict[ast.Node, ast.Node] = {}
    stack: list[ast.Node] = [root]
    while stack:
        node = stack.pop()
        for name in _child_fields(type(node)):
            value = getattr(node, name)
            children: Iterable[object] = value if isinstance(value, list) else (value,)
            for child in children:
                if isinstance(child, ast.Node):
                    parents[child] = node
                    stack.append(child)
    return parents
