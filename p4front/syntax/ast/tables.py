"""Tables: keys, actions, entries and properties."""

from __future__ import annotations

from dataclasses import dataclass

from p4front.syntax.ast.expressions import Argument
from p4front.syntax.ast.nodes import Annotation, Expr, Name, Node
from p4front.syntax.ast.variables import Declaration


@dataclass(eq=False, slots=True)
class KeyElement(Node):
    expr: Expr
    match_kind: Name
    annotations: list[Annotation]


@dataclass(eq=False, slots=True)
class ActionRef(Node):
    """An action in a table's list, in default_action or in an entry: `a`, `a(x, y)`, `.a`. `args` None: no brackets."""

    name: Name
    absolute: bool
    args: list[Argument] | None
    annotations: list[Annotation]


@dataclass(eq=False, slots=True)
class TableEntry(Node):
    """`const priority = p: (keys) : action(args);`"""

    keyset: Expr  # KeysetTuple or a single keyset
    action: ActionRef
    annotations: list[Annotation]
    const: bool = False
    priority: Expr | None = None


@dataclass(eq=False, slots=True)
class TableProperty(Declaration):
    """Any other property: `size = 1024;`, `counters = c;`, `implementation = action_profile(8);`"""

    value: Expr
    const: bool = False


@dataclass(eq=False, slots=True)
class TableDecl(Declaration):
    keys: list[KeyElement] | None
    actions: list[ActionRef]
    default_action: ActionRef | None
    default_const: bool
    entries: list[TableEntry]
    entries_const: bool
    properties: list[TableProperty]

    def property(self, name: str) -> TableProperty | None:
        return next((p for p in self.properties if p.name.text == name), None)
