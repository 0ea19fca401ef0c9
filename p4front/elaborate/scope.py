"""What names mean in one instance: values of constructor parameters, objects, type arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from p4front.elaborate.evaluate import evaluate
from p4front.elaborate.names import join_name, own_name
from p4front.program import Program
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.substitute import substitute
from p4front.types.types import Type, TypeVar


class Object:
    """Base of what a name may refer to in an instance, other than a value: the kinds are in `objects`."""

    name: str


@dataclass(eq=False)
class Scope:
    """The scope of the program (`parent` None) or of one instance. `prefix`: the instance's control-plane name."""

    program: Program
    prefix: str = ""
    parent: Scope | None = None
    objects: dict[ast.Node, Object] = field(default_factory=dict)
    """By what declares them: an Instantiation, TableDecl, ValueSetDecl, ActionDecl, DirectApply, or a constructor
    parameter."""
    constants: dict[ast.Node, ConstValue] = field(default_factory=dict)
    """Values of constructor parameters."""
    types: Mapping[TypeVar, Type] = field(default_factory=dict)

    def name_of(self, decl: ast.Declaration) -> str:
        """Control-plane name of what the instance declares."""
        return join_name(self.prefix, own_name(decl))

    def object_of(self, decl: ast.Node | None) -> Object | None:
        """The object or instance that a declaration stands for here."""
        scope: Scope | None = self
        while scope is not None and decl is not None:
            if decl in scope.objects:
                return scope.objects[decl]
            scope = scope.parent
        return None

    def named(self, expr: ast.Expr | None) -> Object | None:
        """The object or instance that an expression names."""
        return self.object_of(self.program.referent(expr))

    def constant(self, decl: ast.Node) -> ConstValue | None:
        """Value of a constructor parameter."""
        return self.constants.get(decl)

    def type(self, type_: Type) -> Type:
        """`type_` with the type arguments in force here."""
        return substitute(type_, self.types)

    def value(self, expr: ast.Expr) -> ConstValue | None:
        """Compile-time value of an expression of the instance; None if there is none."""
        return evaluate(self, expr)
