"""Calls on action profiles and the tables that use them (`bm_mt_act_prof_*`, `bm_mt_indirect_*`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from bm_runtime.standard.ttypes import BmMtActProfGroup, BmMtActProfMember
from finsy.proto import p4r

from softswitch.compat.thrift.access import Access, OneTable, Program
from softswitch.compat.thrift.errors import TABLES
from softswitch.compat.thrift.handles import IdHandles
from softswitch.compat.thrift.tables import (
    INDIRECT,
    check_default,
    check_mutable,
    delete,
    insert,
    modify,
    write_default,
)
from softswitch.compat.thrift.values import from_params, to_action
from softswitch.dataplane.entries import Group, GroupMember, Member
from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from softswitch.server.entities.profiles import read_groups
from softswitch.server.errors import Code, Refused
from softswitch.server.program.index import ProfileView

SELECTED = ("indirect_ws",)


class ProfileCalls:
    """Handlers. All raise InvalidTableOperation."""

    def __init__(self, access: Access) -> None:
        self._access = access

    # ---- members ----

    def bm_mt_act_prof_add_member(self, context: int, name: str, action_name: str, data: Sequence[bytes]) -> int:
        with self._access.writing(context, TABLES) as program:
            one = _Profile(program, name)
            message = one.member_message(one.members.unused_id(), action_name, data)
            program.write(INSERT, p4r.Entity(action_profile_member=message))
            return one.new_members().handle(message.member_id)

    def bm_mt_act_prof_delete_member(self, context: int, name: str, handle: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = _Profile(program, name)
            message = p4r.ActionProfileMember(action_profile_id=one.view.id, member_id=one.member_id(handle))
            try:
                program.write(DELETE, p4r.Entity(action_profile_member=message))
            except Refused as refused:
                _still_used(refused, "MBR_STILL_USED")

    def bm_mt_act_prof_modify_member(
        self, context: int, name: str, handle: int, action_name: str, data: Sequence[bytes]
    ) -> None:
        with self._access.writing(context, TABLES) as program:
            one = _Profile(program, name)
            message = one.member_message(one.member_id(handle), action_name, data)
            program.write(MODIFY, p4r.Entity(action_profile_member=message))

    def bm_mt_act_prof_get_members(self, context: int, name: str) -> list[Any]:
        """Empty for an unknown profile, as in bmv2."""
        with self._access.reading(context, TABLES) as program:
            if all(view.name != name for view in program.config.index.profiles.values()):
                return []
            one = _Profile(program, name)
            return [one.member(handle, number) for handle, number in one.members.in_order()]

    def bm_mt_act_prof_get_member(self, context: int, name: str, handle: int) -> Any:
        with self._access.reading(context, TABLES) as program:
            one = _Profile(program, name)
            return one.member(handle, one.member_id(handle))

    # ---- groups ----

    def bm_mt_act_prof_create_group(self, context: int, name: str) -> int:
        with self._access.writing(context, TABLES) as program:
            one = _Profile(program, name, selects=True)
            number = one.groups.unused_id()
            message = p4r.ActionProfileGroup(action_profile_id=one.view.id, group_id=number)
            message.max_size = one.view.proto.max_group_size
            program.write(INSERT, p4r.Entity(action_profile_group=message))
            return one.new_groups().handle(number)

    def bm_mt_act_prof_delete_group(self, context: int, name: str, handle: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = _Profile(program, name, selects=True)
            message = p4r.ActionProfileGroup(action_profile_id=one.view.id, group_id=one.group_id(handle))
            try:
                program.write(DELETE, p4r.Entity(action_profile_group=message))
            except Refused as refused:
                _still_used(refused, "GRP_STILL_USED")

    def bm_mt_act_prof_add_member_to_group(self, context: int, name: str, member: int, group: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = _Profile(program, name, selects=True)
            number, message = one.member_id(member), one.group_message(group)
            if any(item.member_id == number for item in message.members):
                TABLES.fail("MBR_ALREADY_IN_GRP")
            weight = 0 if one.view.proto.weights_disallowed else 1
            message.members.add(member_id=number, weight=weight)
            program.write(MODIFY, p4r.Entity(action_profile_group=message))

    def bm_mt_act_prof_remove_member_from_group(self, context: int, name: str, member: int, group: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = _Profile(program, name, selects=True)
            number, message = one.member_id(member), one.group_message(group)
            kept = [item for item in message.members if item.member_id != number]
            if len(kept) == len(message.members):
                TABLES.fail("MBR_NOT_IN_GRP")
            del message.members[:]
            message.members.extend(kept)
            program.write(MODIFY, p4r.Entity(action_profile_group=message))

    def bm_mt_act_prof_get_groups(self, context: int, name: str) -> list[Any]:
        with self._access.reading(context, TABLES) as program:
            if all(view.name != name for view in program.config.index.profiles.values()):
                return []
            one = _Profile(program, name)
            return [one.group(handle, number) for handle, number in one.groups.in_order()]

    def bm_mt_act_prof_get_group(self, context: int, name: str, handle: int) -> Any:
        with self._access.reading(context, TABLES) as program:
            one = _Profile(program, name, selects=True)
            return one.group(handle, one.group_id(handle))

    # ---- entries ----

    def bm_mt_indirect_add_entry(self, context: int, name: str, key: Sequence[Any], member: int, options: Any) -> int:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, INDIRECT)
            check_mutable(one)
            return insert(program, one, key, options, _to_member(program, one, member))

    def bm_mt_indirect_modify_entry(self, context: int, name: str, handle: int, member: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, INDIRECT)
            check_mutable(one)
            modify(program, one, handle, _to_member(program, one, member))

    def bm_mt_indirect_delete_entry(self, context: int, name: str, handle: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, INDIRECT)
            check_mutable(one)
            delete(program, one, one.handles.key(handle))

    def bm_mt_indirect_ws_add_entry(self, context: int, name: str, key: Sequence[Any], group: int, options: Any) -> int:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, SELECTED)
            check_mutable(one)
            return insert(program, one, key, options, _to_group(program, one, group))

    def bm_mt_indirect_ws_modify_entry(self, context: int, name: str, handle: int, group: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, SELECTED)
            check_mutable(one)
            modify(program, one, handle, _to_group(program, one, group))

    # ---- default entries: the program's own default action, until a member or group takes its place ----

    def bm_mt_indirect_set_default_member(self, context: int, name: str, member: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, INDIRECT)
            check_default(one)
            write_default(program, one, _to_member(program, one, member))

    def bm_mt_indirect_ws_set_default_group(self, context: int, name: str, group: int) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, SELECTED)
            check_default(one)
            write_default(program, one, _to_group(program, one, group, empty=True))

    def bm_mt_indirect_reset_default_entry(self, context: int, name: str) -> None:
        with self._access.writing(context, TABLES) as program:
            one = program.table(name, INDIRECT)
            if not one.view.info.const_default:  # else it is what it was
                write_default(program, one, None)


class _Profile:
    """One action profile with its up-to-date handles."""

    def __init__(self, program: Program, name: str, *, selects: bool = False) -> None:
        self.view: ProfileView = program.profile(name)
        if selects and not self.view.info.selector:
            TABLES.fail("ERROR", f"action profile {name} has no selector, hence no groups")
        self._program = program
        self.members = self.new_members()
        self.groups = self.new_groups()

    def new_members(self) -> IdHandles:
        return self._program.handles.members(self._program.config, self.view.name)

    def new_groups(self) -> IdHandles:
        return self._program.handles.groups(self._program.config, self.view.name)

    def member_id(self, handle: int) -> int:
        number = self.members.id(handle)
        if number is None:
            TABLES.fail("INVALID_MBR_HANDLE", f"action profile {self.view.name} has no member {handle}")
        return number

    def group_id(self, handle: int) -> int:
        number = self.groups.id(handle)
        if number is None:
            TABLES.fail("INVALID_GRP_HANDLE", f"action profile {self.view.name} has no group {handle}")
        return number

    def member_message(self, number: int, action_name: str, data: Sequence[bytes]) -> p4r.ActionProfileMember:
        index = self._program.config.index
        tables = [t for t in index.tables.values() if t.profile is not None and t.profile.id == self.view.id]
        offered = tuple(action for table in tables for action in table.scopes)
        action = to_action(index, offered, action_name, data)
        return p4r.ActionProfileMember(action_profile_id=self.view.id, member_id=number, action=action)

    def group_message(self, handle: int) -> p4r.ActionProfileGroup:
        key = p4r.ActionProfileGroup(action_profile_id=self.view.id, group_id=self.group_id(handle))
        return next(read_groups(self._program.config, key))

    def member(self, handle: int, number: int) -> Any:
        member: Member = self._program.config.pipeline.profiles[self.view.name].member(number)
        index = self._program.config.index
        data = from_params(index.actions[index.action_ids[member.action]], member.params)
        return BmMtActProfMember(mbr_handle=handle, action_name=member.action, action_data=data)

    def group(self, handle: int, number: int) -> Any:
        group: Group = self._program.config.pipeline.profiles[self.view.name].group(number)
        seats: tuple[GroupMember, ...] = group.members
        return BmMtActProfGroup(grp_handle=handle, mbr_handles=[self.members.handle(seat.member) for seat in seats])


def _to_member(program: Program, one: OneTable, handle: int) -> p4r.TableAction:
    assert one.view.profile is not None
    number = _Profile(program, one.view.profile.name).member_id(handle)
    return p4r.TableAction(action_profile_member_id=number)


def _to_group(program: Program, one: OneTable, handle: int, *, empty: bool = False) -> p4r.TableAction:
    """Raises EMPTY_GRP unless `empty` groups are possible, as in the place of a default action."""
    assert one.view.profile is not None
    profile = _Profile(program, one.view.profile.name)
    number = profile.group_id(handle)
    if not empty and not program.config.pipeline.profiles[one.view.profile.name].group(number).members:
        TABLES.fail("EMPTY_GRP", f"group {handle} has no members")
    return p4r.TableAction(action_profile_group_id=number)


def _still_used(refused: Refused, name: str) -> NoReturn:
    if refused.code == Code.FAILED_PRECONDITION:
        TABLES.fail(name, refused.message)
    raise refused
