"""What P4 names mean in one place of the elaborated program: variables, constants, instances, type arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from p4front.program import ConstValue
from p4front.syntax import ast
from p4front.types.substitute import substitute
from p4front.types.types import Type, TypeVar


@dataclass(frozen=True)
class Variable:
    """A run-time variable: `text` is a C l-value of the C type of `type`."""

    text: str
    type: Type


@dataclass(frozen=True)
class Constant:
    """A compile-time value, such as that of a constructor parameter."""

    value: ConstValue
    type: Type


@dataclass(eq=False)
class ExternObject:
    """An instance of an extern of v1model. `index`: its number in the list of its kind, -1 without one. `args`: the
    constructor's arguments. packet_in and packet_out have `kind` of that name only."""

    kind: str
    name: str
    decl: ast.Node | None = None
    index: int = -1
    type_args: tuple[Type, ...] = ()
    args: dict[str, ConstValue] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    """Tables that have it as their direct counter, direct meter or implementation."""


Binding = object
"""Variable, Constant, ExternObject, or an instance of a parser, control, table, action, value set."""


class Env:
    """A scope. Lookups go outwards; `types` binds the type parameters that are in force."""

    def __init__(self, parent: Env | None = None, types: Mapping[TypeVar, Type] | None = None) -> None:
        self.parent = parent
        self._bindings: dict[ast.Node, Binding] = {}
        self.types: dict[TypeVar, Type] = dict(parent.types) if parent else {}
        self.types.update(types or {})

    def bind(self, decl: ast.Node, binding: Binding) -> None:
        self._bindings[decl] = binding

    def lookup(self, decl: ast.Node) -> Binding | None:
        scope: Env | None = self
        while scope is not None:
            found = scope._bindings.get(decl)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def resolve(self, type_: Type) -> Type:
        """`type_` with the type arguments in force here."""
        return substitute(type_, self.types)
