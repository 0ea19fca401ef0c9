"""Controllers that write while the program is changed, on a switch and on one that is never changed, in lockstep.

Every step of a reconfiguration is a place where packets come and controllers write. What is acknowledged by one switch
has to be acknowledged by the other, and in the end both have to have the same entries and the same state.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from finsy.proto import p4i, p4r

from softswitch.server.device.arbitration import Client
from softswitch.server.device.device import Device
from softswitch.server.errors import Code, Refused
from softswitch.server.program.config import Config
from state4.cim import Track
from state4.errors import State4Error
from state4.plan.entities import wanted_entities
from state4.plan.state_map import StateMap
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy
from tests.state4_programs import request
from tests.switch.state4.bench.random_writes import GROUPS, RENAMED, Names, Write, programs, random_write
from tests.switch.state4.bench.target import BenchTarget, Schedule

ROLES = ("a", "b", "c")
EXACT = ("state4_exact", "precopy", "reconcile")


# ---------------------------------------------------------------- what a switch has


def described(device: Device, config: Config, *, counts: bool) -> list[str]:
    """Everything that controllers wrote, by names. `counts`: also the values of direct counters."""
    names = Names(config.p4info)
    entities = [*wanted_entities(config.p4info)]
    for number in GROUPS:
        entry = p4r.MulticastGroupEntry(multicast_group_id=number)
        wanted = p4r.PacketReplicationEngineEntry(multicast_group_entry=entry)
        entities.append(p4r.Entity(packet_replication_engine_entry=wanted))
    answers = device.batches.read(config, p4r.ReadRequest(device_id=1, entities=entities))
    return sorted(_described(names, entity, counts) for answer in answers for entity in answer.entities)


def _described(names: Names, entity: p4r.Entity, counts: bool) -> str:
    kind = entity.WhichOneof("entity") or ""
    message: Any = getattr(entity, kind)
    where = ""
    if kind == "table_entry":
        where = names.name_of("tables", message.table_id)
        message.table_id = 0
        if not counts:
            message.ClearField("counter_data")
        if message.action.HasField("action") and message.action.action.action_id:
            where += f" {names.name_of('actions', message.action.action.action_id)}"
            message.action.action.action_id = 0
    elif kind == "action_profile_member" and message.action.action_id:
        where = names.name_of("actions", message.action.action_id)
        message.action.action_id = 0
    return f"{kind} {where} {str(message).split()}"


# ---------------------------------------------------------------- both switches


@dataclass
class Side:
    """One switch with three controllers that have their own roles."""

    target: BenchTarget

    def __post_init__(self) -> None:
        for number, role in enumerate(ROLES):
            update = p4r.MasterArbitrationUpdate(device_id=1, election_id=p4r.Uint128(low=number + 5))
            update.role.name = role
            self.target.device.arbitration.update(Client(lambda _: None), update)
        self._names: tuple[p4i.P4Info, Names] | None = None

    @property
    def names(self) -> Names:
        running = self.target.running()
        if self._names is None or self._names[0] is not running:
            self._names = (running, Names(running))
        return self._names[1]

    def write(self, who: int, write: Write, atomicity: int) -> list[int]:
        """The resulting code of each update."""
        updates = write(self.names)
        message = p4r.WriteRequest(
            device_id=1,
            role=ROLES[who],
            election_id=p4r.Uint128(low=who + 5),
            updates=updates,
            atomicity=p4r.WriteRequest.Atomicity.Name(atomicity),
        )
        try:
            self.target.device.write(message)
        except Refused as refused:
            return [detail.canonical_code for detail in refused.details] or [refused.code]
        return [Code.OK] * len(updates)


@dataclass
class Lockstep:
    """`strategy` changes the program of one switch while packets and writes come to both, from `seed`. `busy`: how much
    comes before each step. `ways`: what the switch can do."""

    strategy: str
    seed: int
    busy: float = 1.5
    renamed: bool = False
    can_hold: bool = True
    can_hand_over: bool = True
    writes: bool = True
    packets: bool = True
    outcome: Outcome | None = None
    failure: Exception | None = None
    acknowledged: int = 0
    refused: int = 0
    differences: list[str] = field(default_factory=list)

    def run(self) -> Lockstep:
        self._chosen = random.Random(self.seed)
        self._waiting: deque[tuple[int, Write, int]] = deque()
        # A switch alone keeps a dirty map only as it is, and the new programs have one of another size.
        old, plain, renamed = programs(Track.CLONES if self.strategy == "reconcile" else Track.BOTH)
        self._sides = [Side(BenchTarget([], Schedule(delay=self._chosen.randrange(3)), can_hold=self.can_hold))]
        self._sides.append(Side(BenchTarget([], Schedule())))
        changed, same = (side.target for side in self._sides)
        changed.can_hand_over = self.can_hand_over
        try:
            for side in self._sides:
                side.target.install(old)
            for _ in range(30):
                self._event()
            changed.on_step = lambda _name: self._events()
            names = RENAMED if self.renamed else {}
            try:
                context = prepare(changed, renamed if self.renamed else plain, state_map=StateMap(names=names))
                self.outcome = reconfigure(load_strategy(self.strategy), context)
            except (State4Error, Refused) as error:
                self.failure = error
            changed.on_step = None
            for _ in range(10):
                self._event()
            self._compare(changed, same)
        finally:
            changed.close()
            same.close()
        return self

    def _events(self) -> None:
        while self._chosen.random() < self.busy / (1 + self.busy):
            self._event()

    def _event(self) -> None:
        changed = self._sides[0].target
        if changed.held:
            return  # packets wait, and so do writers
        current = changed.device.changes.current
        held = current is not None and current.writers_wait_s > 0
        while self._waiting and not held:
            self._write(*self._waiting.popleft())
        if self._chosen.random() < 0.5:
            self._packet()
            return
        if not self.writes:
            return
        write = (self._chosen.randrange(3), random_write(self._chosen), self._chosen.randrange(3))
        if held:
            self._waiting.append(write)
        else:
            self._write(*write)

    def _packet(self) -> None:
        if not self.packets:
            return
        chosen = self._chosen
        frame = request(chosen.randrange(6), chosen.randrange(8), chosen.randrange(10), chosen.randrange(1 << 16))
        came = []
        for side in self._sides:
            side.target.switch.set_time(1_000_000)
            came.append(side.target.receive(1, frame))
        if came[0] != came[1]:
            self.differences.append(f"a packet came out as {came[0]}, not {came[1]}")

    def _write(self, who: int, write: Write, atomicity: int) -> None:
        codes = [side.write(who, write, atomicity) for side in self._sides]
        if codes[0] != codes[1]:
            self.differences.append(f"a write was answered {codes[0]}, not {codes[1]}: {write(self._sides[1].names)}")
        self.acknowledged += codes[0].count(Code.OK)
        self.refused += len(codes[0]) - codes[0].count(Code.OK)

    def _compare(self, changed: BenchTarget, same: BenchTarget) -> None:
        exact = self.strategy in EXACT or self.failure is not None
        for one, other, what in (
            (self._entries(changed, exact), self._entries(same, exact), "entities"),
            (*(_own_registers(t, self.strategy, exact) for t in (changed, same)), "registers"),
            (changed.counts() if exact else {}, same.counts() if exact else {}, "counters"),
        ):
            if one != other:
                self.differences.append(f"{what} differ: {_difference(one, other)}")

    def _entries(self, target: BenchTarget, exact: bool) -> list[str]:
        return described(target.device, target.config, counts=exact)


def _registers(target: BenchTarget, exact: bool) -> dict[str, Sequence[int]]:
    """By the first program's names; registers that packets write only if the strategy must not lose those writes."""
    back = {new: old for old, new in RENAMED.items()}
    found = {back.get(name, name): cells for name, cells in target.state().items() if not name.endswith("later")}
    return found if exact else {"MyIngress.limit": found["MyIngress.limit"]}


def _own_registers(target: BenchTarget, strategy: str, exact: bool) -> dict[str, Sequence[int]]:
    """Swing State leaves behind what was written before it began."""
    return {} if strategy == "swing_state" and not exact else _registers(target, exact)


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, list):
        return f"only there: {sorted(set(one) - set(other))}; missing: {sorted(set(other) - set(one))}"
    return f"{one}, not {other}"
