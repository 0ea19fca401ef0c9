"""What the front end knows of a checked program: types, referents, constants and bound calls, keyed by AST node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from p4front.syntax import ast
from p4front.text.includes import IncludeFiles
from p4front.text.source import Diagnostic, SourceFile
from p4front.types.constants import ConstValue
from p4front.types.types import CallableType, ObjectType, Type

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class BoundArg:
    """An argument matched to its parameter. `expr` None: the default (`param.decl.default`) or an omitted @optional."""

    param_name: str
    direction: str
    type: Type
    expr: ast.Expr | None
    default: ast.Expr | None = None


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What a Call (or DirectApply, ActionRef with arguments, Instantiation) calls.

    `kind`:
      "action" "function" "extern_function" "constructor" (extern, parser, control or package instance, value cast);
      "method"         extern object's method; `object` is the expression of the object;
      "table_apply" "parser_apply" "control_apply"   `object` likewise;
      "builtin"        `builtin` names it: isValid setValid setInvalid push_front pop_front minSizeInBits minSizeInBytes
                       maxSizeInBits maxSizeInBytes; `object` is the header, union, stack or type.
    packet_in.extract/lookahead/advance/length and packet_out.emit are "method" with the extern's declaration.
    `args` are in parameter order. `type_args` are complete after inference (they may contain the TypeVars of an
    enclosing generic declaration). `returns` has them substituted.
    """

    kind: str
    name: str
    decl: ast.Node | None
    args: tuple[BoundArg, ...]
    type_args: tuple[Type, ...]
    returns: Type
    object: ast.Expr | None = None
    builtin: str = ""
    callee_type: CallableType | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How a program's text was read: where its includes came from, and the macros given from outside."""

    files: IncludeFiles
    defines: tuple[str, ...] = ()


@dataclass(slots=True)
class Program:
    """A parsed, resolved and type-checked program.

    `types` holds every expression's type *after* implicit casts were decided: an `int` literal whose other operand is a
    bit<8> has the type bit<8> here, a list expression assigned to a struct has the struct's type. Where an operand is
    cast implicitly from another sized type (serialisable enum to its underlying type), `implicit_casts[expr]` is the
    target type and `types[expr]` the type before it. The same holds for an `int` without a known value (it comes from a
    constructor parameter or a cast to `int`) in a place of a sized type.
    """

    path: Path
    syntax: ast.P4Program
    files: list[SourceFile]
    types: dict[ast.Expr, Type] = field(default_factory=dict)
    implicit_casts: dict[ast.Expr, Type] = field(default_factory=dict)
    type_refs: dict[ast.TypeRef, Type] = field(default_factory=dict)
    declared: dict[ast.Declaration, Type] = field(default_factory=dict)
    """Type of each declared variable, parameter, constant, field, instance, value set; CallableType of each action,
    function, method and extern function; for type declarations the type itself; ObjectType of tables."""
    refs: dict[ast.Node, ast.Node] = field(default_factory=dict)
    """PathExpr, ActionRef, NamedType, state names (ast.Name in Transition/SelectCase; builtin accept/reject absent),
    Member (field -> StructField, enum member -> EnumMember, method -> MethodDecl), field names of a struct expression,
    match kinds of keys, labels of a switch over action_run -> the declaration they mean."""
    constants: dict[ast.Expr, ConstValue] = field(default_factory=dict)
    """Value of every expression known at compile time outside of constructor parameters, folded. A mask or range whose
    ends are known has the pair of them. Inside an expression that has a value, operands may keep the type `int`."""
    calls: dict[ast.Node, CallInfo] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    """Members of `error`, in order of declaration (core.p4's first): their index is their run-time value."""
    match_kinds: list[str] = field(default_factory=list)
    parents: dict[ast.Node, ast.Node] = field(default_factory=dict)
    warnings: list[Diagnostic] = field(default_factory=list)
    architecture: str = ""
    """Name of the package that `main` instantiates ("V1Switch" if it is that of v1model), "" without a main."""
    reading: Reading | None = field(default=None, repr=False, compare=False)
    """How to read it once more; None if it was not loaded from a text."""
    _made: dict[type, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def main(self) -> ast.Instantiation | None:
        """The instantiation named `main`."""
        return next(
            (d for d in self.syntax.declarations if isinstance(d, ast.Instantiation) and d.name.text == "main"), None
        )

    def once(self, kind: type[Made], make: Callable[[Program], Made]) -> Made:
        """What a later stage makes of the program, made at the first call and kept: one of each kind."""
        if kind not in self._made:
            self._made[kind] = make(self)
        made: Made = self._made[kind]
        return made

    def type_of(self, expr: ast.Expr) -> Type:
        return self.types[expr]

    def referent(self, expr: ast.Expr | None) -> ast.Node | None:
        """The declaration that a name stands for; None of any other expression."""
        return self.refs.get(expr) if isinstance(expr, ast.PathExpr) else None


__all__ = ["BoundArg", "CallInfo", "ObjectType", "Program", "Reading"]
