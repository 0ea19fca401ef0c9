"""Who may write: primary and backup clients per role (P4Runtime specification 5.3 and 5.4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from finsy.proto import p4r

from softswitch.server.device.roles import Scope, parse_scope
from softswitch.server.errors import Code, Refused, denied, invalid, not_found

ElectionId = int
"""128-bit election id as one number."""

CLIENTS_PER_ROLE = 32


def election_id(message: p4r.Uint128) -> ElectionId:
    return int(message.high) << 64 | int(message.low)


def _uint128(value: ElectionId) -> p4r.Uint128:
    return p4r.Uint128(high=value >> 64, low=value & 0xFFFFFFFFFFFFFFFF)


@dataclass(eq=False)
class Client:
    """One open stream. `send` queues a StreamMessageResponse for it; `election` None: never becomes primary."""

    send: Callable[[p4r.StreamMessageResponse], None]
    role: str | None = None  # None before its first arbitration message
    election: ElectionId | None = None


@dataclass(eq=False)
class _Role:
    """State of one role. `config` is the Any of the latest primary, and `scope` what it says; None: full access."""

    name: str
    clients: list[Client] = field(default_factory=list)
    highest: ElectionId | None = None
    primary: Client | None = None
    config: Any = None
    scope: Scope | None = None


class Arbitration:
    """Roles and clients of one device. Thread-safe."""

    def __init__(self, device_id: int) -> None:
        self.device_id = device_id
        self._roles: dict[str, _Role] = {"": _Role("")}
        self._lock = threading.RLock()
        self.write_lock = threading.RLock()
        """Held by each Write and pipeline change, so that a new primary begins after what was under way."""

    def update(self, client: Client, message: p4r.MasterArbitrationUpdate) -> None:
        """An arbitration message from `client`: answers and notifies. Raises Refused, which ends the stream."""
        with self.write_lock, self._lock:
            name = message.role.name
            self._check(client, message, name)
            given = message.role.config if message.role.HasField("config") else None
            scope = self._scope(name, given)
            role = self._roles.setdefault(name, _Role(name))
            election = election_id(message.election_id) if message.HasField("election_id") else None
            others = [c for c in role.clients if c is not client]
            if election is not None and any(c.election == election for c in others):
                raise invalid(f"election id {election} is in use by another client of role {name!r}")
            if client.role is None and len(role.clients) >= CLIENTS_PER_ROLE:
                raise Refused(Code.RESOURCE_EXHAUSTED, f"role {name!r} has {CLIENTS_PER_ROLE} clients already")
            if client.role is None:
                role.clients.append(client)
            client.role, client.election = name, election
            if election is not None and (role.highest is None or election >= role.highest):
                role.primary, role.highest = client, election
                role.config, role.scope = given, scope
                self._notify(role, role.clients)
            elif role.primary is client:
                role.primary = None
                self._notify(role, role.clients)
            else:
                self._notify(role, [client])

    def _check(self, client: Client, message: p4r.MasterArbitrationUpdate, name: str) -> None:
        if client.role is not None:
            if message.device_id != self.device_id:
                raise Refused(Code.FAILED_PRECONDITION, f"this stream belongs to device {self.device_id}")
            if name != client.role:
                raise Refused(
                    Code.FAILED_PRECONDITION, f"this stream has role {client.role!r}; open another for {name!r}"
                )
        elif message.device_id != self.device_id:
            raise not_found(f"no device {message.device_id}; this is device {self.device_id}")

    def _scope(self, name: str, config: Any) -> Scope | None:
        """Raises Refused for a config of another scheme, or one that wants what another role has for itself."""
        if config is None:
            return None
        scope = parse_scope(config)
        for role in self._roles.values():
            if role.name != name and role.scope is not None and role.clients:
                taken = (scope.exclusive & (role.scope.exclusive | role.scope.shared)) | (
                    scope.shared & role.scope.exclusive
                )
                if taken:
                    raise invalid(f"role {role.name!r} has {min(taken):#010x}, which can't be exclusive to one of both")
        return scope

    def scope(self, role: str) -> Scope | None:
        """What a role may do; None: everything, also for a role that nobody has."""
        with self._lock:
            state = self._roles.get(role)
            return state.scope if state is not None else None

    def remove(self, client: Client) -> None:
        """The stream has ended."""
        with self._lock:
            role = self._roles.get(client.role) if client.role is not None else None
            if role is None or client not in role.clients:
                return
            role.clients.remove(client)
            if role.primary is client:
                role.primary = None
                self._notify(role, role.clients)

    def _notify(self, role: _Role, clients: list[Client]) -> None:
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
        """Raises Refused unless the primary of `role` asks (specification 12, in its order of checks)."""
        with self._lock:
            state = self._roles.get(role)
            if state is None:
                raise not_found(f"no client has opened a stream for role {role!r}")
            if state.primary is None:
                raise denied("no client is primary: open a StreamChannel and send an election id first")
            if state.primary.election != election:
                raise denied(f"election id {election} is not the primary's, {state.primary.election}")

    def is_primary(self, client: Client) -> bool:
        with self._lock:
            role = self._roles.get(client.role) if client.role is not None else None
            return role is not None and role.primary is client

    def send_to_primaries(self, message: p4r.StreamMessageResponse) -> bool:
        """Sends to the primary of every role that wants the message; False if there is none."""
        with self._lock:
            primaries = [
                role.primary
                for role in self._roles.values()
                if role.primary is not None and (role.scope is None or role.scope.wants(message))
            ]
        for primary in primaries:
            primary.send(message)
        return bool(primaries)
