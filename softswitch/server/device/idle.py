"""Idle time-out notifications (P4Runtime specification 16.4)."""

from __future__ import annotations

import time

from finsy.proto import p4r

from softswitch.dataplane.entries import KeyMatch
from softswitch.server.device.config import Config
from softswitch.server.entities.tables import from_state, table_of

MOST_ENTRIES = 1000
"""Entries in one notification."""


class IdleWatch:
    """Finds entries that were idle for longer than their time-out; each again after every further time-out."""

    def __init__(self) -> None:
        self._told: dict[tuple[int, tuple[KeyMatch, ...], int], int] = {}  # idle time at the latest notification

    def scan(self, config: Config) -> list[p4r.StreamMessageResponse]:
        """Notifications that are due now, one table in each."""
        told, self._told = self._told, {}
        notifications = []
        for view in config.index.tables.values():
            if not view.info.idle_timeout:
                continue
            due = []
            for state in table_of(config, view).states(expired_only=True):
                key = (view.id, state.entry.keys, state.entry.priority)
                before = told.get(key, 0)
                if before > state.idle_ns:  # it was hit since
                    before = 0
                if state.idle_ns - before >= state.entry.idle_timeout_ns:
                    before = state.idle_ns
                    due.append(from_state(config, view, state))
                self._told[key] = before
            for at in range(0, len(due), MOST_ENTRIES):
                response = p4r.StreamMessageResponse()
                response.idle_timeout_notification.timestamp = time.time_ns()
                response.idle_timeout_notification.table_entry.extend(due[at : at + MOST_ENTRIES])
                notifications.append(response)
        return notifications
