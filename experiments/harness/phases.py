"""What the events of a reconfiguration (state4/events.py) show: its window, its swap, the time for a late knock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.control.errors import ControlError


@dataclass(frozen=True)
class Interval:
    """The interval from `begin` to `end`, in s."""

    begin: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True)
class Phases:
    """The phases of one reconfiguration. `by_name`: the intervals of each phase in order of their beginning; failed
    attempts, after which the reconfiguration continued in another way, are left out."""

    by_name: Mapping[str, tuple[Interval, ...]]

    @classmethod
    def of(cls, events: Iterable[Mapping[str, Any]]) -> Phases:
        """Pairs the begin and end events. Raises ControlError for a phase that never ended."""
        open_phases: dict[tuple[str, str], float] = {}
        closed: dict[str, list[Interval]] = {}
        for event in events:
            phase = event["phase"]
            key = (phase, str(event.get("component", "")))
            if event["what"] == "begin":
                open_phases[key] = event["t"]
            elif event["what"] == "end" and key in open_phases:
                interval = Interval(open_phases.pop(key), event["t"])
                if "error" not in event:
                    closed.setdefault(phase, []).append(interval)
            elif event["what"] == "point":
                closed.setdefault(phase, []).append(Interval(event["t"], event["t"]))
        if open_phases:
            names = ", ".join(sorted({phase for phase, _ in open_phases}))
            raise ControlError(f"these phases of the reconfiguration never ended: {names}")
        return cls({name: tuple(sorted(found, key=lambda i: i.begin)) for name, found in closed.items()})

    @property
    def window(self) -> Interval:
        """The whole reconfiguration."""
        return self._only("reconfigure")

    @property
    def swap(self) -> Interval:
        """From the request to swap to its confirmation."""
        return self._only("commit")

    @property
    def cloned_s(self) -> float | None:
        """From when the switch clones to the swap, in s; None if nothing is cloned."""
        begun = self.by_name.get("clone_on", ())
        return self.swap.end - begun[0].begin if begun else None

    def numbers(self) -> dict[str, Any]:
        """What a trial records about its reconfiguration, in s."""
        return {
            "window": {"begin": self.window.begin, "end": self.window.end},
            "swap": {"begin": self.swap.begin, "end": self.swap.end},
            "phases": self.durations(),
            "cloned_s": self.cloned_s,
        }

    def durations(self) -> dict[str, float]:
        """Seconds by phase, summed over its intervals."""
        return {name: sum(interval.length for interval in found) for name, found in self.by_name.items()}

    def _only(self, name: str) -> Interval:
        found = self.by_name.get(name, ())
        if len(found) != 1:
            raise ControlError(f"the reconfiguration has {len(found)} phases named {name}; expected one")
        return found[0]


def knock_moment(register: str, knock: Callable[[], None]) -> Callable[[Mapping[str, Any]], None]:
    """An event handler that calls `knock` once during the reconfiguration, by the same rule for every strategy.

    That is when the control plane has read `register` (given without the names of its controls), or, for a strategy
    that does not read it, when it begins to wait for clones, to install the new program or to swap, whichever comes
    first.
    that does not read it, when it begins to wait for clones, to install the new program or to swap, whatever is first.
    """
    done = False

    def handle(event: Mapping[str, Any]) -> None:
        nonlocal done
        phase, what = event["phase"], event["what"]
        component = str(event.get("component", "")).rsplit(".", 1)[-1]
        read = phase == "read_register" and what == "end" and component == register
        without_read = phase in ("collect", "save", "commit") and what == "begin"
        if not done and (read or without_read):
            done = True
            knock()

    return handle
