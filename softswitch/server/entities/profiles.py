"""Action profile members and groups, and parser value sets (P4Runtime specification 9.2 and 9.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from finsy.proto import p4r

from softswitch.dataplane.entries import Group, GroupMember, Member
from softswitch.dataplane.profiles import Profile
from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from softswitch.server.entities.actions import check_group_size, checked_weight, from_action, to_action, watch_port
from softswitch.server.entities.matches import from_keys, to_keys
from softswitch.server.errors import Code, Refused, invalid, not_found
from softswitch.server.program.config import Config
from softswitch.server.program.index import ProfileView
from softswitch.server.values.bytestrings import encode

Undo = Callable[[], None]


def _profile(config: Config, number: int) -> tuple[ProfileView, Profile]:
    view = config.index.profile(number)
    return view, config.pipeline.profiles[view.name]


def write_member(config: Config, kind: int, message: p4r.ActionProfileMember) -> Undo:
    view, profile = _profile(config, message.action_profile_id)
    number = message.member_id
    if number == 0:
        raise invalid("member id 0 is not valid")
    old = next((m for m in profile.members() if m.id == number), None)
    if kind != INSERT and old is None:
        raise not_found(f"action profile {view.name} has no member {number}")
    if kind == DELETE:
        assert old is not None
        kept = old
        profile.delete_member(number)
        return lambda: profile.insert_member(kept)
    if not message.HasField("action"):
        raise invalid(f"member {number} of action profile {view.name} needs an action")
    _check_action(config, view, message.action.action_id)
    member = Member(number, *to_action(config.index, message.action))
    if kind == INSERT:
        if old is not None:
            raise Refused(Code.ALREADY_EXISTS, f"action profile {view.name} already has a member {number}")
        profile.insert_member(member)
        return lambda: profile.delete_member(number)
    assert old is not None
    previous = old
    profile.modify_member(member)
    return lambda: profile.modify_member(previous)


def _check_action(config: Config, view: ProfileView, action_id: int) -> None:
    tables = [t for t in config.index.tables.values() if t.profile is not None and t.profile.id == view.id]
    if not any(action_id in table.scopes for table in tables):
        raise invalid(f"no table of action profile {view.name} has an action with id {action_id:#010x}")


def write_group(config: Config, kind: int, message: p4r.ActionProfileGroup) -> Undo:
    view, profile = _profile(config, message.action_profile_id)
    number = message.group_id
    if number == 0:
        raise invalid("group id 0 is not valid")
    if not view.info.selector:
        raise invalid(f"action profile {view.name} has no selector, hence no groups")
    old = next((g for g in profile.groups() if g.id == number), None)
    if kind != INSERT and old is None:
        raise not_found(f"action profile {view.name} has no group {number}")
    if kind == DELETE:
        assert old is not None
        kept = old
        profile.delete_group(number)
        return lambda: profile.insert_group(kept)
    group = _to_group(config, view, profile, message)
    if kind == INSERT:
        if old is not None:
            raise Refused(Code.ALREADY_EXISTS, f"action profile {view.name} already has a group {number}")
        profile.insert_group(group)
        return lambda: profile.delete_group(number)
    assert old is not None
    previous = old
    if group.max_size != old.max_size:
        raise invalid(f"max_size of group {number} is {old.max_size} and can't be changed")
    profile.modify_group(group)
    return lambda: profile.modify_group(previous)


def _to_group(config: Config, view: ProfileView, profile: Profile, message: p4r.ActionProfileGroup) -> Group:
    most = view.proto.max_group_size
    if message.max_size < 0 or (most and not 0 < message.max_size <= most):
        raise invalid(
            f"max_size {message.max_size}: groups of action profile {view.name} have a max_size from 1 to {most}"
        )
    known = {m.id for m in profile.members()}
    members, seen = [], set()
    for item in message.members:
        if item.member_id not in known:
            raise not_found(f"action profile {view.name} has no member {item.member_id}")
        if item.member_id in seen:
            raise invalid(f"member {item.member_id} is in the group twice")
        seen.add(item.member_id)
        members.append(GroupMember(item.member_id, checked_weight(view, item.weight), watch_port(config, item)))
    check_group_size(view, [m.weight for m in members], message.max_size)
    return Group(message.group_id, tuple(members), message.max_size)


def read_members(config: Config, request: p4r.ActionProfileMember) -> Iterator[p4r.ActionProfileMember]:
    found = []
    for view in _views(config, request.action_profile_id, request.member_id):
        members = config.pipeline.profiles[view.name].members()
        for member in sorted(members, key=lambda m: m.id):
            if request.member_id in (0, member.id):
                message = p4r.ActionProfileMember(action_profile_id=view.id, member_id=member.id)
                message.action.CopyFrom(from_action(config.index, member.action, member.params))
                found.append(message)
    return iter(found)


def read_groups(config: Config, request: p4r.ActionProfileGroup) -> Iterator[p4r.ActionProfileGroup]:
    found = []
    for view in _views(config, request.action_profile_id, request.group_id):
        groups = config.pipeline.profiles[view.name].groups()
        for group in sorted(groups, key=lambda g: g.id):
            if request.group_id not in (0, group.id):
                continue
            message = p4r.ActionProfileGroup(action_profile_id=view.id, group_id=group.id, max_size=group.max_size)
            for member in group.members:
                weight = 0 if view.proto.weights_disallowed else member.weight
                item = message.members.add(member_id=member.member, weight=weight)
                if member.watch_port is not None:
                    item.watch_port = encode(member.watch_port)
            found.append(message)
    return iter(found)


def _views(config: Config, number: int, inner: int) -> list[ProfileView]:
    if number:
        return [config.index.profile(number)]
    if inner:
        raise invalid("a member or group id requires the id of its action profile")
    return list(config.index.profiles.values())


def write_value_set(config: Config, kind: int, message: p4r.ValueSetEntry) -> Undo:
    if kind != MODIFY:
        raise invalid("value sets always exist: they can only be modified")
    view = config.index.value_set(message.value_set_id)
    members = [to_keys(view.fields, member.match, f"value set {view.name}") for member in message.members]
    if len(set(members)) != len(members):
        raise Refused(Code.ALREADY_EXISTS, f"value set {view.name}: a member is given twice")
    if len(members) > view.info.size:
        raise Refused(Code.RESOURCE_EXHAUSTED, f"value set {view.name} holds at most {view.info.size} members")
    value_set = config.pipeline.value_sets[view.name]
    old = value_set.members()
    value_set.set(members)
    return lambda: value_set.set(old)


def read_value_sets(config: Config, request: p4r.ValueSetEntry) -> Iterator[p4r.ValueSetEntry]:
    index = config.index
    views = [index.value_set(request.value_set_id)] if request.value_set_id else list(index.value_sets.values())
    found = []
    for view in views:
        message = p4r.ValueSetEntry(value_set_id=view.id)
        for member in config.pipeline.value_sets[view.name].members():
            message.members.add(match=from_keys(view.fields, member))
        found.append(message)
    return iter(found)
