"""Action profiles and selectors, and parser value sets, as controllers see them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from ctypes import byref, c_uint32
from itertools import count

from softswitch.dataplane import native
from softswitch.dataplane.entries import Group, GroupMember, KeyMatch, Member, WeightedAction
from softswitch.dataplane.handle import PipelineHandle
from softswitch.dataplane.native import DELETE, INSERT, MODIFY, NO_ACTION, NO_WATCH_PORT
from softswitch.dataplane.rows import ROW_HEAD, Keys, address, encode_params, packed
from softswitch.errors import BadEntry, EntryNotFound
from softswitch.model import ActionInfo, ProfileInfo, TableInfo, ValueSetInfo, words

_HIDDEN = 1 << 40  # ids above are ours: members and groups of action sets


class Profile:
    """An action profile (members) or action selector (members and groups), shared by the tables that name it.

    Errors: BadEntry, TableFull, EntryExists, EntryNotFound, InUse (deleting something that entries or groups refer to),
    Closed.
    """

    def __init__(self, handle: PipelineHandle, info: ProfileInfo, tables: Sequence[TableInfo]) -> None:
        self.info = info
        self._handle = handle
        self._tables = tuple(table for table in tables if table.action_profile == info.index)
        self._data_words = max(
            (sum(words(param.width) for param in action.params) for table in self._tables for action in table.actions),
            default=0,
        )
        self._members: dict[int, Member] = {}
        self._groups: dict[int, Group] = {}
        self._hidden: dict[int, list[int]] = {}  # hidden group: its hidden members
        self._next_hidden = count(_HIDDEN)
        with handle.use() as pipeline:
            self._pointer = native.library().ss_pipeline_profile(pipeline, info.index)

    def insert_member(self, member: Member) -> None:
        self._write_member(INSERT, member)
        self._members[member.id] = member

    def modify_member(self, member: Member) -> None:
        self._write_member(MODIFY, member)
        self._members[member.id] = member

    def delete_member(self, id: int) -> None:
        with self._handle.use():
            self._delete_member(id)
            del self._members[id]

    def member(self, id: int) -> Member:
        found = self._members.get(id)
        if found is None:
            raise EntryNotFound(f"profile {self.info.name} has no member {id}")
        return found

    def members(self) -> list[Member]:
        return list(self._members.values())

    def insert_group(self, group: Group) -> None:
        self._write_group(INSERT, group)
        self._groups[group.id] = group

    def modify_group(self, group: Group) -> None:
        self._write_group(MODIFY, group)
        self._groups[group.id] = group

    def delete_group(self, id: int) -> None:
        with self._handle.use():
            native.check(native.library().ss_profile_write_group(self._pointer, DELETE, id, 0, None))
            del self._groups[id]

    def group(self, id: int) -> Group:
        found = self._groups.get(id)
        if found is None:
            raise EntryNotFound(f"profile {self.info.name} has no group {id}")
        return found

    def groups(self) -> list[Group]:
        return list(self._groups.values())

    # ---- action sets: a group and members of its own for one entry ----

    def make_hidden_group(self, actions: Sequence[WeightedAction]) -> int:
        made: list[int] = []
        try:
            for action in actions:
                id = next(self._next_hidden)
                self._write_member(INSERT, Member(id, action.action, action.params))
                made.append(id)
            group = next(self._next_hidden)
            seats = zip(made, actions, strict=True)
            self._write_group(INSERT, Group(group, tuple(GroupMember(m, a.weight, a.watch_port) for m, a in seats)))
        except Exception:
            for id in made:
                self._delete_member(id)
            raise
        self._hidden[group] = made
        return group

    def drop_hidden_group(self, group: int) -> None:
        native.check(native.library().ss_profile_write_group(self._pointer, DELETE, group, 0, None))
        for id in self._hidden.pop(group):
            self._delete_member(id)

    def forget(self) -> None:
        """After the pipeline was reset: nothing is there any more."""
        self._members.clear()
        self._groups.clear()
        self._hidden.clear()

    # ---- inside ----

    def _write_member(self, operation: int, member: Member) -> None:
        indices: list[int] = []
        found: ActionInfo | None = None
        for table in self._tables:
            action = next((a for a in table.actions if a.name == member.action), None)
            indices.append(NO_ACTION if action is None else action.index)
            found = found or action
        if found is None:
            raise BadEntry(f"no table of profile {self.info.name} has an action {member.action}")
        data = encode_params(f"profile {self.info.name}", found, member.params, self._data_words)
        actions, memory = array("I", indices), packed([*data, 0])
        with self._handle.use():
            status = native.library().ss_profile_write_member(
                self._pointer, operation, member.id, actions.buffer_info()[0], address(memory), len(data)
            )
            native.check(status)

    def _delete_member(self, id: int) -> None:
        native.check(native.library().ss_profile_write_member(self._pointer, DELETE, id, None, None, 0))

    def _write_group(self, operation: int, group: Group) -> None:
        if not self.info.selector:
            raise BadEntry(f"{self.info.name} is an action profile, not a selector: it has no groups")
        if group.max_size and sum(seat.weight for seat in group.members) > group.max_size:
            raise BadEntry(f"the weights of group {group.id} of {self.info.name} exceed its size {group.max_size}")
        flat: list[int] = []
        for seat in group.members:
            if seat.weight < 1:
                raise BadEntry(f"group {group.id} of {self.info.name}: weight {seat.weight} of member {seat.member}")
            flat += [seat.member, seat.weight, NO_WATCH_PORT if seat.watch_port is None else seat.watch_port]
        memory = packed([*flat, 0])
        with self._handle.use():
            status = native.library().ss_profile_write_group(
                self._pointer, operation, group.id, len(group.members), address(memory)
            )
            native.check(status)


class ValueSet:
    """A parser value set. Errors: BadEntry, TableFull, EntryExists, EntryNotFound, Closed."""

    def __init__(self, handle: PipelineHandle, info: ValueSetInfo) -> None:
        self.info = info
        self._handle = handle
        self._keys = Keys(f"value set {info.name}", info.keys)
        with handle.use() as pipeline:
            self._pointer = native.library().ss_pipeline_value_set(pipeline, info.index)

    def insert(self, member: Sequence[KeyMatch]) -> None:
        self._write(INSERT, [member])

    def delete(self, member: Sequence[KeyMatch]) -> None:
        self._write(DELETE, [member])

    def set(self, members: Iterable[Sequence[KeyMatch]]) -> None:
        """Replaces all members in one step; all or nothing."""
        wanted = list(members)
        for member in wanted:
            self._keys.encode(member)
        with self._handle.use():
            native.library().ss_switch_hold(self._handle.switch.pointer)
            try:
                old = self.members()
                self._write(DELETE, old)
                try:
                    self._write(INSERT, wanted)
                except Exception:
                    self._write(DELETE, self.members())
                    self._write(INSERT, old)
                    raise
            finally:
                native.library().ss_switch_release(self._handle.switch.pointer)

    def members(self) -> list[tuple[KeyMatch, ...]]:
        """In the order of insertion."""
        width = 2 * self._keys.words
        with self._handle.use():
            lib = native.library()
            total = lib.ss_value_set_read(self._pointer, None, 0)
            memory = array("Q", bytes(8 * width * max(total, 1)))
            lib.ss_value_set_read(self._pointer, address(memory), total)
        return [self._keys.decode(memory[at : at + width], 0) for at in range(0, total * width, width)]

    def _write(self, operation: int, members: Sequence[Sequence[KeyMatch]]) -> None:
        rows: list[int] = []
        for member in members:
            value, mask = self._keys.encode(member)
            rows += [*([0] * ROW_HEAD), *value, *mask]
        memory = packed(rows)
        done = c_uint32()
        with self._handle.use():
            status = native.library().ss_value_set_write(
                self._pointer, operation, len(members), address(memory), byref(done)
            )
            native.check(status)
