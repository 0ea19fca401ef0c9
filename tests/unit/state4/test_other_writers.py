"""Other controllers write during a change: everything is in the new program, or the outcome says what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from finsy.proto import p4i, p4r

from state4.errors import ProgramChanged
from state4.other_writers import FEW_KEYS, MAX_ROUNDS
from state4.programs import InstalledProgram
from state4.reconfigure import reconfigure
from state4.strategies import load_strategy
from state4.targets.abilities import Written
from tests.unit.state4.fake_switch import FakeSwitch, change, context_of, installed
from tests.unit.state4.test_replication import OLD, TABLE, group

Keys = list[tuple[p4r.Entity, list[p4r.Entity]]]
WRITES = "t.apply(); fixed.apply(); sums.write(0, 1);"
GROWN = installed("register<bit<16>>(8) sums; register<bit<8>>(2) more;", WRITES, name="grown", tables=TABLE)
BARE = installed("register<bit<16>>(8) sums;", "sums.write(0, 1);", name="bare")


class NotingSwitch(FakeSwitch):
    """Records what others write. `others`: what arrives at each `take`, in turn; `brought`, `gone`: what was written to
    the saved program, and removed from it; `fails`: why an entity cannot be written."""

    def __init__(self, old: InstalledProgram = OLD, *, can: Sequence[str] = ("holds",)) -> None:
        super().__init__(old, can=(*can, "follows"))
        self.others: list[Written] = []
        self.waiting: list[bool] = []
        self.brought: list[p4r.Entity] = []
        self.gone: list[p4r.Entity] = []
        self.fails: Callable[[p4r.Entity], str] = lambda entity: ""
        self.there: list[p4r.Entity] = []
        self.wanted: list[p4r.Entity] = []

    @contextmanager
    def follow(self) -> Iterator[NotingSwitch]:
        self.asked.append("follow")
        yield self
        self.asked.append("unfollow")

    def take(self, *, hold_writers: bool = False) -> Written:
        self.waiting.append(hold_writers)
        self.asked.append("hold_writers" if hold_writers else "take")
        return self.others.pop(0) if self.others else Written()

    def read(self, wanted: Sequence[p4r.Entity], *, saved: bool) -> list[p4r.Entity]:
        assert not saved
        self.wanted = list(wanted)
        return list(self.there)

    def bring(self, puts: Sequence[p4r.Entity], deletes: Sequence[p4r.Entity]) -> list[tuple[p4r.Entity, str]]:
        self.asked.append("bring")
        self.brought += puts
        self.gone += deletes
        return [(entity, why) for entity in (*puts, *deletes) if (why := self.fails(entity))]

    def read_cells(self, spec: Any, start: int, count: int) -> Any:
        return self.read_register(spec, start, count)


@pytest.fixture
def switch() -> NotingSwitch:
    made = NotingSwitch()
    made.packet("sums", 1, 11)
    return made


def entry(key: int, value: int = 1, *, program: InstalledProgram = OLD, table: str = "t", **fields: Any) -> p4r.Entity:
    info: p4i.Table = next(t for t in program.p4info.tables if t.preamble.alias == table)
    found = p4r.TableEntry(table_id=info.preamble.id, **fields)
    if not found.is_default_action:
        found.match.add(field_id=1).exact.value = bytes([key])
    action = next(a for a in program.p4info.actions if a.preamble.alias == "set")
    found.action.action.action_id = action.preamble.id
    found.action.action.params.add(param_id=1, value=bytes([value]))
    return p4r.Entity(table_entry=found)


def key_of(entity: p4r.Entity) -> p4r.Entity:
    result = p4r.Entity()
    result.CopyFrom(entity)
    result.table_entry.ClearField("action")
    return result


def wrote(*entities: p4r.Entity) -> Written:
    return Written([(key_of(entity), [entity]) for entity in entities])


def deleted(*entities: p4r.Entity) -> Written:
    return Written([(key_of(entity), []) for entity in entities])


def register(index: int | None, *, program: InstalledProgram = OLD, name: str = "sums") -> p4r.Entity:
    number = next(r.preamble.id for r in program.p4info.registers if r.preamble.alias == name)
    found = p4r.Entity(register_entry=p4r.RegisterEntry(register_id=number))
    if index is not None:
        found.register_entry.index.index = index
    return found


@pytest.mark.parametrize("strategy", ["controller", "state4", "swing_state", "none", "state4_exact"])
def test_entries_that_others_write_during_a_change_are_brought(switch: NotingSwitch, strategy: str) -> None:
    switch.others = [wrote(entry(1), entry(2)), deleted(entry(3))]
    outcome = change(strategy, switch, GROWN)
    assert switch.brought == [entry(1, program=GROWN), entry(2, program=GROWN)]
    assert switch.gone == [key_of(entry(3, program=GROWN))]
    assert outcome.inexact == () and switch.program is GROWN
    assert switch.waiting[-1] is True and switch.asked.index("hold_writers") < switch.asked.index("commit")
    assert switch.asked.index("follow") < switch.asked.index("save") and switch.asked[-1] == "unfollow"


def test_rounds_go_on_while_many_come_and_then_writers_wait(switch: NotingSwitch) -> None:
    many = wrote(*(entry(number) for number in range(FEW_KEYS + 1)))
    few = wrote(*(entry(number) for number in range(FEW_KEYS)))
    switch.others = [many, many, few, wrote(entry(99))]
    change("controller", switch, OLD)
    assert switch.waiting == [False, False, False, True]
    assert entry(99) in switch.brought


def test_rounds_are_bounded(switch: NotingSwitch) -> None:
    many = wrote(*(entry(number) for number in range(FEW_KEYS + 1)))
    switch.others = [many] * (MAX_ROUNDS + 5)
    change("controller", switch, OLD)
    assert switch.waiting == [False] * MAX_ROUNDS + [True]


def test_what_cannot_be_brought_is_tried_again_and_then_reported(switch: NotingSwitch) -> None:
    """An entry may need a group that comes later."""
    later = [True]
    switch.fails = lambda entity: "no such group" if entity == entry(1) and later else ""
    switch.others = [wrote(entry(1)), wrote(entry(2))]

    def now(event: Any) -> None:
        if event.phase == "apply_writes" and event.what == "end":
            later.clear()

    context = context_of(switch, OLD)
    context.events.on_event = now

    assert reconfigure(load_strategy("controller"), context).inexact == ()
    assert switch.brought.count(entry(1)) == 2
    again = NotingSwitch()
    again.fails = lambda entity: "no such group"
    again.others = [wrote(entry(1))]
    assert change("controller", again, OLD).inexact == ("another controller's write: no such group",)


def test_cells_that_others_write_go_over_as_they_are_at_the_swap(switch: NotingSwitch) -> None:
    def write() -> None:
        switch.forwarding["MyIngress.sums"][2] = 77
        switch.others = [Written([(register(2), [])])]

    outcome = change("controller", switch, GROWN, {("write_register", "begin"): write})
    assert switch.cells("sums")[:4] == [0, 11, 77, 0] and outcome.inexact == ()


def test_whole_registers_that_others_write(switch: NotingSwitch) -> None:
    def write() -> None:
        switch.forwarding["MyIngress.sums"][:] = 5
        switch.others = [Written([(register(3), []), (register(None), [])])]

    change("controller", switch, GROWN, {("write_register", "begin"): write})
    assert switch.cells("sums") == [5] * 8


def test_cells_written_while_packets_are_held(switch: NotingSwitch) -> None:
    def write() -> None:
        switch.forwarding["MyIngress.sums"][5] = 55
        switch.others = [Written([(register(5), [])])]

    change("state4_exact", switch, GROWN, {("apply_updates", "end"): write})
    assert switch.cells("sums")[5] == 55


def test_what_has_no_place_in_the_new_program_is_reported(switch: NotingSwitch) -> None:
    switch.others = [wrote(entry(1)), Written([(register(0), [])])]
    outcome = change("controller", switch, BARE, allow_loss=True)
    assert outcome.inexact == (
        "table MyIngress.t: the plan does not carry it, but entries of it were written in the meantime",
    )
    assert (switch.brought, switch.gone) == ([], [])
    left = NotingSwitch()
    left.others = [Written([(register(0), [])])]
    outcome = change("controller", left, GROWN, only=["t"], allow_loss=True)
    assert outcome.inexact == (
        "register MyIngress.sums: the plan does not carry it, but cells of it were written in the meantime",
    )


def test_registers_that_were_added_are_nobodys(switch: NotingSwitch) -> None:
    flag = register(0, name=OLD.layout.flag_register)
    switch.others = [Written([(flag, [])])]
    assert change("controller", switch, GROWN).inexact == ()


def test_a_deleted_entry_gives_way_to_the_operators_own(switch: NotingSwitch) -> None:
    own = p4r.Update(type=p4r.Update.INSERT, entity=entry(4, 9, program=GROWN))
    switch.others = [deleted(entry(4), entry(5))]
    change("controller", switch, GROWN, entries=[own])
    assert switch.brought == [own.entity] and switch.gone == [key_of(entry(5, program=GROWN))]


def test_default_actions_that_others_write_or_reset(switch: NotingSwitch) -> None:
    changed = entry(0, 6, is_default_action=True)
    initial = entry(0, 5, is_default_action=True)  # as the program declares it
    switch.others = [wrote(changed), wrote(initial)]
    change("controller", switch, GROWN)
    assert switch.brought == [entry(0, 6, program=GROWN, is_default_action=True)]
    assert [entity.table_entry.is_default_action for entity in switch.gone] == [True]


def test_where_more_was_written_than_was_noted_everything_is_compared(switch: NotingSwitch) -> None:
    switch.entities = [entry(1), entry(2)]  # brought with the bulk; the second is gone by the time
    switch.there = [entry(1, 9), entry(3)]
    switch.others = [Written((), complete=False)]
    switch.forwarding["MyIngress.sums"][7] = 70
    change("controller", switch, GROWN)
    assert switch.brought == [entry(1, 9, program=GROWN), entry(3, program=GROWN)]
    assert [key_of(entity) for entity in switch.gone] == [key_of(entry(2, program=GROWN))]
    assert switch.cells("sums")[7] == 70  # every register was read again
    assert switch.waiting == [False, False, True]
    assert any(wanted.table_entry.is_default_action for wanted in switch.wanted)


def test_a_group_that_another_controller_writes_is_left_to_it(switch: NotingSwitch) -> None:
    written = p4r.Entity()
    written.packet_replication_engine_entry.CopyFrom(group(7).entity.packet_replication_engine_entry)
    switch.groups[7] = group(7, 1).entity.packet_replication_engine_entry.multicast_group_entry
    switch.others = [Written([(written, [])])]
    outcome = change("controller", switch, GROWN, entries=[group(7, 2), group(8, 2)])
    assert [u.entity for u in switch.written] == [group(8, 2).entity]
    (left,) = outcome.inexact
    assert "7" in left


def test_a_program_that_another_controller_has_replaced_ends_it(switch: NotingSwitch) -> None:
    context = context_of(switch, GROWN)
    switch.program = BARE

    with pytest.raises(ProgramChanged, match="another controller has changed the program"):
        reconfigure(load_strategy("controller"), context)
    assert "save" not in switch.asked


def test_a_switch_that_takes_no_notes_is_read_a_second_time() -> None:
    switch = FakeSwitch(OLD, can=())
    switch.entities = [entry(1)]

    def write() -> None:
        switch.entities = [entry(1), entry(2)]

    change("controller", switch, GROWN, {("read_register", "begin"): write})
    assert [u.entity for u in switch.written] == [entry(1, program=GROWN), entry(2, program=GROWN)]
    assert switch.asked.count("read_entities") == 2
