"""Idle time-out notifications (P4Runtime specification 16.4)."""

from __future__ import annotations

import time

from finsy.proto import p4r

from softswitch.dataplane.entries import EntryState, KeyMatch
from softswitch.server.entities.tables import from_state, table_of
from softswitch.server.program.config import Config
from softswitch.server.program.index import TableView

MAX_ENTRIES = 1000
"""Largest number of entries in one notification."""

_Key = tuple[int, tuple[KeyMatch, ...], int]
"""Table id, match, priority."""


class IdleWatch:
    """Finds entries that were idle for longer than their time-out; each again after every further time-out."""

    def __init__(self) -> None:
        self._notified: dict[_Key, int] = {}  # idle time at the latest notification

    def scan(self, config: Config) -> list[p4r.StreamMessageResponse]:
        """Notifications that are due now, one table in each. Due entries count as notified even without a receiver."""
        notified, self._notified = self._notified, {}
        found = [(view, self._due(config, view, notified)) for view in config.index.tables.values()]
        notifications = []
        for view, due in found:
            for at in range(0, len(due), MAX_ENTRIES):
                response = p4r.StreamMessageResponse()
                response.idle_timeout_notification.timestamp = time.time_ns()
                entries = (from_state(config, view, state) for state in due[at : at + MAX_ENTRIES])
                response.idle_timeout_notification.table_entry.extend(entries)
                notifications.append(response)
        return notifications

    def _due(self, config: Config, view: TableView, notified: dict[_Key, int]) -> list[EntryState]:
        due: list[EntryState] = []
        for state in table_of(config, view).states(expired_only=True) if view.info.idle_timeout else ():
            key = (view.id, state.entry.keys, state.entry.priority)
            before = notified.get(key, 0)
            if before > state.idle_ns:  # it was hit in between
                before = 0
            if state.idle_ns - before >= state.entry.idle_timeout_ns:
                before = state.idle_ns
                due.append(state)
            self._notified[key] = before
        return due
