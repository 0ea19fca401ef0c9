"""Records what clients write while one of them changes the program, so that no acknowledged write is lost.

A change is one client's transition from the running program to a saved one that is visible to that client only. From
its start on, every write to the running program is recorded by key, not by value, since values are read when the client
asks for them. During the last step the client blocks other writers, so that no write can come between its last query
and the swap. Memory is bounded: at most `MAX_KEYS` keys, beyond which the change only knows that there were too many.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from finsy.proto import p4r

from softswitch.server.device.fence import Fence
from softswitch.server.errors import Code, Refused
from softswitch.server.program.config import Config

MAX_KEYS = 1 << 13
MAX_WAITING = 16
"""Number of writes that may wait for the end of a change, each in one of the server's threads; more are refused."""
LONGEST_WAIT_S = 1.0
LONGEST_TOTAL_S = 2.0
"""How long a change may block writers at a time, and in total from the first time on."""
_LOOK_S = 0.05
_REPLACED = "another client has changed the program in the meantime, or started to; nothing was committed"


@dataclass(eq=False)
class Change:
    """One client's change from `config` to `saved`. `fence`: the client."""

    fence: Fence
    config: Config
    saved: Config | None = None
    overflow: bool = False
    _keys: dict[bytes, None] = field(default_factory=dict)
    _held_since: float | None = None
    _held_until: float = 0.0

    def note(self, entity: p4r.Entity) -> None:
        """Records the key of a write."""
        if self.overflow:
            return
        self._keys[key_of(entity).SerializeToString(deterministic=True)] = None
        if len(self._keys) > MAX_KEYS:
            self.note_all()

    def note_all(self) -> None:
        """Records that there were more writes than can be listed."""
        self.overflow = True
        self._keys.clear()

    def take(self) -> tuple[list[p4r.Entity], bool]:
        """The keys since the last call, and whether there were too many to record (then there are none)."""
        keys, overflow = self._keys, self.overflow
        self._keys, self.overflow = {}, False
        return [p4r.Entity.FromString(key) for key in keys], overflow

    @property
    def is_settled(self) -> bool:
        """Whether all recorded writes have been taken."""
        return not self._keys and not self.overflow

    def hold_writers(self, wait_s: float) -> None:
        """Blocks other clients' writes from now on, until the change ends, but at most for this time."""
        now = time.monotonic()
        if self._held_since is None:
            self._held_since = now
        self._held_until = min(now + min(wait_s, LONGEST_WAIT_S), self._held_since + LONGEST_TOTAL_S)

    @property
    def writers_wait_s(self) -> float:
        """How much longer writers may be blocked."""
        return max(0.0, self._held_until - time.monotonic())

    def is_of(self, role: str | None, election: int | None) -> bool:
        return (self.fence.role, self.fence.election) == (role, election)


class Changes:
    """The changes of one device, one at a time. All methods but `begin` and `end` require the write lock, `lock`."""

    def __init__(self, lock: threading.RLock) -> None:
        self._writable = threading.Condition(lock)
        self._waiting = 0
        self.current: Change | None = None

    def begin(self, change: Change, is_primary: Callable[[Change], bool]) -> None:
        """Starts a change. Raises Refused (ABORTED) while another role's change is in progress. A change of the same
        role, or of a client that is no longer primary, is ended instead."""
        with self._writable:
            other = self.current
            if other is not None and other.fence.role != change.fence.role and is_primary(other):
                raise Refused(Code.ABORTED, f"role {other.fence.role!r} is changing the program; try again")
            self.current = change
            self._writable.notify_all()

    def end(self, change: Change) -> None:
        """Ends a change: unblocks writers and forgets the recorded keys."""
        with self._writable:
            if self.current is change:
                self.current = None
                self._writable.notify_all()

    def check(self, change: Change, active: Config | None, saved: Config | None) -> None:
        """Raises Refused (ABORTED) if the change cannot continue, because another change or program has intervened."""
        if self.current is not change or change.config is not active or change.saved not in (None, saved):
            raise Refused(Code.ABORTED, _REPLACED)

    def enter(self, role: str | None, election: int | None, ended: Callable[[], bool] = lambda: False) -> None:
        """Waits, with the lock released, while a change of another client is in its last step. `role` None: a client
        without a role. Raises Refused: UNAVAILABLE if too many are waiting, CANCELLED if the client disconnects."""
        if self._is_open(role, election):
            return
        if self._waiting >= MAX_WAITING:
            raise Refused(Code.UNAVAILABLE, "the program is being changed; try again")
        self._waiting += 1
        try:
            while not self._is_open(role, election):
                if ended():
                    raise Refused(Code.CANCELLED, "the client no longer waits for the answer")
                self._writable.wait(_LOOK_S)
        finally:
            self._waiting -= 1

    def _is_open(self, role: str | None, election: int | None) -> bool:
        change = self.current
        return change is None or change.is_of(role, election) or not change.writers_wait_s

    def note(self, config: Config, entity: p4r.Entity, role: str | None = None, election: int | None = None) -> None:
        """Records what a client has written to `config`. Groups and sessions written by the change's own client are
        left out: they do not belong to a program."""
        change = self.current
        if change is None or config is not change.config:
            return
        if not entity.HasField("packet_replication_engine_entry") or not change.is_of(role, election):
            change.note(entity)

    def note_all(self, config: Config) -> None:
        """Records that a client has written to everything in `config`."""
        if self.current is not None and config is self.current.config:
            self.current.note_all()

    def sees(self, saved: Config | None) -> Config | None:
        """The saved program as visible to other clients: none while it belongs to a change."""
        return None if saved is not None and self.is_private(saved) else saved

    def is_private(self, saved: Config | None) -> bool:
        return saved is not None and self.current is not None and self.current.saved is saved

    def is_for(self, saved: Config, role: str, election: int | None) -> bool:
        """Whether this client may commit a saved program."""
        return not self.is_private(saved) or (self.current is not None and self.current.is_of(role, election))

    def saved_by(self, role: str, election: int | None, saved: Config) -> None:
        """Records that a client has saved a program; if the client has a change, the program belongs to it alone."""
        if self.current is not None and self.current.is_of(role, election):
            self.current.saved = saved

    def check_settled(self, saved: Config) -> None:
        """Raises Refused (ABORTED) if a commit would lose others' concurrent writes."""
        if self.is_private(saved) and self.current is not None and not self.current.is_settled:
            raise Refused(
                Code.ABORTED, "other clients have written to the running program since; fetch those writes first"
            )


def key_of(entity: p4r.Entity) -> p4r.Entity:
    """The key of an entity, without values: what to ask for in a Read, or to delete."""
    kind = entity.WhichOneof("entity") or ""
    found = getattr(entity, kind, None)
    key = p4r.Entity()
    if kind in ("direct_counter_entry", "direct_meter_entry"):
        kind, found = "table_entry", found.table_entry  # type: ignore[union-attr]
    if kind == "table_entry":
        _fill_table_key(key.table_entry, found)  # type: ignore[arg-type]
    elif kind == "packet_replication_engine_entry":
        _fill_replication_key(key.packet_replication_engine_entry, found)  # type: ignore[arg-type]
    elif kind in _KEY_FIELDS:
        message = getattr(key, kind)
        message.SetInParent()
        for name in _KEY_FIELDS[kind]:
            setattr(message, name, getattr(found, name))
        if kind in _INDEXED and found.HasField("index"):  # type: ignore[union-attr]
            message.index.CopyFrom(found.index)  # type: ignore[union-attr]
    return key


_KEY_FIELDS = {
    "register_entry": ("register_id",),
    "counter_entry": ("counter_id",),
    "meter_entry": ("meter_id",),
    "action_profile_member": ("action_profile_id", "member_id"),
    "action_profile_group": ("action_profile_id", "group_id"),
    "value_set_entry": ("value_set_id",),
    "digest_entry": ("digest_id",),
}
_INDEXED = ("register_entry", "counter_entry", "meter_entry")


def _fill_table_key(key: p4r.TableEntry, entry: p4r.TableEntry) -> None:
    key.table_id, key.priority, key.is_default_action = entry.table_id, entry.priority, entry.is_default_action
    key.match.extend(sorted(entry.match, key=lambda match: match.field_id))


def _fill_replication_key(key: p4r.PacketReplicationEngineEntry, entry: p4r.PacketReplicationEngineEntry) -> None:
    if entry.HasField("clone_session_entry"):
        key.clone_session_entry.session_id = entry.clone_session_entry.session_id
    else:
        key.multicast_group_entry.multicast_group_id = entry.multicast_group_entry.multicast_group_id
