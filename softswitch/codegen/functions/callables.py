"""What the name of something that can be called or applied stands for: objects that write its C function at the first
call. Their kinds of code are written elsewhere (`statements.functions`, `controls`, `parsers`); calls know them as
this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from p4front.elaborate.objects import Instance
from p4front.syntax import ast
from p4front.types.types import Type
from softswitch.codegen.errors import refuse
from softswitch.codegen.functions.environment import Environment
from softswitch.codegen.functions.function_body import Function, FunctionBody
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.values.cexpr import CExpr


class FunctionCode(ABC):
    """A P4 function in one scope."""

    @abstractmethod
    def specialise(self, type_args: tuple[Type, ...]) -> tuple[Function, Environment]:
        """The C function for these type arguments, and the scope that it was made in."""


class ActionCode(ABC):
    """An action of the program or of one instance of a control. `name`: its control-plane name."""

    decl: ast.ActionDecl
    env: Environment
    name: str

    @abstractmethod
    def function(self) -> Function: ...


class TableCode(ABC):
    """A table of one instance of a control. Its function returns the action that ran << 1 | hit."""

    @abstractmethod
    def function(self) -> Function: ...

    @abstractmethod
    def action_number(self, body: FunctionBody, label: ast.Expr) -> CExpr:
        """The number of the action that a switch label names."""


class BlockCode(ABC):
    """An instance of a control or parser. `name`: its control-plane name, which prefixes those of its objects."""

    def __init__(self, unit: TranslationUnit, instance: Instance, decl: ast.ControlDecl | ast.ParserDecl) -> None:
        self.unit, self.decl, self.name = unit, decl, instance.name
        self.env = Environment(instance.scope, unit.env)
        self._function: Function | None = None
        self._building = False

    def function(self) -> Function:
        """The C function of apply; written at the first call."""
        if self._function is None:
            if self._building:
                kind = "parser" if isinstance(self.decl, ast.ParserDecl) else "control"
                raise refuse(self.decl.span, f"{kind} {self.decl.name} applies itself")
            self._building = True
            self._function = self._make()
        return self._function

    @abstractmethod
    def _make(self) -> Function: ...


B = TypeVar("B", bound=BlockCode)
_BLOCKS: dict[type[ast.Node], Callable[[TranslationUnit, Instance, Any], BlockCode]] = {}


def register_block(kind: type[ast.Node]) -> Callable[[type[B]], type[B]]:
    """The decorated class is the code of instances whose declaration is of this kind."""

    def registered(code: type[B]) -> type[B]:
        _BLOCKS[kind] = code
        return code

    return registered


def block_of(unit: TranslationUnit, instance: Instance) -> BlockCode:
    """The code of an instance, one for each."""
    made = unit.blocks.get(instance)
    if not isinstance(made, BlockCode):
        made = unit.blocks[instance] = _BLOCKS[type(instance.decl)](unit, instance, instance.decl)
    return made


def find_action(env: Environment, decl: ast.Node | None, where: ast.Node) -> ActionCode:
    """The action that a declaration stands for in a scope."""
    found = env.lookup(decl) if decl is not None else None
    if not isinstance(found, ActionCode):
        raise refuse(where.span, "this action cannot be used here")
    return found
