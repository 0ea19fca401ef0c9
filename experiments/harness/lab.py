"""The runner: a network with a switch that is ready to be reconfigured, and a time line of actions on it.

with open_lab(plan) as lab:                 # network up, first program and entries installed, strategy armed
    timeline = lab.timeline(lead_s=0.3)     # second 0 of the trial is a moment from now
    timeline.at(19.0, "reconfigure", lab.begin_reconfiguration)
    timeline.run(30.0)
    outcome = lab.end_reconfiguration()
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mininet.topo import Topo

from experiments.control.client import ControlProcess, Event
from experiments.control.programs import store_prepared
from experiments.harness.strategies import track_of
from softswitch.build.runtime import runtime_library, sanitize_wanted
from topologies.bmv2 import Bmv2Switch
from topologies.network import RunningNetwork, running_network
from topologies.paper import SWITCH, PaperTopo
from topologies.switch import SoftSwitch

ROOT = Path(__file__).resolve().parents[2]
NFS = ROOT / "nfs"
SWITCHES: dict[str, type[SoftSwitch] | type[Bmv2Switch]] = {
    switch.target: switch for switch in (SoftSwitch, Bmv2Switch)
}
"""The switch classes by the name of the target."""


@dataclass(frozen=True)
class Plan:
    """What a trial installs and what it changes to.

    left_out_groups: multicast groups of the entries that are not installed.
    components: only these are kept; None keeps all.
    target: the switch, one of `SWITCHES`.
    record_takes: records what the strategy takes from its listener, for the command `takes`.
    """

    program: Path
    entries: Path
    new_program: Path
    new_entries: Path
    strategy: str
    profile: str
    left_out_groups: tuple[int, ...] = ()
    components: tuple[str, ...] | None = None
    target: str = "softswitch"
    record_takes: bool = False

    @classmethod
    def to_itself(cls, program: Path, entries: Path, strategy: str, profile: str, target: str) -> Plan:
        """A change from a program to the same program."""
        return cls(program, entries, program, entries, strategy, profile, target=target)


class Timeline:
    """Actions at seconds of a trial. Second 0 is `start` of the monotonic clock."""

    def __init__(self, start: float, check: Callable[[], None]) -> None:
        self.start = start
        self._check = check
        self._order = itertools.count()
        self._actions: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        return time.monotonic() - self.start

    def at(self, second: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._actions, (second, next(self._order), action))

    def run(self, until: float, tick: Callable[[float], None] | None = None) -> None:
        """Runs the actions until second `until`, and returns then. `tick` is called about every 0.1 s."""
        while True:
            now = self.now()
            while self._actions and self._actions[0][0] <= min(now, until):
                heapq.heappop(self._actions)[2]()
            if now >= until:
                return
            self._check()
            if tick is not None:
                tick(now)
            due = [until, now + 0.1, *([self._actions[0][0]] if self._actions else [])]
            time.sleep(max(0.0, min(due) - self.now()))


class Lab:
    """A switch in the paper's network, with its control plane."""

    def __init__(self, network: RunningNetwork, control: ControlProcess, plan: Plan) -> None:
        self.network = network
        self.control = control
        self.plan = plan

    @property
    def switch(self) -> SoftSwitch | Bmv2Switch:
        switch: SoftSwitch | Bmv2Switch = self.network.node(SWITCH)
        return switch

    def arm(self) -> None:
        """Installs the plan's first program with its entries, and prepares the strategy to begin at once.

        Start the trial's helpers before and wait for them afterwards: both take a while.
        """
        plan, folder = self.plan, self.network.directory.path
        track = track_of(plan.strategy, plan.target)
        old, new = (store_prepared(program, folder, track) for program in (plan.program, plan.new_program))
        self.control.wait_ready()
        groups = list(plan.left_out_groups)
        self.control.call("install", {"program": str(old), "entries": str(plan.entries), "left_out_groups": groups})
        self.control.call(
            "prepare",
            {
                "strategy": plan.strategy,
                "profile": plan.profile,
                "program": str(new),
                "entries": str(plan.new_entries),
                "components": plan.components,
                "record_takes": plan.record_takes,
            },
        )

    def timeline(self, lead_s: float) -> Timeline:
        return Timeline(time.monotonic() + lead_s, self.switch.check)

    def begin_reconfiguration(self) -> None:
        self.control.begin("reconfigure")

    def end_reconfiguration(self, timeout_s: float = 60.0) -> dict[str, Any]:
        """The strategy's outcome. Raises ControlError if it failed."""
        outcome: dict[str, Any] = self.control.wait(timeout_s)
        return outcome

    def events(self, start: float) -> list[Event]:
        """The events so far; `t` in s after `start` of the monotonic clock."""
        return [{**event, "t": event["t"] - start} for event in self.control.events]


@contextmanager
def open_lab(plan: Plan, topology: Topo | None = None) -> Iterator[Lab]:
    """A network with the plan's switch and its control plane. Call `Lab.arm` before any traffic.

    `topology`: a network other than the paper's; its one switch is called `s1`.
    """
    if plan.target == SoftSwitch.target:
        runtime_library(
            sanitize_wanted()
        )  # where nothing is cached, building it takes longer than a daemon may to start
    with running_network(topology or PaperTopo(), switch=SWITCHES[plan.target]) as network:
        control = ControlProcess.of_switch(network, SWITCH)
        yield Lab(network, control, plan)
        control.finish()
