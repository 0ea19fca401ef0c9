"""Extern objects: their names, type arguments, constructor arguments and sizes."""

from __future__ import annotations

from p4front.elaborate.names import annotated_name, join_name
from p4front.elaborate.objects import ExternObject
from p4front.elaborate.scope import Scope
from p4front.elaborate.sizes import array_size
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.constants import ConstValue
from p4front.types.types import ObjectType, Type

STATEFUL = ("register", "counter", "meter", "direct_counter", "direct_meter", "action_profile", "action_selector")
"""The externs of v1model that keep state."""

SIZED = ("register", "counter", "meter", "action_profile", "action_selector")
"""Those of which the constructor's parameter `size` gives the number of cells or members."""

PROFILES = ("action_profile", "action_selector")


class ExternBuilder:
    """Makes the extern objects of one program."""

    def __init__(self) -> None:
        self._profiles: set[str] = set()

    def declared(self, scope: Scope, decl: ast.Instantiation) -> ExternObject | None:
        """The extern object that `decl` declares in `scope`; None if it instantiates something else."""
        type_ = scope.program.declared.get(decl)
        call = scope.program.calls.get(decl)
        if not isinstance(type_, ObjectType) or type_.kind != "extern" or call is None:
            return None
        return self.build(scope, call, scope.name_of(decl), decl, type_)

    def in_place(self, scope: Scope, prop: ast.TableProperty, table: str) -> ExternObject | None:
        """The object that a property of the table called `table` constructs; None if it constructs none. Without a
        `@name` it is called after the property, as in p4c; a second profile of that name has the table's before it."""
        call = scope.program.calls.get(prop.value)
        if call is None or not isinstance(call.returns, ObjectType):
            return None
        own = annotated_name(prop.annotations)
        name = join_name("", own or prop.name.text)
        if own is None and name in self._profiles:
            name = join_name(table, name)
        return self.build(scope, call, name, prop)

    def build(
        self, scope: Scope, call: CallInfo, name: str, decl: ast.Declaration, type_: ObjectType | None = None
    ) -> ExternObject:
        """The object that a constructor call in `scope` makes. Raises P4Error if its size is not known."""
        made = type_ if type_ is not None else call.returns
        assert isinstance(made, ObjectType)
        type_args: tuple[Type, ...] = tuple(scope.type(a) for a in made.args)
        arguments: dict[str, ConstValue] = {}
        size = None
        for arg in call.args:
            expr = arg.expr if arg.expr is not None else arg.default
            if expr is None:
                continue
            if arg.param_name == "size" and made.name in SIZED:
                size = array_size(scope, expr, f"the size of this {made.name.replace('_', ' ')}")
            value = scope.value(expr)
            if value is not None:
                arguments[arg.param_name] = value
        if made.name in PROFILES:
            self._profiles.add(name)
        return ExternObject(made.name, name, type_args, arguments, decl, size)
