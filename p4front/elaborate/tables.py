"""Tables: keys, actions, size and the objects that belong to them (P4_16 14.2, v1model.p4)."""

from __future__ import annotations

from p4front.elaborate.externs import ExternBuilder
from p4front.elaborate.keys import key_name
from p4front.elaborate.objects import DEFAULT_SIZE, Action, ExternObject, Key, Table
from p4front.elaborate.scope import Scope
from p4front.elaborate.sizes import array_size
from p4front.elaborate.widths import data_width
from p4front.program import Program
from p4front.syntax import ast


def build_table(scope: Scope, decl: ast.TableDecl, externs: ExternBuilder) -> Table:
    """The table that `decl` declares in one instance. Raises P4Error if its size is not known."""
    table = Table(scope.name_of(decl), decl, scope)
    table.keys = tuple(_key(scope, key) for key in decl.keys or ())
    table.actions = tuple(_actions(scope, decl))
    for action in table.actions:
        action.offered = True
    given = decl.property("size")
    if given is not None:
        table.size = array_size(scope, given.value, "the size of a table") or DEFAULT_SIZE
    timeout = decl.property("support_timeout")
    table.idle_timeout = timeout is not None and scope.value(timeout.value) is True
    table.counters = _attached(table, "counters", externs)
    table.meters = _attached(table, "meters", externs)
    table.implementation = _attached(table, "implementation", externs)
    return table


def _key(scope: Scope, key: ast.KeyElement) -> Key:
    program = scope.program
    cast = program.implicit_casts.get(key.expr)
    type_ = scope.type(cast if cast is not None else program.types[key.expr])
    return Key(key_name(key, program), key.match_kind.text, type_, data_width(type_), key)


def _actions(scope: Scope, decl: ast.TableDecl) -> list[Action]:
    """A table's actions in its order; the default action last if only `default_action`, or its absence, names it."""
    program = scope.program
    references = [*decl.actions, *([decl.default_action] if decl.default_action is not None else [])]
    wanted = [program.refs.get(reference) for reference in references]
    if decl.default_action is None:
        wanted.append(no_action(program))
    found = [scope.object_of(action) for action in dict.fromkeys(wanted)]
    return [action for action in found if isinstance(action, Action)]


def no_action(program: Program) -> ast.ActionDecl | None:
    """NoAction of core.p4, which a table without a default action has."""
    return next(
        (d for d in program.syntax.declarations if isinstance(d, ast.ActionDecl) and d.name.text == "NoAction"), None
    )


def _attached(table: Table, name: str, externs: ExternBuilder) -> ExternObject | None:
    """The extern object that a table property names or constructs in place."""
    prop = table.decl.property(name)
    if prop is None:
        return None
    found = table.scope.named(prop.value)
    if not isinstance(found, ExternObject):
        found = externs.in_place(table.scope, prop, table.name)
    if found is not None:
        found.tables.append(table)
    return found
