"""One reconfiguration: from which program to which, what is carried over, how, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from finsy.proto import p4i, p4r

from state4.clones.header import CloneLayout
from state4.clones.source import CloneSource, ListenerStats
from state4.errors import NotInstrumented, State4Error
from state4.events import EventLog
from state4.instrumentation.programs import InstalledProgram, layout_of
from state4.plan.entries import Translator
from state4.plan.plan import Carried, Plan, make_plan
from state4.plan.state_map import StateMap
from state4.rsrm import Retriever
from state4.rssm import Synchroniser
from state4.targets.base import Target
from state4.transfer.cancel import cancellable
from state4.transfer.pacing import NATIVE, Profile


@dataclass(frozen=True)
class Outcome:
    """What a reconfiguration did. `cells`: register cells carried in bulk; `updates`: cloned updates seen; `written`:
    of those written, after look-ahead; `skipped`: entries that have no place in the new program, with the reason.
    `late`, `merged`, `conflicts`: cells with updates from after RSSM's last write, and of those, cells brought into the
    new program and cells left as it had them. `inexact`: why the state may differ from that of a switch that was never
    reconfigured; () if it cannot, or if the strategy makes no such promise."""

    strategy: str
    cells: int = 0
    entries: int = 0
    updates: int = 0
    written: int = 0
    clones: int = 0
    lost_clones: int = 0
    dropped_frames: int = 0
    skipped: tuple[str, ...] = ()
    late: int = 0
    merged: int = 0
    conflicts: int = 0
    inexact: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "skipped": list(self.skipped), "inexact": list(self.inexact)}


@dataclass
class Reconfiguration:
    """Everything a strategy works with. Make one with `prepare`. `entries`: updates that the new program shall get
    beside what is carried over."""

    target: Target
    old: p4i.P4Info
    new: InstalledProgram
    plan: Plan
    profile: Profile
    events: EventLog
    entries: Sequence[p4r.Update] = ()
    state_map: StateMap = field(default_factory=StateMap)
    _skipped: list[str] = field(default_factory=list)

    @property
    def carried(self) -> tuple[Carried, ...]:
        return self.plan.registers

    @property
    def layout(self) -> CloneLayout:
        """Of the running program. Raises NotInstrumented."""
        return layout_of(self.old)

    @property
    def adding(self) -> frozenset[str]:
        """New names of carried registers that both programs only ever add to."""
        old, new = self.layout.adds, self.new.layout.adds
        plain = [c for c in self.carried if c.conversion is None]
        return frozenset(c.new.name for c in plain if c.old.name in old and c.new.name in new)

    @property
    def retriever(self) -> Retriever:
        return Retriever(self.target, self.profile, self.events)

    @property
    def synchroniser(self) -> Synchroniser:
        return Synchroniser(self.target, self.profile, self.events)

    def translate(self, entities: Sequence[p4r.Entity]) -> list[p4r.Update]:
        """What the control plane put into the running program, for the new one: what the plan keeps of it."""
        names = {t.preamble.id: t.preamble.name for t in self.old.tables}
        defaults = {t.preamble.id: t.initial_default_action for t in self.old.tables}
        wanted = []
        for entity in entities:
            entry = entity.table_entry
            if entity.HasField("table_entry"):
                initial = entry.is_default_action and _is_initial(entry, defaults[entry.table_id])
                if entry.is_const or initial or names.get(entry.table_id) not in self.plan.tables:
                    continue
            if _is_empty(entity):
                continue
            wanted.append(entity)
        translation = Translator(self.old, self.new.p4info, self.state_map).translate(wanted)
        self._skipped += translation.left
        return translation.updates

    def start_cloning(self) -> CloneSource:
        """Opens the listener, then points the mirror session at the CPU port and sets the flag: nothing is missed."""
        layout = self.layout
        with self.events.phase("listen"):
            listener = self.target.open_listener(layout)
        try:
            self.target.set_clone_flag(layout, False)  # a controller that died may have left it on
            if layout.slots:
                listener.expect(*self.target.read_sequences(layout))
            self.target.configure_clone_session(layout.session, self.target.cpu_port)
            self.target.set_clone_flag(layout, True)
            self.events.record("clone_on")
        except BaseException:
            listener.close()
            raise
        return listener

    def abandon(self) -> None:
        """Leaves the switch as it was: nothing saved, nothing cloned. What cannot be reached is left to the next
        reconfiguration, which begins in the same way."""
        with suppress(State4Error):
            self.target.discard_saved()
        with suppress(State4Error):
            self.target.set_clone_flag(layout_of(self.target.running()), False)

    def outcome(self, strategy: str, *, clones: ListenerStats | None = None, **numbers: Any) -> Outcome:
        found = {} if clones is None else {"clones": clones.clones, "updates": clones.updates}
        if clones is not None:
            found |= {"lost_clones": clones.lost, "dropped_frames": clones.dropped}
        return Outcome(strategy, **{**found, **numbers}, skipped=tuple(self._skipped))


def _is_empty(entity: p4r.Entity) -> bool:
    """A meter without a configuration, a value set without members: as every program begins."""
    if entity.HasField("meter_entry"):
        return not entity.meter_entry.HasField("config")
    return bool(entity.HasField("value_set_entry") and not entity.value_set_entry.members)


def _is_initial(entry: p4r.TableEntry, initial: Any) -> bool:
    """Whether a default action is the one that the program itself declares."""
    action = entry.action.action
    if not entry.action.HasField("action"):
        return False
    if action.action_id != initial.action_id:
        return bool(action.action_id == 0)
    values = {p.param_id: p.value.lstrip(b"\0") for p in action.params}
    return bool(values == {a.param_id: a.value.lstrip(b"\0") for a in initial.arguments})


class Strategy(Protocol):
    """One way to reconfigure. A module of `state4/strategies` has one as `STRATEGY`."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str:
        """One line for the help text."""

    @property
    def needs_cloning(self) -> bool:
        """Whether the running program must be instrumented."""

    def reconfigure(self, context: Reconfiguration) -> Outcome: ...


def prepare(
    target: Target,
    program: InstalledProgram,
    *,
    profile: Profile = NATIVE,
    only: Collection[str] | None = None,
    entries: Sequence[p4r.Update] = (),
    renames: dict[str, str] | None = None,
    state_map: StateMap | None = None,
    allow_loss: bool = False,
    events: EventLog | None = None,
) -> Reconfiguration:
    """Looks at the running program and plans the change, touching nothing.

    `state_map`: what goes elsewhere in the new program, and how; or just `renames`: old name -> new name.
    Raises UnknownComponent, BadMap, PlanRefused, TargetError."""
    state_map = state_map or StateMap(names=renames or {})
    target.discard_saved()
    old = target.running()
    plan = make_plan(old, program.p4info, only=only, state_map=state_map, problem_of=target.register_problem)
    plan.check(allow_loss=allow_loss)
    return Reconfiguration(target, old, program, plan, profile, events or EventLog(), entries, state_map)


def reconfigure(strategy: Strategy, context: Reconfiguration) -> Outcome:
    """Runs a strategy. The new program is instrumented, so the next reconfiguration can follow at once.

    Whatever goes wrong, or Ctrl-C: the switch goes on with the old program and its state, or, if COMMIT was done, with
    the new one and all of it."""
    if strategy.needs_cloning:
        try:
            layout_of(context.old)
        except NotInstrumented as error:
            raise NotInstrumented(
                f"{error}; strategy {strategy.name} needs that (none and controller do not)"
            ) from None
    begun = context.events.phase("reconfigure", strategy=strategy.name, profile=context.profile.name)
    with cancellable(context.events), begun:
        try:
            return strategy.reconfigure(context)
        except BaseException:
            context.abandon()
            raise
