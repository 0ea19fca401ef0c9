"""The program's own clone sessions that carry updates: the CPU port is an additional replica of them while State4
clones.

The replica has a reserved number (`REPLICA`), by which the program recognises State4's copies in egress. The other
replicas are unchanged, and changes made to the session by other controllers in the meantime are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from finsy.proto import p4r

from state4.clones.header import REPLICA, CloneLayout
from state4.errors import SessionInUse, TargetError, Unsupported
from state4.targets.base import Target


@contextmanager
def shared_sessions(target: Target, layout: CloneLayout) -> Iterator[None]:
    """Adds the replica to each session of `layout`, and removes it at the end. Raises SessionInUse for a session that
    truncates its clones too much, TargetError."""
    made: list[int] = []
    added: list[int] = []
    try:
        for number in _numbers(target, layout):
            entry = target.clone_session(number)
            _check(entry, number, layout)
            if entry is None:
                made.append(number)
            else:
                added.append(number)
            _write(target, entry is None, _with_replica(entry, number, target.cpu_port))
        yield
    finally:
        for number in (*made, *added):
            with suppress(TargetError):  # what is left makes copies that the program ends in egress
                _restore(target, number, delete=number in made)


def _numbers(target: Target, layout: CloneLayout) -> Sequence[int]:
    wanted = set(layout.shared)
    if 0 in wanted and target.clone_session(0) is None:
        # P4Runtime has no such session, so it cannot be created; the clone numbers show what is missing.
        wanted.remove(0)
    if not layout.any_session:
        return sorted(wanted)
    try:
        there = {entry.session_id for entry in target.clone_sessions()} - {layout.session}
    except Unsupported as error:
        raise Unsupported(
            f"the program clones to a session that is known only at run time, in a pass that also writes: {error}, so "
            "the session cannot carry the updates; use constant sessions there"
        ) from None
    return sorted(there | wanted)


def _check(entry: p4r.CloneSessionEntry | None, number: int, layout: CloneLayout) -> None:
    if entry is None:
        return
    if 0 < entry.packet_length_bytes < layout.header_bytes:
        raise SessionInUse(
            f"clone session {number} of the switch cuts its clones to {entry.packet_length_bytes} bytes, and the "
            f"updates that they have to carry take {layout.header_bytes}; let it cut to {layout.header_bytes} or more"
        )


def _with_replica(entry: p4r.CloneSessionEntry | None, number: int, port: int) -> p4r.CloneSessionEntry:
    found = p4r.CloneSessionEntry(session_id=number)
    if entry is not None:
        found.CopyFrom(_without_replica(entry))
    found.replicas.add(port=port.to_bytes((port.bit_length() + 7) // 8, "big"), instance=REPLICA)
    return found


def _without_replica(entry: p4r.CloneSessionEntry) -> p4r.CloneSessionEntry:
    found = p4r.CloneSessionEntry()
    found.CopyFrom(entry)
    del found.replicas[:]
    found.replicas.extend(replica for replica in entry.replicas if replica.instance != REPLICA)
    return found


def _write(target: Target, insert: bool, entry: p4r.CloneSessionEntry) -> None:
    kind = p4r.Update.INSERT if insert else p4r.Update.MODIFY
    _send(target, kind, entry)


def _restore(target: Target, number: int, *, delete: bool) -> None:
    """The session as it is now, without the replica."""
    entry = target.clone_session(number)
    if entry is None:
        return
    rest = _without_replica(entry)
    _send(target, p4r.Update.DELETE if delete and not rest.replicas else p4r.Update.MODIFY, rest)


def _send(target: Target, kind: p4r.Update.Type.ValueType, entry: p4r.CloneSessionEntry) -> None:
    update = p4r.Update(type=kind)
    update.entity.packet_replication_engine_entry.clone_session_entry.CopyFrom(entry)
    target.write_entities([update])
