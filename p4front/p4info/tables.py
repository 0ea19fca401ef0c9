"""Tables and actions as P4Info messages (P4Runtime specification 6.4.1 to 6.4.3)."""

from __future__ import annotations

from finsy.proto import p4i

from p4front.elaborate.names import annotated_name, type_name
from p4front.elaborate.objects import Action, Table
from p4front.elaborate.tables import no_action
from p4front.match_kinds import SELECTOR
from p4front.p4info.annotations import add_annotations, add_documentation, set_preamble
from p4front.p4info.ids import Kind, SymbolTable, field_ids
from p4front.p4info.match_types import set_match_type
from p4front.p4info.typespec import TypeSpecs, control_width, padded
from p4front.program import Program
from p4front.syntax import ast
from p4front.syntax.annotations import has, number_argument
from p4front.types.constants import ConstValue
from p4front.types.types import EnumType, SerEnumType, Type


def add_action(info: p4i.P4Info, action: Action, symbols: SymbolTable, types: TypeSpecs) -> None:
    program = action.scope.program
    message = info.actions.add()
    number = symbols.id(Kind.ACTION, action.name)
    set_preamble(message.preamble, number, action.name, symbols.alias(action.name), action.decl.annotations)
    ids = field_ids([p.annotations for p in action.params])
    for number, param in zip(ids, action.params, strict=True):
        item = message.params.add(
            id=number, name=(annotated_name(param.annotations) or param.name.text).removeprefix(".")
        )
        add_annotations(item, param.annotations)
        add_documentation(item, param.annotations)
        type_ = action.scope.type(program.declared[param])
        _describe(item, type_, types)


def _describe(message: p4i.Action.Param, type_: Type, types: TypeSpecs) -> None:
    """Width and type name of a parameter or match field."""
    new_type = types.name_of_new_type(type_)
    if isinstance(type_, EnumType):
        message.type_name.name = type_name(type_)
        return
    message.bitwidth = control_width(type_)
    if new_type:
        message.type_name.name = new_type


def add_table(info: p4i.P4Info, table: Table, symbols: SymbolTable, types: TypeSpecs) -> p4i.Table:
    """Adds the table without its direct resources and its implementation, and returns it."""
    program, decl = table.scope.program, table.decl
    message = info.tables.add()
    number = symbols.id(Kind.TABLE, table.name)
    set_preamble(message.preamble, number, table.name, symbols.alias(table.name), decl.annotations)
    message.size = table.size
    types.touch()
    _match_fields(message, table, types)
    _action_refs(message, table, symbols)
    _default_action(message, table, symbols, program)
    message.is_const_table = decl.entries_const
    message.has_initial_entries = bool(decl.entries)
    if table.idle_timeout:
        message.idle_timeout_behavior = p4i.Table.NOTIFY_CONTROL
    return message


def _match_fields(message: p4i.Table, table: Table, types: TypeSpecs) -> None:
    for number, key in zip(field_ids([k.element.annotations for k in table.keys]), table.keys, strict=True):
        if key.match == SELECTOR.name:
            continue
        item = message.match_fields.add(id=number, name=key.name)
        add_annotations(item, key.element.annotations)
        add_documentation(item, key.element.annotations)
        new_type = types.name_of_new_type(key.type)
        item.bitwidth = control_width(key.type)
        set_match_type(item, key.match)
        if new_type:
            item.type_name.name = new_type


def _action_refs(message: p4i.Table, table: Table, symbols: SymbolTable) -> None:
    program = table.scope.program
    names = {action.decl: action.name for action in table.actions}
    listed = []
    for reference in table.decl.actions:
        decl = program.refs.get(reference)
        if not isinstance(decl, ast.ActionDecl):
            continue
        listed.append(decl)
        item = message.action_refs.add(id=symbols.id(Kind.ACTION, names[decl]))
        add_annotations(item, reference.annotations)
        if has(reference.annotations, "tableonly"):
            item.scope = p4i.ActionRef.TABLE_ONLY
        elif has(reference.annotations, "defaultonly"):
            item.scope = p4i.ActionRef.DEFAULT_ONLY
    implied = no_action(program) if table.decl.default_action is None else None
    if implied is not None and implied not in listed:
        number = symbols.id(Kind.ACTION, names[implied])
        message.action_refs.add(id=number, scope=p4i.ActionRef.DEFAULT_ONLY, annotations=["@defaultonly"])


def _default_action(message: p4i.Table, table: Table, symbols: SymbolTable, program: Program) -> None:
    reference = table.decl.default_action
    decl = program.refs.get(reference) if reference is not None else no_action(program)
    action = next((a for a in table.actions if a.decl is decl), None)
    if action is None:
        return
    number = symbols.id(Kind.ACTION, action.name)
    if table.decl.default_const:
        message.const_default_action_id = number
    message.initial_default_action.action_id = number
    call = program.calls.get(reference) if reference is not None else None
    if call is None:
        return
    params = {p.name.text: p for p in action.decl.params}
    position = 1
    for arg in call.args:
        param = params.get(arg.param_name)
        expr = arg.expr if arg.expr is not None else arg.default
        if param is None or param.direction or expr is None:
            continue
        value = table.scope.value(expr)
        type_ = table.scope.type(program.declared[param])
        given = number_argument(param.annotations, "id")
        item = message.initial_default_action.arguments.add(param_id=position if given is None else given)
        item.value = padded(_as_int(value, type_), control_width(type_))
        position += 1


def _as_int(value: ConstValue | None, type_: Type) -> int:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and isinstance(type_, SerEnumType):
        return type_.value(value.rpartition(".")[2]) or 0
    return 0
