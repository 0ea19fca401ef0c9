"""Declarations of types, constants and variables, and the dispatch over all declarations (7.2, 10, 11)."""

from __future__ import annotations

from collections.abc import Callable

from p4front.check.context import Context
from p4front.syntax import ast
from p4front.types.rules import (
    castable,
    is_wrong,
    kind_of,
    newtype_allowed,
    struct_field_problem,
    variable_problem,
)
from p4front.types.types import (
    BOOL,
    ERROR,
    MATCH_KIND,
    WRONG,
    BitType,
    EnumType,
    FieldInfo,
    IntegerType,
    IntType,
    NewType,
    ObjectType,
    SerEnumType,
    SetType,
    StructType,
    TupleType,
    Type,
    VoidType,
)


class DeclarationChecker:
    """Checks declarations in source order; a name is visible from the end of its declaration on."""

    def __init__(self, cx: Context) -> None:
        self.cx = cx
        self.error_members: dict[str, ast.EnumMember] = {}
        self.match_kind_members: dict[str, ast.EnumMember] = {}
        callables = cx.callables

        def function(decl: ast.FunctionDecl) -> None:
            callables.function(decl)

        self._types: dict[type[ast.Node], Callable[..., None]] = {
            ast.StructDecl: self.struct,
            ast.EnumDecl: self.enum,
            ast.ErrorDecl: self.errors,
            ast.MatchKindDecl: self.match_kinds,
            ast.TypedefDecl: self.typedef,
            ast.ExternDecl: callables.extern,
            ast.ExternFunctionDecl: callables.extern_function,
            ast.FunctionDecl: function,
            ast.ActionDecl: callables.action,
            ast.ParserTypeDecl: callables.block_type,
            ast.ControlTypeDecl: callables.block_type,
            ast.PackageDecl: callables.package,
            ast.ParserDecl: lambda d: cx.parsers.parser(d),
            ast.ControlDecl: callables.control,
        }
        self._values: dict[type[ast.Node], Callable[..., None]] = {
            ast.ConstantDecl: self.constant,
            ast.VariableDecl: self.variable,
            ast.Instantiation: lambda d: cx.instances.instantiation(d),
            ast.ValueSetDecl: self.value_set,
            ast.TableDecl: lambda d: cx.tables.table(d),
            ast.ActionDecl: callables.action,
            ast.FunctionDecl: function,
        }

    def top_level(self, node: ast.Node) -> None:
        """A declaration of the program."""
        handler = self._types.get(type(node)) or (
            self._values.get(type(node)) if isinstance(node, (ast.ConstantDecl, ast.Instantiation)) else None
        )
        if handler is not None:
            handler(node)
        elif isinstance(node, ast.VariableDecl):
            self.cx.error("a variable can't be declared at the top level: use `const`, or declare it inside", node.span)
        elif not isinstance(node, ast.EmptyStatement):
            self.cx.error("this can't stand at the top level", node.span)

    def local(self, node: ast.Node) -> None:
        """A declaration inside a parser, a control or a block."""
        frame = self.cx.frame.kind
        handler = self._values.get(type(node))
        blocks_only = (ast.TableDecl, ast.ActionDecl, ast.ValueSetDecl, ast.FunctionDecl)
        if handler is None or (isinstance(node, blocks_only) and frame not in ("control", "parser")):
            if not isinstance(node, ast.EmptyStatement):
                self.cx.error("this declaration can't stand here", node.span)
            return
        handler(node)

    # ------------------------------------------------------------ constants and variables

    def constant(self, decl: ast.ConstantDecl) -> None:
        cx = self.cx
        type_ = cx.resolve.resolve(decl.type)
        if isinstance(type_, (ObjectType, VoidType)):
            cx.error(f"there can't be a constant of type {kind_of(type_)}", decl.type.span)
            type_ = WRONG
        with cx.defining(decl):
            wording = f'cannot initialise the {{want}} constant "{decl.name}" with {{have}}'
            if cx.convert.check(decl.value, type_, wording):
                self._require_known(decl, decl.value)
        cx.declare(decl, type_)

    def _require_known(self, decl: ast.ConstantDecl, value: ast.Expr) -> None:
        if not self.cx.is_known(value) and not self._headers_known(value):
            self.cx.error(f'the value of the constant "{decl.name}" must be known at compile time', value.span)

    def _headers_known(self, value: ast.Expr) -> bool:
        """List and struct expressions whose parts are all known, though no plain value stands for them."""
        if self.cx.is_known(value) or isinstance(value, (ast.DefaultExpr, ast.InvalidExpr)):
            return True
        if isinstance(value, ast.ListExpr):
            return all(map(self._headers_known, value.items))
        if isinstance(value, ast.StructExpr):
            return all(self._headers_known(f.value) for f in value.fields)
        return isinstance(value, ast.Cast) and self._headers_known(value.operand)

    def variable(self, decl: ast.VariableDecl) -> None:
        cx = self.cx
        type_ = cx.resolve.resolve(decl.type)
        problem = variable_problem(type_)
        if problem:
            cx.error(f'"{decl.name}" can\'t be a variable: {problem}', decl.type.span)
            type_ = WRONG
        if decl.init is not None:
            with cx.defining(decl):
                cx.convert.check(decl.init, type_)
        cx.declare(decl, type_)

    def value_set(self, decl: ast.ValueSetDecl) -> None:
        cx = self.cx
        type_ = cx.resolve.resolve(decl.element)
        size = cx.expressions.infer(decl.size)
        if size is not WRONG and not (isinstance(size, (BitType, IntType, IntegerType)) and cx.is_known(decl.size)):
            cx.error("the size of a value set must be a number known at compile time", decl.size.span)
        if type_ is not WRONG and not _value_set_element(type_):
            cx.error(f"a value set can't hold values of type {kind_of(type_)}", decl.element.span)
            type_ = WRONG
        cx.declare(decl, WRONG if type_ is WRONG else SetType(type_))

    # ------------------------------------------------------------ structs and enums

    def struct(self, decl: ast.StructDecl) -> None:
        cx = self.cx
        with cx.defining(decl), cx.block("params"):
            variables = cx.callables.type_parameters(decl, decl.type_params)
            fields = self._fields(decl)
        type_ = StructType(decl.name.text, decl.kind, fields, decl, variables)
        cx.declare(decl, type_ if cx.resolve.small_enough(type_, decl.name.span) else WRONG)

    def _fields(self, decl: ast.StructDecl) -> tuple[FieldInfo, ...]:
        cx = self.cx
        fields: dict[str, FieldInfo] = {}
        for field in decl.fields:
            type_ = cx.resolve.resolve(field.type)
            problem = None if is_wrong(type_) else struct_field_problem(decl.kind, type_)
            if problem:
                kind = decl.kind.replace("_", " ")
                cx.error(
                    f'field "{field.name}" of {kind} {decl.name} can\'t be {kind_of(type_)}: {problem}', field.type.span
                )
                type_ = WRONG
            cx.program.declared[field] = type_
            first = fields.get(field.name.text)
            if first is not None and first.decl is not None:
                cx.duplicate(field.name.text, field.name.span, first.decl)
                continue
            fields[field.name.text] = FieldInfo(field.name.text, type_, field)
        return tuple(fields.values())

    def enum(self, decl: ast.EnumDecl) -> None:
        cx = self.cx
        names = self._members(decl.members, {})
        if decl.underlying is None:
            for member in decl.members:
                if member.value is not None:
                    cx.error(
                        f'"{member.name}" has a value, so the enum needs a type: `enum bit<8> {decl.name}`',
                        member.value.span,
                    )
            type_: Type = EnumType(decl.name.text, tuple(names), decl)
        else:
            with cx.defining(decl), cx.block():
                type_ = self._serialisable(decl, decl.underlying)
        for member in decl.members:
            cx.program.declared[member] = type_
        cx.declare(decl, type_)

    def _members(self, members: list[ast.EnumMember], known: dict[str, ast.EnumMember]) -> dict[str, ast.EnumMember]:
        """Adds members to `known`; each name once."""
        for member in members:
            name = member.name.text
            if name in known:
                self.cx.duplicate(name, member.name.span, known[name])
            else:
                known[name] = member
        return known

    def _serialisable(self, decl: ast.EnumDecl, ref: ast.TypeRef) -> Type:
        cx = self.cx
        underlying = cx.resolve.resolve(ref)
        if is_wrong(underlying):
            return WRONG
        if not isinstance(underlying, (BitType, IntType)):
            cx.error(f"the type of an enum must be bit<> or int<>, not {kind_of(underlying)}", ref.span)
            return WRONG
        values: list[tuple[str, int]] = []
        for member in decl.members:
            if member.value is None:
                cx.error(f'"{member.name}" needs a value: `{member.name} = ...`', member.name.span)
                continue
            if isinstance(cx.expressions.infer(member.value), SerEnumType):
                fine = castable(cx.type_of(member.value), underlying)
            else:
                fine = cx.convert.convert(member.value, underlying, "an enum over {want} can't hold {have}")
            value = cx.constant(member.value)
            if fine and not isinstance(value, int):
                cx.error(f'the value of "{member.name}" must be known at compile time', member.value.span)
            elif fine and isinstance(value, int):
                values.append((member.name.text, int(value)))
            cx.program.declared[member] = underlying  # until the enum is complete, later members may use it so
            cx.scope.add(member)
        return SerEnumType(decl.name.text, underlying, tuple(values), decl)

    def errors(self, decl: ast.ErrorDecl) -> None:
        self._members(decl.members, self.error_members)
        self.cx.program.errors = list(self.error_members)
        for member in decl.members:
            self.cx.program.declared[member] = ERROR

    def match_kinds(self, decl: ast.MatchKindDecl) -> None:
        for member in decl.members:
            self.cx.declare(member, MATCH_KIND)
            self.match_kind_members.setdefault(member.name.text, member)
        self.cx.program.match_kinds = list(self.match_kind_members)

    # ------------------------------------------------------------ typedef and type

    def typedef(self, decl: ast.TypedefDecl) -> None:
        cx = self.cx
        target = decl.target
        with cx.defining(decl):
            if isinstance(target, ast.TypeRef):
                type_ = cx.resolve.resolve(target)
                span = target.span
            else:
                self._types[type(target)](target)
                type_, span = cx.program.declared.get(target, WRONG), target.span
        if decl.new_type:
            if not newtype_allowed(type_):
                cx.error(f"`type` makes a new type from bit<>, int<> or bool, not from {kind_of(type_)}", span)
                type_ = WRONG
            else:
                type_ = NewType(decl.name.text, type_, decl) if type_ is not WRONG else WRONG
        elif isinstance(type_, VoidType):
            cx.error(f"{kind_of(type_)} can't be given a name", span)
            type_ = WRONG
        cx.declare(decl, type_)


def _value_set_element(type_: Type) -> bool:
    if isinstance(type_, (BitType, IntType, EnumType, SerEnumType, NewType)) or type_ in (BOOL, ERROR):
        return True
    if isinstance(type_, TupleType):
        return all(map(_value_set_element, type_.items))
    return isinstance(type_, StructType) and type_.kind != "header_union"
