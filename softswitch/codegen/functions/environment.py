"""What P4 names mean in one place of the generated code: what elaboration says, and the C that stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from p4front.elaborate.scope import Scope
from p4front.program import Program
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.substitute import substitute
from p4front.types.types import Type, TypeVar
from softswitch.codegen.values.cexpr import CExpr


@dataclass(frozen=True)
class Variable:
    """A run-time variable: `c` is a C l-value of the C type of `type`."""

    c: CExpr
    type: Type


@dataclass(frozen=True)
class Constant:
    """The value of a parameter of type `int`, which exists at compile time only."""

    value: ConstValue
    type: Type


Binding = object
"""Variable, Constant, an extern object, or the code of a parser, control, table, action, function or value set."""


class Environment:
    """A scope. Lookups go outwards, at last to the scope of the elaborated instance (or program) that the code belongs
    to. `types` binds the type parameters that are in force. Expressions are evaluated in it (`p4front.elaborate`)."""

    def __init__(
        self, scope: Scope, parent: Environment | None = None, types: Mapping[TypeVar, Type] | None = None
    ) -> None:
        self.scope = scope
        self.parent = parent
        self._bindings: dict[ast.Node, Binding] = {}
        inherited = parent.types if parent is not None and parent.scope is scope else scope.types
        self.types: dict[TypeVar, Type] = {**inherited, **(types or {})}

    def inner(self, types: Mapping[TypeVar, Type] | None = None) -> Environment:
        """A scope inside this one."""
        return Environment(self.scope, self, types)

    @property
    def program(self) -> Program:
        return self.scope.program

    def bind(self, decl: ast.Node, binding: Binding) -> None:
        self._bindings[decl] = binding

    def lookup(self, decl: ast.Node) -> Binding | None:
        scope: Environment | None = self
        while scope is not None:
            found = scope._bindings.get(decl)
            if found is not None:
                return found
            scope = scope.parent
        return self.scope.object_of(decl)

    def constant(self, decl: ast.Node) -> ConstValue | None:
        """Value of a parameter that is known at compile time."""
        found = self.lookup(decl)
        return found.value if isinstance(found, Constant) else self.scope.constant(decl)

    def type(self, type_: Type) -> Type:
        """`type_` with the type arguments in force here."""
        return substitute(type_, self.types)
