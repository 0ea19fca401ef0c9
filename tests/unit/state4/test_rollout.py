"""A rollout: its file, its order, its end at the first failure, and how it is resumed at any point."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state4.rollout.commands import ChangeFailed, Planned
from state4.rollout.engine import RolloutRun
from state4.rollout.file import BadRollout, Rollout, SwitchChange, load_rollout
from state4.rollout.record import Record, RecordError, Step, locked

FILE = """
strategy = "precopy"
program = "new.p4"
at_once = 2
order = ["b", "a"]

[switch.a]
target = "unix:/a"
via = "ip netns exec a"

[switch.b]
target = "unix:/b"
program = "../other.p4"
strategy = "none"
only = ["pk_reg", "dmac"]
allow_loss = true
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "rollout.toml"
    path.write_text(text)
    return path


def test_a_file_gives_switches_in_order_with_what_they_share(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    rollout = load_rollout(write(tmp_path / "site", FILE))
    assert [switch.name for switch in rollout.switches] == ["b", "a"] and rollout.at_once == 2
    b, a = rollout.switches
    assert (a.strategy, b.strategy) == ("precopy", "none")
    assert a.program == tmp_path / "site" / "new.p4" and b.program == tmp_path / "other.p4"
    assert a.via == ("ip", "netns", "exec", "a")
    assert a.arguments[:6] == [str(a.program), "--target", "unix:/a", "--strategy", "precopy", "--json"]
    assert b.arguments[-3:] == ["--only", "pk_reg,dmac", "--allow-loss"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it names no switch"),
        ("= 3", "rollout.toml: Invalid"),
        ("[switch.a]\ntarget = 'x'", "switch.a has no program"),
        ("[switch.a]\nprogram = 'x'", "switch.a has no target"),
        ("at_once = 0\n[switch.a]\ntarget = 'x'\nprogram = 'p'", "at_once must be a number from 1 to 64, not 0"),
        ("at_once = true\n[switch.a]\ntarget = 'x'\nprogram = 'p'", "at_once must be a number from 1 to 64, not True"),
        ("programm = 'x'\n[switch.a]\ntarget = 'x'", "unknown key programm at the top; the keys are allow_loss"),
        ("[switch.a]\ntarget = 1\nprogram = 'p'", "target in switch.a must be a string, not 1"),
        ("[switch.a]\ntarget = 'x'\nprogram = 'p'\nverify = 1", "verify in switch.a must be a truth value"),
        ("[switch.a]\ntarget = 'x'\nprogram = 'p'\nvia = \"'\"", "via in switch.a: No closing quotation"),
        ("[switch.a]\ntarget = 'x'\nprogram = 'p'\nonly = 'r'", "only in switch.a must be a list of strings"),
        ("[switch.a]\ntarget = 'x'\nprogram = 'p'\ntimeout_s = 0", "number of seconds above 0, not 0"),
        ("order = ['a', 'b']\n[switch.a]\ntarget = 'x'\nprogram = 'p'", "order must name each switch once"),
        ("program = 'p'\n[switch.a]\ntarget = 'x'\n[switch.b]\ntarget = 'x'", "switch.a and switch.b are the same"),
        ("switch = 3", "it names no switch"),
        ("program = 'p'\n[switch]\na = 3", "switch.a must be a table"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_what(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadRollout) as error:
        load_rollout(write(tmp_path, text))
    assert says in str(error.value) and str(tmp_path / "rollout.toml") in str(error.value)


def test_a_changed_program_is_another_rollout(tmp_path: Path) -> None:
    path = write(tmp_path, "program = 'new.p4'\n[switch.a]\ntarget = 'x'")
    before = load_rollout(path).fingerprint
    (tmp_path / "new.p4").write_text("// a program")
    written = load_rollout(path).fingerprint
    (tmp_path / "new.p4").write_text("// another program")
    assert len({before, written, load_rollout(path).fingerprint}) == 3


# -- the run -----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The rollout's process has been killed."""


@dataclass
class Site:
    """Switches that run `old` or `new`, and count how often they were changed. `fails`: those whose change fails;
    `unplanned`: those whose plan fails; `inexact`: those whose state is not exact."""

    fails: set[str] = field(default_factory=set)
    unplanned: set[str] = field(default_factory=set)
    inexact: set[str] = field(default_factory=set)
    running: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, switch: SwitchChange) -> Planned:
        if switch.name in self.unplanned:
            raise ChangeFailed(f"{switch.name} cannot be planned")
        return Planned(self.running.get(switch.name) == "new", {})

    def change(self, switch: SwitchChange) -> Mapping[str, Any]:
        with self.guard:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.changes.append(switch.name)
        try:
            if switch.name in self.fails:
                raise ChangeFailed("the switch is gone")
            self.running[switch.name] = "new"
            return {"inexact": ["a clone was lost"] if switch.name in self.inexact else []}
        finally:
            with self.guard:
                self.at_once -= 1

    def load_entries(self, switch: SwitchChange) -> None:
        self.loaded.append(switch.name)

    def cancel(self) -> None:
        """Nothing to do: no operation here takes long."""


class Silent:
    def planned(self, *_: object) -> None: ...
    def begun(self, *_: object) -> None: ...
    def ended(self, *_: object) -> None: ...


def rollout_of(names: list[str], at_once: int = 1) -> Rollout:
    switches = tuple(SwitchChange(name, f"unix:/{name}", Path("new.p4")) for name in names)
    return Rollout(Path("rollout.toml"), switches, at_once, "it")


def steps(record: Record) -> dict[str, str]:
    return {name: entry.step.value for name, entry in record.entries.items()}


def test_all_are_changed_in_order(tmp_path: Path) -> None:
    site, rollout = Site(), rollout_of(["c", "a", "b"])
    record = Record.new(tmp_path / "record", "it", ["c", "a", "b"])
    run = RolloutRun(rollout, record, site, Silent())
    assert not run.plan() and run.change()
    assert site.changes == ["c", "a", "b"] and site.most_at_once == 1
    assert steps(record) == {"c": "done", "a": "done", "b": "done"}


def test_nothing_is_begun_when_one_cannot_be_planned(tmp_path: Path) -> None:
    site, rollout = Site(unplanned={"b", "d"}), rollout_of(["a", "b", "c", "d"])
    record = Record.new(tmp_path / "record", "it", ["a", "b", "c", "d"])
    problems = RolloutRun(rollout, record, site, Silent()).plan()
    assert problems == {"b": "b cannot be planned", "d": "d cannot be planned"}
    assert not site.changes and set(steps(record).values()) == {"waiting"}


@pytest.mark.parametrize("kind", ["fails", "inexact"])
def test_it_stops_at_the_first_failure_and_the_rest_is_untouched(tmp_path: Path, kind: str) -> None:
    site, rollout = Site(**{kind: {"b"}}), rollout_of(["a", "b", "c", "d"])
    record = Record.new(tmp_path / "record", "it", ["a", "b", "c", "d"])
    run = RolloutRun(rollout, record, site, Silent())
    assert not run.plan() and not run.change()
    assert site.changes == ["a", "b"]
    assert steps(record) == {"a": "done", "b": "failed", "c": "waiting", "d": "waiting"}
    assert record.entries["b"].why in ("the switch is gone", "its state may not be exact: a clone was lost")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 8), st.sets(st.integers(0, 7)))
def test_never_more_at_once_than_asked_for(at_once: int, count: int, failing: set[int]) -> None:
    names = [f"s{number}" for number in range(count)]
    site = Site(fails={f"s{number}" for number in failing})
    with TemporaryDirectory() as folder:
        record = Record.new(Path(folder) / "record", "it", names)
        finished = RolloutRun(rollout_of(names, at_once), record, site, Silent()).change()
    assert site.most_at_once <= at_once
    assert finished == (not site.fails & set(names))
    first = min((number for number in failing if number < count), default=count)
    assert len(site.changes) <= min(count, first + at_once)
    assert sorted(site.changes) == [name for name in names if record.entries[name].step is not Step.WAITING]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.lists(st.integers(0, 12), max_size=4))
def test_killed_at_any_moment_it_goes_on_and_changes_each_switch_once(at_once: int, moments: list[int]) -> None:
    """The process is killed at the n-th write of its record, before or after the change itself."""
    names = ["a", "b", "c", "d"]
    site = Site()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "record"
        Record.new(path, "it", names)
        for moment in [*moments, None]:
            record = Record.read(path)
            assert record is not None
            killed_at(record, moment)
            run = RolloutRun(rollout_of(names, at_once), record, site, Silent())
            try:
                assert not run.plan()
                assert run.change()
            except Killed:
                continue
            break
        ended = Record.read(path)
        assert ended is not None and ended.finished
    assert sorted(site.changes) == names
    assert set(site.loaded) <= set(names)


def killed_at(record: Record, moment: int | None) -> None:
    """Kills the process at the n-th step of a record, just before it is on disk."""
    if moment is None:
        return
    left = [moment]
    put = record.put

    def dying(*args: Any, **more: Any) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        put(*args, **more)

    record.put = dying  # type: ignore[method-assign]


def test_a_stopped_run_begins_nothing_more(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    site = Site()
    record = Record.new(tmp_path / "record", "it", names)

    class Stopping(Silent):
        def ended(self, *_: object) -> None:
            run.stop()

    run = RolloutRun(rollout_of(names), record, site, Stopping())
    assert not run.change()
    assert site.changes == ["a"]
    assert steps(record) == {"a": "done", "b": "waiting", "c": "waiting"}


# -- the record --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "switches": {"a": {"step": "?"}}}'])
def test_a_file_that_is_no_record_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / "record"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"record"):
        Record.read(path)
    assert path.read_text() == text


def test_two_rollouts_do_not_share_a_record(tmp_path: Path) -> None:
    path = tmp_path / "record"
    with locked(path), pytest.raises(RecordError, match="still running"), locked(path):
        pass
    with locked(path):
        pass
