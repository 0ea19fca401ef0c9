"""Who may write: primary and backup clients per role (P4Runtime specification 5.3 and 5.4)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from finsy.proto import p4r

from softswitch.server.device.roles import Scope, parse_scope
from softswitch.server.errors import Code, Refused, denied, invalid, not_found

ElectionId = int
"""A 128-bit election id as one number."""

CLIENTS_PER_ROLE = 32


def election_id(message: p4r.Uint128) -> ElectionId:
    return int(message.high) << 64 | int(message.low)


def _uint128(value: ElectionId) -> p4r.Uint128:
    return p4r.Uint128(high=value >> 64, low=value & 0xFFFFFFFFFFFFFFFF)


@dataclass(eq=False)
class Client:
    """One open stream. `send` queues a StreamMessageResponse for it; `election` None: never becomes primary."""

    send: Callable[[p4r.StreamMessageResponse], None]
    role: str | None = None  # None until its first arbitration message
    election: ElectionId | None = None
    gone: bool = False


@dataclass(eq=False)
class _Role:
    """State of one role. `config`: the Any of the latest primary; `scope`: its meaning; None: full access. `rising`:
    clients whose messages will change or remove the primary as soon as the current operation has ended."""

    name: str
    clients: list[Client] = field(default_factory=list)
    highest: ElectionId | None = None
    primary: Client | None = None
    rising: set[Client] = field(default_factory=set)
    config: Any = None
    scope: Scope | None = None

    def wins(self, election: ElectionId | None) -> bool:
        """Whether a client with this id becomes primary."""
        return election is not None and (self.highest is None or election >= self.highest)


class Arbitration:
    """Roles and clients of one device. Thread-safe."""

    def __init__(self, device_id: int) -> None:
        self.device_id = device_id
        self._roles: dict[str, _Role] = {"": _Role("")}
        self._lock = threading.RLock()
        self.write_lock = threading.RLock()
        """Held by each Write and pipeline change, so that a new primary begins after what was under way."""
        self._watching: list[threading.Event] = []

    def update(self, client: Client, message: p4r.MasterArbitrationUpdate) -> None:
        """Handles an arbitration message from `client`: answers and notifies. Raises Refused, which ends the stream."""
        name = message.role.name
        election = election_id(message.election_id) if message.HasField("election_id") else None
        with self._lock:
            self._check(client, message, name, election)
            role = self._roles.setdefault(name, _Role(name))
            if role.primary is not None and role.wins(election) != (role.primary is client):
                role.rising.add(client)  # a client that keeps the write lock over several requests releases it
        with self.write_lock, self._lock:
            role.rising.discard(client)
            if client.gone:  # in the meantime
                return
            self._check(client, message, name, election)
            given = message.role.config if message.role.HasField("config") else None
            scope = self._scope(name, given)
            if client.role is None:
                role.clients.append(client)
            client.role, client.election = name, election
            if role.wins(election):
                role.primary, role.highest = client, election
                role.config, role.scope = given, scope
                self._notify(role, role.clients)
            elif role.primary is client:
                role.primary = None
                self._notify(role, role.clients)
            else:
                self._notify(role, [client])

    def _check(
        self, client: Client, message: p4r.MasterArbitrationUpdate, name: str, election: ElectionId | None
    ) -> None:
        if client.role is not None:
            if message.device_id != self.device_id:
                raise Refused(Code.FAILED_PRECONDITION, f"this stream belongs to device {self.device_id}")
            if name != client.role:
                raise Refused(
                    Code.FAILED_PRECONDITION, f"this stream has role {client.role!r}; open another for {name!r}"
                )
        elif message.device_id != self.device_id:
            raise not_found(f"no device {message.device_id}; this is device {self.device_id}")
        role = self._roles.get(name) or _Role(name)
        if election is not None and any(c.election == election for c in role.clients if c is not client):
            raise invalid(f"election id {election} is in use by another client of role {name!r}")
        if client.role is None and len(role.clients) >= CLIENTS_PER_ROLE:
            raise Refused(Code.RESOURCE_EXHAUSTED, f"role {name!r} already has {CLIENTS_PER_ROLE} clients")

    def _scope(self, name: str, config: Any) -> Scope | None:
        """Raises Refused for a config of another scheme, or one that claims objects that another role has
        exclusively."""
        if config is None:
            return None
        scope = parse_scope(config)
        for role in self._roles.values():
            if role.name != name and role.scope is not None and role.clients:
                taken = (scope.exclusive & (role.scope.exclusive | role.scope.shared)) | (
                    scope.shared & role.scope.exclusive
                )
                if taken:
                    raise invalid(f"role {role.name!r} has {min(taken):#010x}, which can't be exclusive to one of them")
        return scope

    def scope(self, role: str) -> Scope | None:
        """What a role may do; None: everything, which also holds for an unused role."""
        with self._lock:
            state = self._roles.get(role)
            return state.scope if state is not None else None

    def remove(self, client: Client) -> None:
        """Handles the end of a stream."""
        with self._lock:
            client.gone = True
            role = self._roles.get(client.role) if client.role is not None else None
            if role is None or client not in role.clients:
                return
            role.clients.remove(client)
            if role.primary is client:
                role.primary = None
                self._notify(role, role.clients)

    def _notify(self, role: _Role, clients: list[Client]) -> None:
        for event in self._watching:
            event.set()
        for client in sorted(clients, key=lambda c: c is role.primary):  # the primary last, when all others know
            response = p4r.StreamMessageResponse()
            update = response.arbitration
            update.device_id = self.device_id
            if role.name or role.config is not None:
                update.role.name = role.name
            if role.config is not None:
                update.role.config.CopyFrom(role.config)
            if role.highest is not None:
                update.election_id.CopyFrom(_uint128(role.highest))
            if role.primary is None:
                update.status.code = Code.NOT_FOUND
                update.status.message = "no client is primary"
            elif role.primary is client:
                update.status.code = Code.OK
                update.status.message = "you are primary"
            else:
                update.status.code = Code.ALREADY_EXISTS
                update.status.message = "another client is primary"
            client.send(response)

    def check_write(self, role: str, election: ElectionId | None) -> None:
        """Raises Refused unless the request is from the primary of `role` (specification 12, in its order of
        checks)."""
        with self._lock:
            state = self._roles.get(role)
            if state is None:
                raise not_found(f"no client has opened a stream for role {role!r}")
            if state.primary is None:
                raise denied("no client is primary: open a StreamChannel and send an election id first")
            if state.primary.election != election:
                raise denied(f"election id {election} is not the primary's, {state.primary.election}")

    def check_holds(self, role: str, election: ElectionId) -> None:
        """For a client that keeps the write lock over several of its messages, in between: raises Refused like
        `check_write`, and also as soon as another client is to become primary."""
        self.check_write(role, election)
        with self._lock:
            if self._roles[role].rising:
                raise denied(f"another client becomes the primary of role {role!r}")

    def check_common(self, number: int) -> None:
        """For a client without a role: raises Refused (PERMISSION_DENIED) if a role has this object exclusively."""
        with self._lock:
            for role in self._roles.values():
                if role.scope is not None and role.clients and number in role.scope.exclusive:
                    raise denied(f"role {role.name!r} has exclusive access to object {number:#010x}")

    @contextmanager
    def watched(self, event: threading.Event) -> Iterator[None]:
        """Inside, `event` is set whenever the primary of a role may have changed."""
        with self._lock:
            self._watching.append(event)
        try:
            yield
        finally:
            with self._lock:
                self._watching.remove(event)

    def is_primary(self, client: Client) -> bool:
        with self._lock:
            role = self._roles.get(client.role) if client.role is not None else None
            return role is not None and role.primary is client

    def send_to_primaries(self, message: p4r.StreamMessageResponse) -> bool:
        """Sends to the primary of every role that accepts the message; False if there is none."""
        with self._lock:
            primaries = [
                role.primary
                for role in self._roles.values()
                if role.primary is not None and (role.scope is None or role.scope.wants(message))
            ]
        for primary in primaries:
            primary.send(message)
        return bool(primaries)
