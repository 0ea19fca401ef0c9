"""One reconfiguration: a program change on a running switch, by some strategy, and its outcome."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from finsy.proto import p4i, p4r

from state4.cancel import cancellable
from state4.cim import Track
from state4.clones.source import ListenerStats
from state4.errors import NotInstrumented, State4Error, TargetError
from state4.events import EventLog
from state4.instrumentation.running import layout_of, map_of
from state4.other_writers import OtherWriters
from state4.pacing import NATIVE, Profile
from state4.plan.change import Change
from state4.plan.compare import make_plan
from state4.plan.state_map import StateMap
from state4.programs import InstalledProgram, same_configuration
from state4.replication import Replication
from state4.rsrm import Retriever, State
from state4.rssm import Synchroniser
from state4.targets.abilities import Abilities
from state4.targets.base import Target
from state4.verify.compare import Comparison
from state4.verify.step import compare_entries


@dataclass(frozen=True)
class Outcome:
    """What a reconfiguration did. `cells`: register cells carried in bulk; `entries`: those that were carried over;
    `own_entries`: entries, groups, sessions and cells given by the operator; `updates`: cloned updates seen; `written`:
    of those written, after look-ahead; `skipped`: entries that have no place in the new program, with the reason.
    `late`, `merged`, `conflicts`: cells with updates from after RSSM's last write, and of those, cells merged into the
    new program and cells left unchanged. `inexact`: known reasons why the state may differ from that of a switch that
    was never reconfigured; for a strategy that promises to be exact, () means that it does not differ, for any other
    that nothing went wrong. `left_behind`: components not in the operator's list; `warnings`: of the plan, and about
    clones that did not arrive.

    For a strategy that reads in rounds: `rounds`: the share of all blocks read by each round after the first;
    `remainder`: cells read during the hold. `predicted_rounds` and `predicted_remainder`: cells that the theory
    (`state4.dirty.theory`) expects, from the rates measured until the first round; None: not known.

    `declined`: why the switch declined to swap, for each try before the one that succeeded; if none does, the error
    `SwapDeclined` has the reasons. `ring`: whether updates came by shared memory and not as clones; None: the strategy
    does not ask for that.
    `verified`: the result of comparing the two programs in the swap step; None if not requested."""

    strategy: str
    cells: int = 0
    entries: int = 0
    own_entries: int = 0
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
    left_behind: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rounds: tuple[float, ...] = ()
    predicted_rounds: tuple[float, ...] = ()
    predicted_remainder: float | None = None
    remainder: int | None = None
    declined: tuple[str, ...] = ()
    ring: bool | None = None
    verified: Comparison | None = None

    def as_dict(self) -> dict[str, Any]:
        found = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        return {**found, "verified": self.verified.as_dict() if self.verified is not None else None}


@dataclass(kw_only=True)
class Reconfiguration(Change):
    """Everything a strategy works with. Make one with `prepare`."""

    target: Target
    profile: Profile
    events: EventLog
    verification: Comparison | None = None

    @cached_property
    def retriever(self) -> Retriever:
        """The paper's RSRM."""
        return Retriever(self.target, self, self.profile, self.events, self.others)

    @cached_property
    def synchroniser(self) -> Synchroniser:
        """The paper's RSSM."""
        return Synchroniser(self.target, self, self.profile, self.events, self.others, self.verification)

    @cached_property
    def others(self) -> OtherWriters:
        """Other controllers that write during the change."""
        return OtherWriters(self.target, self, self.events, verified=self.verification is not None)

    def not_verified(self, why: str) -> None:
        """The registers cannot be compared in the step that swaps."""
        if self.verification is not None:
            self.verification.unchecked.append(f"registers: {why}")

    def compare_entries(self, verification: Comparison) -> None:
        """Compares what the new program was given with what it has. The change is done, so an error is not a
        failure."""
        if self.carried and not verification.compared and not verification.unchecked:
            self.not_verified("this switch cannot hold packets, so they were not stopped")
        try:
            compare_entries(verification, self.target, self.new.p4info, self.others.given)
        except TargetError as error:
            verification.unchecked.append(f"entries: {error}")

    def abandon(self) -> None:
        """Restores the switch: nothing saved, nothing cloned. Whatever cannot be undone is left to the next
        reconfiguration, which starts with the same step."""
        with suppress(State4Error):
            self.target.discard_saved()
        with suppress(State4Error):
            self.target.set_clone_flag(layout_of(self.target.running()), False)

    def outcome(
        self, strategy: str, state: State | None = None, *, clones: ListenerStats | None = None, **numbers: Any
    ) -> Outcome:
        """`state`: what was carried in bulk; `clones`: what the listener received; `numbers`: what else is known."""
        left_behind = tuple(str(component) for component in self.plan.left_behind)
        found: dict[str, Any] = {"left_behind": left_behind, "warnings": self.plan.warnings}
        found["own_entries"] = len(self.entries)
        if state is not None:
            found |= {"cells": state.cells, "skipped": state.skipped}
            found["entries"] = len(state.entries) + self.others.carrier.unseen
        newest = self.others.newest
        if newest is not None:
            found |= {"entries": len(newest.updates), "skipped": tuple(newest.left)}
        if clones is not None:
            found |= {"clones": clones.clones, "updates": clones.updates}
            found |= {"lost_clones": clones.lost, "dropped_frames": clones.dropped}
        found |= numbers
        found["inexact"] = (*found.get("inexact", ()), *self.others.inexact)
        return Outcome(strategy, **found)


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


def needs_map(strategy: Strategy) -> bool:
    """Whether the running program must have a dirty map: a strategy's `needs_map`, False if it has none."""
    return bool(getattr(strategy, "needs_map", False))


def track_for(strategy: Strategy, abilities: Abilities) -> Track:
    """How the new program is to be instrumented, so that the same strategy can change it again on that switch."""
    if not needs_map(strategy):
        return Track.CLONES
    return Track.MAP if abilities.reads_and_clears is not None else Track.BOTH


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
    verify: bool = False,
    needless: Mapping[str, str] | None = None,
) -> Reconfiguration:
    """Examines the running program and plans the change, without modifying anything.

    `state_map`: what goes elsewhere in the new program, and how; or just `renames`: old name -> new name.
    `verify`: the new program's state is compared with the old one's in the swap step.
    `needless`: registers of the new program that are not carried, with the reason (`state4.analysis.needless`).
    Raises UnknownComponent, BadMap, PlanRefused, TargetError."""
    state_map = state_map or StateMap(names=renames or {})
    target.discard_saved()
    old = target.running()
    plan = make_plan(
        old,
        program.p4info,
        only=only,
        state_map=state_map,
        problem_of=target.register_problem,
        needless=needless,
    )
    plan.check(allow_loss=allow_loss)
    return Reconfiguration(
        target=target,
        old=old,
        new=program,
        plan=plan,
        profile=profile,
        events=events or EventLog(),
        entries=entries,
        state_map=state_map,
        verification=Comparison() if verify else None,
    )


def check_instrumented(strategy: Strategy, old: p4i.P4Info) -> None:
    """Raises NotInstrumented if the running program lacks what the strategy needs."""
    try:
        if strategy.needs_cloning:
            layout_of(old)
        if needs_map(strategy):
            map_of(old)
    except NotInstrumented as error:
        raise NotInstrumented(f"{error}; strategy {strategy.name} needs that (none and controller do not)") from None


def runs(target: Target, program: InstalledProgram) -> bool:
    """Whether the switch runs exactly this program, whatever its state."""
    return same_configuration(target.running_configuration(), target.configuration(program))


def reconfigure(strategy: Strategy, context: Reconfiguration) -> Outcome:
    """Runs a strategy. The new program is instrumented, so the next reconfiguration can follow at once.

    On any failure or Ctrl-C the switch continues with the old program and its state, or, after COMMIT, with the new one
    and all of the state."""
    check_instrumented(strategy, context.old)
    begun = context.events.phase("reconfigure", strategy=strategy.name, profile=context.profile.name)
    with cancellable(context.events), begun, context.others.followed():
        replication = Replication(context.target, context.entries)
        try:
            replication.make()
            outcome = strategy.reconfigure(context)
        except BaseException:
            context.abandon()
            with suppress(State4Error):
                replication.unmake(context.others.replication)
            raise
        left = replication.change(context.others.replication)
        if context.verification is not None:
            context.compare_entries(context.verification)
        return replace(outcome, inexact=(*outcome.inexact, *left), verified=context.verification)
