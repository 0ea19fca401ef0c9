"""The control process: State4 next to a switch, controlled by JSON lines on its input (see `client.py`).

It runs in the switch's namespace, because clones arrive there. Answers are {"done": result} or {"error": text}; events
of a reconfiguration are printed as they happen.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from finsy.proto import p4r

from experiments.control.programs import load_prepared
from experiments.control.takes import RecordingListener, Take, store_takes, writes_saved
from state4.clones.header import CloneLayout
from state4.clones.source import CloneSource
from state4.entries_file import load_entries, updates
from state4.errors import State4Error
from state4.events import Event, EventLog
from state4.instrumentation.running import layout_of, user_registers
from state4.loading import load
from state4.pacing import PROFILES
from state4.programs import InstalledProgram
from state4.reconfigure import Reconfiguration, Strategy, prepare, reconfigure
from state4.replication import Replication, is_replication
from state4.rsrm import start_cloning
from state4.strategies import load_strategy
from state4.targets.bmv2.target import Bmv2Target
from state4.targets.p4runtime.target import P4RuntimeTarget
from state4.values import RegisterSpec

NO_PRESERVATION = "none"


class RecordingP4Runtime(P4RuntimeTarget):
    """softswitch, whose listeners record what is taken from them while `recorded` is a list."""

    recorded: list[RecordingListener] | None = None

    def open_listener(self, layout: CloneLayout) -> CloneSource:  # type: ignore[override]
        return _recorded(super().open_listener(layout), self.recorded)

    def open_ring(self, layout: CloneLayout) -> CloneSource | None:
        ring = super().open_ring(layout)
        return ring if ring is None else _recorded(ring, self.recorded)


class RecordingBmv2(Bmv2Target):
    """The same for bmv2."""

    recorded: list[RecordingListener] | None = None

    def open_listener(self, layout: CloneLayout) -> CloneSource:  # type: ignore[override]
        return _recorded(super().open_listener(layout), self.recorded)


def _recorded(listener: CloneSource, recorded: list[RecordingListener] | None) -> CloneSource:
    if recorded is None:
        return listener
    recorded.append(RecordingListener(listener))
    return recorded[-1]


AnyTarget = RecordingP4Runtime | RecordingBmv2
TARGETS: dict[str, type[RecordingP4Runtime] | type[RecordingBmv2]] = {
    "softswitch": RecordingP4Runtime,
    "bmv2": RecordingBmv2,
}


class Agent:
    """One connection to one switch. Each public method is a command whose arguments are its keyword arguments."""

    def __init__(self, target: AnyTarget, tell: Callable[[dict[str, Any]], None]) -> None:
        self._target = target
        self._tell = tell
        self._armed: tuple[Strategy, Reconfiguration] | None = None
        self._listener: CloneSource | None = None
        self._changes: dict[str, tuple[InstalledProgram, list[p4r.Update]]] = {}
        self._made: list[Replication] = []

    # -- programs ------------------------------------------------------------------------------------------------------

    def install(self, program: str, entries: str, left_out_groups: list[int]) -> None:
        """Installs a prepared program with its entries. The groups and sessions of an earlier one are removed: they
        belong to the switch, so they outlive programs."""
        self._target.install(load_prepared(Path(program)))
        while self._made:
            self._made.pop().unmake()
        self.write_entries(entries, left_out_groups)

    def write_entries(self, entries: str, left_out_groups: list[int]) -> None:
        """Writes entries to the running program, or to the saved one if there is one. Groups and sessions may be
        there already."""
        found = updates(load_entries(Path(entries), self._target.running()))
        replication = Replication(self._target, [update for update in found if _group(update) not in left_out_groups])
        replication.make()
        self._made.append(replication)
        replication.change()
        self._target.write_entities([update for update in found if not is_replication(update)])

    def load_entries(self, entries: str) -> None:
        """Brings entries into the running program, whether or not they are already there."""
        load(self._target, updates(load_entries(Path(entries), self._target.running())))

    def prepare(
        self,
        strategy: str,
        profile: str,
        program: str,
        entries: str,
        components: list[str] | None,
        record_takes: bool = False,
        update_ring: bool = True,
    ) -> dict[str, Any]:
        """Prepares a reconfiguration so that it can begin at once: everything that can be done in advance is done.

        `record_takes`: what the strategy takes from its listener is written down, for `takes`. `update_ring`: updates
        may come by shared memory, if the strategy and the switch can do so.
        """
        if isinstance(self._target, P4RuntimeTarget):
            self._target.update_ring = update_ring
        for listener in self._target.recorded or ():
            listener.finish()
        self._target.recorded = [] if record_takes else None
        new = self._compiled(Path(program))
        own = _own_entries(strategy, entries, new)
        events = EventLog(on_event=self._on_event)
        context = prepare(self._target, new, profile=PROFILES[profile], only=components, entries=own, events=events)
        self._armed = (load_strategy(strategy), context)
        gc.collect()
        gc.freeze()  # objects loaded so far are not scanned during the reconfiguration
        return {"registers": len(context.carried), "cells": context.plan.cells, "tables": len(context.plan.tables)}

    def reconfigure(self) -> dict[str, Any]:
        """Runs the prepared reconfiguration. Besides the strategy's outcome it returns `control`: CPU time and memory
        of this process, and how long this thread was ready to run without a core (None if the kernel does not count
        that)."""
        if self._armed is None:
            raise State4Error("call prepare before reconfigure")
        if self._listener is not None:  # cloning was on; the strategy opens a listener of its own
            self._listener.close()
            self._listener = None
        strategy, context = self._armed
        self._armed = None
        before, waited = resource.getrusage(resource.RUSAGE_SELF), _waited_s()
        outcome = reconfigure(strategy, context).as_dict()
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        now = _waited_s()
        waited_s = None if waited is None or now is None else now - waited
        return {**outcome, "control": {"cpu_s": cpu_s, "rss_bytes": _rss(), "waited_s": waited_s}}

    def takes(self, path: str) -> dict[str, Any]:
        """Stores what the last strategy took from its listener (`store_takes`); returns what look-ahead would save."""
        found: list[Take] = []
        for listener in self._target.recorded or ():
            listener.finish()
            found += listener.takes
        store_takes(found, Path(path))
        return writes_saved(found)

    def change(self, strategy: str, program: str, entries: str) -> dict[str, Any]:
        """A complete reconfiguration to a program that may drop state; times in s, this process's memory in bytes.

        `held_s` is None if it is unknown how long packets were held.
        """
        if program not in self._changes:
            new = self._compiled(Path(program))
            self._changes[program] = new, _own_entries(strategy, entries, new)
        new, own = self._changes[program]
        events = EventLog()
        context = prepare(self._target, new, entries=own, allow_loss=True, events=events)
        outcome = reconfigure(load_strategy(strategy), context)
        begin, end = events.span("reconfigure") or (0.0, 0.0)
        held = [event.data["held_s"] for event in events.events if "held_s" in event.data]
        return {
            "total_s": end - begin,
            "held_s": sum(held) if held else None,
            "lost_clones": outcome.lost_clones,
            "controller_rss": _rss(),
        }

    def entities(self) -> list[str]:
        """The entities that the control plane wrote to the running program, as text in a fixed order."""
        return sorted(str(entity) for entity in self._target.read_entities())

    def swap(self, program: str, entries: str) -> dict[str, float]:
        """Changes to a program from the switch's cache, with its entries and without other state; times in s."""
        new = self._compiled(Path(program))
        found = updates(load_entries(Path(entries), new.p4info))
        own = [update for update in found if update.entity.HasField("table_entry")]
        begin = time.monotonic()
        self._target.save(new)
        saved = time.monotonic()
        self._target.write_entities(own)
        written = time.monotonic()
        self._target.commit()
        end = time.monotonic()
        return {"begin": begin, "end": end, "save_s": saved - begin, "commit_s": end - written}

    def verify(self, program: str) -> None:
        """Has the switch check and compile a program, so that `swap` finds it in its cache."""
        self._compiled(Path(program))

    def config_bytes(self, program: str) -> int:
        """Size of a program in the form that the switch loads."""
        return len(self._target.configuration(load_prepared(Path(program))))

    # -- state ---------------------------------------------------------------------------------------------------------

    def read_all(self) -> dict[str, Any]:
        """Reads all register cells of the running program in one snapshot; returns their number and the time in s."""
        registers = self._registers()
        begin = time.monotonic()
        contents = self._target.read_registers(registers)
        end = time.monotonic()
        return {
            "begin": begin,
            "end": end,
            "read_s": end - begin,
            "cells": sum(register.cells for register in registers),
            "bytes": sum(cells.nbytes for cells in contents.values()),
        }

    def snapshot(self, path: str) -> int:
        """Writes all registers of the running program to an .npz file, by name; returns their number."""
        contents = self._target.read_registers(self._registers())
        np.savez(path, **contents)  # type: ignore[arg-type]
        return len(contents)

    def read_cells(self, register: str, start: int, count: int) -> list[int]:
        """Cells of a register, given by the end of its name."""
        spec = next((r for r in self._registers() if r.name == register or r.name.endswith("." + register)), None)
        if spec is None:
            raise State4Error(f"the running program has no register {register}")
        return spec.integers(self._target.read_register(spec, start, count))

    def totals(self) -> dict[str, int]:
        """The sum of all cells of each register of the running program."""
        contents = self._target.read_registers(self._registers())
        kinds = {name: object if cells.dtype == object else np.uint64 for name, cells in contents.items()}
        return {name: int(cells.sum(dtype=kinds[name])) for name, cells in contents.items()}

    def stats(self, reset: bool = False) -> dict[str, Any]:
        """The switch's own counters; `reset` sets them to 0. None for what the switch does not report: bmv2 has no
        counters at all, although packets do wait in it."""
        has_statistics = self._target.abilities.has_statistics
        if has_statistics is None:
            return {"holds": None, "held_ms": None, "longest_hold_ms": None}
        found = vars(has_statistics.statistics(reset=reset))
        held, longest = found.pop("held_s"), found.pop("longest_hold_s")
        return {**found, "drops": dict(found["drops"]), "held_ms": 1e3 * held, "longest_hold_ms": 1e3 * longest}

    # -- clones --------------------------------------------------------------------------------------------------------

    def start_cloning(self) -> None:
        """Opens the listener and sets the clone flag of the running program."""
        layout = layout_of(self._target.running())
        if self._listener is not None:
            self._listener.close()  # the previous program's
        self._listener = self._target.open_listener(layout)
        start_cloning(self._target, layout, self._listener)

    def stop_cloning(self, settle_s: float = 1.0) -> dict[str, Any]:
        """Clears the flag, and closes the listener when it has all clones or after `settle_s`; returns what it
        received."""
        if self._listener is None:
            raise State4Error("call start_cloning before stop_cloning")
        layout = layout_of(self._target.running())
        self._target.set_clone_flag(layout, False)
        asked = self._target.read_sequences(layout)
        complete = self._listener.wait_for(*asked, settle_s)
        stats = self._listener.stats()
        self._listener.close()
        self._listener = None
        return {
            "complete": complete,
            "clones": stats.clones,
            "updates": stats.updates,
            "lost": stats.lost,
            "dropped_frames": stats.dropped,
            "foreign": stats.foreign,
        }

    # ------------------------------------------------------------------------------------------------------------------

    def _registers(self) -> tuple[RegisterSpec, ...]:
        return user_registers(self._target.running())

    def _compiled(self, path: Path) -> InstalledProgram:
        """An instrumented program that the switch has already compiled, so that saving it only has to open it."""
        program = load_prepared(path)
        verifies = self._target.abilities.verifies
        if verifies is not None:
            verifies.verify(program)
        return program

    def _on_event(self, event: Event) -> None:
        self._tell({"event": event.as_dict()})


def _own_entries(strategy: str, entries: str, program: InstalledProgram) -> list[p4r.Update]:
    """The entries of the new program in addition to those carried over; without preservation no state is restored."""
    if strategy == NO_PRESERVATION:
        return []
    found = updates(load_entries(Path(entries), program.p4info))
    return [update for update in found if update.entity.HasField("table_entry")]


def _waited_s() -> float | None:
    """Seconds that this thread has been ready to run without a core."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/thread-self/schedstat").read_text(encoding="utf-8").split()[1]) / 1e9
    return None


def _rss() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * resource.getpagesize()


def _group(update: p4r.Update) -> int | None:
    """The multicast group that an update makes, None for any other update."""
    entry = update.entity.packet_replication_engine_entry
    return int(entry.multicast_group_entry.multicast_group_id) if entry.HasField("multicast_group_entry") else None


def serve(target: AnyTarget) -> None:
    """Executes commands until the input is closed."""
    lock = threading.Lock()

    def tell(message: dict[str, Any]) -> None:
        with lock:
            print(json.dumps(message), flush=True)

    agent = Agent(target, tell)
    print("ready", flush=True)
    for line in sys.stdin:
        arguments = json.loads(line)
        command = arguments.pop("do")
        try:
            if command.startswith("_"):
                raise State4Error(f"no such command: {command}")
            tell({"done": getattr(agent, command)(**arguments)})
        except (State4Error, OSError) as error:
            tell({"error": f"{command}: {error}"})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=sorted(TARGETS), default="softswitch")
    parser.add_argument("--address", required=True)
    parser.add_argument("--cpu-interface", required=True)
    options = parser.parse_args()
    try:
        target = TARGETS[options.target](options.address, cpu_interface=options.cpu_interface)
        with target:
            serve(target)
    except State4Error as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"ended": True}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
