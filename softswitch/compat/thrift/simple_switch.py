"""The service `simple_switch`: mirror sessions, queues, the clock."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from finsy.proto import p4r
from sswitch_runtime.ttypes import InvalidMirroringOperation, MirroringOperationErrorCode, MirroringSessionConfig
from thrift.Thrift import TApplicationException

from softswitch.dataplane.entries import CloneSession, Replica
from softswitch.errors import SwitchError
from softswitch.server.device.unelected import Unelected

MAX_SESSION = 0x7FFF
_MAX_PORT = 511


class SimpleSwitchCalls:
    """Handlers. A mirror session is P4Runtime's clone session with one replica, or with those of a group."""

    def __init__(self, clients: Unelected) -> None:
        self._clients = clients

    # ---- mirror sessions ----

    def mirroring_session_add(self, session: int, config: Any) -> None:
        """Adds or replaces a session."""
        if not 0 <= session <= MAX_SESSION:
            _fail(f"mirror session {session} is not between 0 and {MAX_SESSION}")
        if config.port is not None and not 0 <= config.port <= _MAX_PORT:
            _fail(f"mirror session {session}: there is no port {config.port}")
        own = () if config.port is None else (Replica(config.port),)
        with self._clients.writing_switch():
            self._clients.device.pre.put_session(session, own, config.mgid)
            self._clients.note_switch(_entity(session))

    def mirroring_session_delete(self, session: int) -> None:
        with self._clients.writing_switch():
            self._find(session)
            self._clients.device.pre.put_session(session, None)
            self._clients.note_switch(_entity(session))

    def mirroring_session_get(self, session: int) -> Any:
        """For a session of a P4Runtime client, the port if it has exactly one."""
        with self._clients.writing_switch():
            found = self._find(session)
            group = self._clients.device.pre.group_of(session)
            if group is not None:
                own = self._clients.device.pre.own_replicas(session)
                return MirroringSessionConfig(port=own[0].port if own else None, mgid=group)
            return MirroringSessionConfig(port=found.replicas[0].port if len(found.replicas) == 1 else None)

    def mirroring_mapping_add(self, session: int, port: int) -> int:
        self.mirroring_session_add(session, MirroringSessionConfig(port=port))
        return 0

    def mirroring_mapping_delete(self, session: int) -> int:
        self.mirroring_session_delete(session)
        return 0

    def mirroring_mapping_get_egress_port(self, session: int) -> int:
        """-1 for a session without a port."""
        try:
            port = self.mirroring_session_get(session).port
        except InvalidMirroringOperation:
            return -1
        return -1 if port is None else int(port)

    def _find(self, session: int) -> CloneSession:
        for found in self._clients.device.switch.clone_sessions():
            if found.id == session:
                return found
        raise InvalidMirroringOperation(code=MirroringOperationErrorCode.SESSION_NOT_FOUND)

    # ---- queues ----

    def set_egress_priority_queue_depth(self, port: int, priority: int, depth: int) -> int:
        return self._set_depth(depth, port, priority)

    def set_egress_queue_depth(self, port: int, depth: int) -> int:
        return self._set_depth(depth, port)

    def set_all_egress_queue_depths(self, depth: int) -> int:
        return self._set_depth(depth)

    def set_egress_priority_queue_rate(self, port: int, priority: int, rate: int) -> int:
        return self._set_rate(rate, port, priority)

    def set_egress_queue_rate(self, port: int, rate: int) -> int:
        return self._set_rate(rate, port)

    def set_all_egress_queue_rates(self, rate: int) -> int:
        return self._set_rate(rate)

    def _set_depth(self, depth: int, port: int | None = None, priority: int | None = None) -> int:
        if depth < 0:
            _fail(f"a queue with room for {depth} packets")
        try:
            self._clients.device.switch.set_queue_depth(depth, port, priority)
        except SwitchError as error:
            _fail(str(error))
        return 0

    def _set_rate(self, rate: int, port: int | None = None, priority: int | None = None) -> int:
        if rate < 0:
            _fail(f"{rate} packets a second")
        try:
            self._clients.device.switch.set_queue_rate(rate, port, priority)
        except SwitchError as error:
            _fail(str(error))
        return 0

    # ---- the clock ----

    def get_time_elapsed_us(self) -> int:
        return self._clients.device.switch.time_us()

    def get_time_since_epoch_us(self) -> int:
        return time.time_ns() // 1000


def _entity(session: int) -> p4r.Entity:
    entity = p4r.Entity()
    entity.packet_replication_engine_entry.clone_session_entry.session_id = session
    return entity


def _fail(why: str) -> NoReturn:
    raise TApplicationException(TApplicationException.INTERNAL_ERROR, why)
