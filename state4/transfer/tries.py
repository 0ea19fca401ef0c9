"""The last step of a change, again while the switch declines it.

At full load a switch may have no room for what comes before it is asked to hand over, or end a hold that takes too long
or for which a port's ring has no more room. Nothing was committed then, and packets flow. So what has come meanwhile is
applied, with more patience each time, and the step is tried again, a bounded number of times.

Only a decline is followed by another try. Any other error ends the change at once: that this controller was demoted,
that the saved program was replaced, or Ctrl-C, which every event looks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from state4.errors import HoldEnded, State4Error, SwapDeclined
from state4.events import EventLog

MAX_TRIES = 5
"""Of each way to swap."""


class Declined(State4Error):
    """The switch has not swapped; nothing was committed."""


class NotThisWay(State4Error):
    """The plan or the switch does not allow this way to swap; nothing was changed."""


class Tries:
    """`declined`: the reasons so far."""

    def __init__(self, events: EventLog) -> None:
        self.declined: list[str] = []
        self._events = events

    def swap(self, ways: Sequence[Callable[[int], int]], catch_up: Callable[[int], None]) -> int:
        """The result of the first try that succeeds. Each way gets the number of the try, from 1 on; after the last one
        the next way is tried. `catch_up`: applies what has come, and gets the number of the try before it. Raises
        SwapDeclined."""
        for way in ways:
            for number in range(1, MAX_TRIES + 1):
                try:
                    return way(number)
                except NotThisWay:
                    break
                except (Declined, HoldEnded) as error:
                    self._decline(str(error))
                    last = way is ways[-1] and number == MAX_TRIES
                if not last:
                    catch_up(number)
        raise SwapDeclined(self.declined)

    def _decline(self, reason: str) -> None:
        self.declined.append(reason)
        self._events.record("declined", number=len(self.declined), reason=reason)
