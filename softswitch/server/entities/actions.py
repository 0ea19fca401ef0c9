"""Converts Action messages to names and parameters, and back (P4Runtime specification 9.1.2)."""

from __future__ import annotations

from collections.abc import Sequence

from finsy.proto import p4i, p4r

from softswitch.dataplane.entries import WeightedAction
from softswitch.server.errors import denied, invalid, unimplemented
from softswitch.server.program.config import Config
from softswitch.server.program.index import P4Index, ProfileView, TableView
from softswitch.server.values.bytestrings import decode, encode

DEFAULT_ONLY, TABLE_ONLY = p4i.ActionRef.DEFAULT_ONLY, p4i.ActionRef.TABLE_ONLY
PORT_BITS = 32
_RANDOM = p4r.ActionProfileActionSet.RANDOM
_BY_MEMBERS = p4r.ActionProfileActionSet.SUM_OF_MEMBERS
_MAX_SIZE_SEMANTICS = max(p4r.ActionProfileActionSet.SizeSemantics.values())


def to_action(index: P4Index, message: p4r.Action) -> tuple[str, tuple[int, ...]]:
    """Name and parameters in order. Raises Refused for a missing, unknown or repeated parameter."""
    view = index.action(message.action_id)
    given: dict[int, bytes] = {}
    for param in message.params:
        if param.param_id in given:
            raise invalid(f"action {view.name}: parameter id {param.param_id} is given twice")
        given[param.param_id] = param.value
    values = []
    for number, codec in view.params:
        if number not in given:
            raise invalid(f"action {view.name}: parameter {codec.name} (id {number}) is missing")
        values.append(codec.decode(given.pop(number)))
    for number in given:
        raise invalid(f"action {view.name} has no parameter with id {number}")
    return view.name, tuple(values)


def from_action(index: P4Index, name: str, params: Sequence[int]) -> p4r.Action:
    view = index.actions[index.action_ids[name]]
    message = p4r.Action(action_id=view.id)
    for (number, codec), value in zip(view.params, params, strict=False):
        message.params.add(param_id=number, value=codec.encode(value))
    return message


def check_scope(table: TableView, action_id: int, *, default: bool) -> None:
    """Raises Refused unless the table allows the action there."""
    scope = table.scopes.get(action_id)
    if scope is None:
        raise invalid(f"table {table.name} has no action with id {action_id:#010x}")
    if default and scope == TABLE_ONLY:
        raise denied(f"table {table.name}: that action is for entries only (@tableonly)")
    if not default and scope == DEFAULT_ONLY:
        raise denied(f"table {table.name}: that action is for the default entry only (@defaultonly)")


def to_action_set(config: Config, table: TableView, message: p4r.ActionProfileActionSet) -> tuple[WeightedAction, ...]:
    """A one-shot group (9.2.3). Raises Refused."""
    assert table.profile is not None
    if message.action_selection_mode >= _RANDOM:
        raise unimplemented(f"action profile {table.profile.name} selects by hash only")
    if message.size_semantics > _MAX_SIZE_SEMANTICS:
        raise unimplemented(f"unknown size_semantics {message.size_semantics}")
    actions = []
    for item in message.action_profile_actions:
        check_scope(table, item.action.action_id, default=False)
        name, params = to_action(config.index, item.action)
        weight = checked_weight(table.profile, item.weight)
        actions.append(WeightedAction(name, params, weight, watch_port(config, item)))
    check_group_size(table.profile, [a.weight for a in actions], 0, message.size_semantics)
    return tuple(actions)


def from_action_set(
    index: P4Index, actions: Sequence[WeightedAction], modes: tuple[int, int]
) -> p4r.ActionProfileActionSet:
    message = p4r.ActionProfileActionSet(
        action_selection_mode=p4r.ActionProfileActionSet.ActionSelectionMode.ValueType(modes[0]),
        size_semantics=p4r.ActionProfileActionSet.SizeSemantics.ValueType(modes[1]),
    )
    for item in actions:
        added = message.action_profile_actions.add(weight=item.weight)
        added.action.CopyFrom(from_action(index, item.action, item.params))
        if item.watch_port is not None:
            added.watch_port = encode(item.watch_port)
    return message


def watch_port(config: Config, message: p4r.ActionProfileAction | p4r.ActionProfileGroup.Member) -> int | None:
    """The port that a member's liveness depends on; None: no port. Raises Refused if the switch has no such port."""
    kind = message.WhichOneof("watch_kind")
    if kind == "watch":
        port = int(message.watch)
        if port == 0:
            return None
    elif kind == "watch_port" and message.watch_port:
        port = decode(message.watch_port, PORT_BITS, "watch_port")
    else:
        return None
    if port not in config.ports():
        raise invalid(f"watch_port {port}: the switch has no such port")
    return port


def checked_weight(profile: ProfileView, weight: int) -> int:
    if profile.proto.weights_disallowed:
        if weight:
            raise invalid(f"action profile {profile.name} does not take weights")
        return 1
    if weight <= 0:
        raise invalid(f"action profile {profile.name}: weight {weight} is not positive")
    return weight


def check_group_size(profile: ProfileView, weights: Sequence[int], max_size: int, semantics: int = 0) -> None:
    """Raises Refused if a group is larger than its declared size or than the profile allows (9.2.2). `semantics`: a
    SizeSemantics that replaces the profile's own; 0: keep the profile's."""
    most = max_size or profile.proto.max_group_size
    by_members = profile.proto.WhichOneof("selector_size_semantics") == "sum_of_members"
    if semantics == _BY_MEMBERS if semantics else by_members:
        heaviest = profile.proto.sum_of_members.max_member_weight
        if heaviest and any(weight > heaviest for weight in weights):
            raise invalid(f"action profile {profile.name}: a member's weight may be at most {heaviest}")
        size, what = len(weights), "members"
    else:
        size, what = sum(weights), "weights"
    if most and size > most:
        raise invalid(f"action profile {profile.name}: {size} {what} in a group of at most {most}")
