"""Declarations, and the whole program that they make up."""

from __future__ import annotations

from dataclasses import dataclass

from p4front.syntax.ast.expressions import Argument
from p4front.syntax.ast.nodes import Expr, Node
from p4front.syntax.ast.statements import BlockStatement
from p4front.syntax.ast.states import ParserState
from p4front.syntax.ast.types import TypeRef
from p4front.syntax.ast.variables import Declaration, Parameter, TypeParameter


@dataclass(eq=False, slots=True)
class Instantiation(Declaration):
    """`T<..>(args) name = { initialiser };` Also the package `main`."""

    type: TypeRef
    args: list[Argument]
    initializer: BlockStatement | None = None


@dataclass(eq=False, slots=True)
class StructField(Declaration):
    type: TypeRef


@dataclass(eq=False, slots=True)
class StructDecl(Declaration):
    """A struct, header or header_union, by `kind`."""

    kind: str  # "struct" | "header" | "header_union"
    type_params: list[TypeParameter]
    fields: list[StructField]


@dataclass(eq=False, slots=True)
class EnumMember(Declaration):
    value: Expr | None = None


@dataclass(eq=False, slots=True)
class EnumDecl(Declaration):
    """`underlying` is set for a serialisable enum."""

    underlying: TypeRef | None
    members: list[EnumMember]


@dataclass(eq=False, slots=True)
class ErrorDecl(Declaration):
    """`error { A, B }`; all of a program add up. `name` is "error"."""

    members: list[EnumMember]


@dataclass(eq=False, slots=True)
class MatchKindDecl(Declaration):
    members: list[EnumMember]


@dataclass(eq=False, slots=True)
class TypedefDecl(Declaration):
    """`typedef T name;` or, with `new_type`, `type T name;`. `target` may be an inline struct in old code."""

    target: TypeRef | StructDecl | EnumDecl
    new_type: bool = False


@dataclass(eq=False, slots=True)
class MethodDecl(Declaration):
    """A prototype of an extern (or an extern function), or a function of an abstract method's initialiser."""

    return_type: TypeRef | None  # None for a constructor
    type_params: list[TypeParameter]
    params: list[Parameter]
    abstract: bool = False


@dataclass(eq=False, slots=True)
class ExternDecl(Declaration):
    """`extern Obj<T> { constructor and methods }`"""

    type_params: list[TypeParameter]
    methods: list[MethodDecl]


@dataclass(eq=False, slots=True)
class ExternFunctionDecl(Declaration):
    """`extern R name<T>(params);`"""

    return_type: TypeRef
    type_params: list[TypeParameter]
    params: list[Parameter]


@dataclass(eq=False, slots=True)
class FunctionDecl(Declaration):
    return_type: TypeRef
    type_params: list[TypeParameter]
    params: list[Parameter]
    body: BlockStatement


@dataclass(eq=False, slots=True)
class ActionDecl(Declaration):
    params: list[Parameter]
    body: BlockStatement


@dataclass(eq=False, slots=True)
class PackageDecl(Declaration):
    type_params: list[TypeParameter]
    params: list[Parameter]


@dataclass(eq=False, slots=True)
class ParserTypeDecl(Declaration):
    """`parser P<T>(params);` without a body"""

    type_params: list[TypeParameter]
    params: list[Parameter]


@dataclass(eq=False, slots=True)
class ControlTypeDecl(Declaration):
    type_params: list[TypeParameter]
    params: list[Parameter]


@dataclass(eq=False, slots=True)
class ParserDecl(Declaration):
    type_params: list[TypeParameter]
    params: list[Parameter]
    constructor_params: list[Parameter]
    locals: list[Node]  # ConstantDecl, VariableDecl, Instantiation, ValueSetDecl
    states: list[ParserState]


@dataclass(eq=False, slots=True)
class ControlDecl(Declaration):
    """`apply_` is the body of `apply { }`."""

    type_params: list[TypeParameter]
    params: list[Parameter]
    constructor_params: list[Parameter]
    locals: list[Node]  # ConstantDecl, VariableDecl, Instantiation, ActionDecl, TableDecl, FunctionDecl
    apply_: BlockStatement


@dataclass(eq=False, slots=True)
class ValueSetDecl(Declaration):
    """`value_set<T>(size) name;`"""

    element: TypeRef
    size: Expr


@dataclass(eq=False, slots=True)
class P4Program(Node):
    """A whole translation unit, includes included."""

    declarations: list[Node]
