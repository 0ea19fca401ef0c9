"""What a control process makes of groups and sessions that an earlier trial left on the switch."""

from __future__ import annotations

from finsy.proto import p4r
from hypothesis import given
from hypothesis import strategies as st

from experiments.control.replication import MadeReplication


def session(number: int, port: int) -> p4r.Update:
    update = p4r.Update(type=p4r.Update.INSERT)
    entry = update.entity.packet_replication_engine_entry.clone_session_entry
    entry.session_id = number
    entry.replicas.add(instance=1, port=bytes([port]))
    return update


def group(number: int, port: int) -> p4r.Update:
    update = p4r.Update(type=p4r.Update.INSERT)
    entry = update.entity.packet_replication_engine_entry.multicast_group_entry
    entry.multicast_group_id = number
    entry.replicas.add(instance=1, port=bytes([port]))
    return update


def table_entry() -> p4r.Update:
    return p4r.Update(type=p4r.Update.INSERT, entity=p4r.Entity(table_entry=p4r.TableEntry(table_id=1)))


def kinds(updates: list[p4r.Update]) -> list[str]:
    return [p4r.Update.Type.Name(update.type) for update in updates]


def test_a_session_that_is_there_is_not_made_again() -> None:
    made = MadeReplication()
    made.note(made.updates([session(77, 1), table_entry()], replace=True))
    again = made.updates([session(77, 1), table_entry()], replace=True)
    assert again == [table_entry()]


def test_one_that_differs_is_modified_and_one_that_is_not_wanted_goes() -> None:
    made = MadeReplication()
    made.note(made.updates([session(77, 1), group(1, 2)], replace=True))
    assert kinds(made.updates([session(77, 2)], replace=True)) == ["DELETE", "MODIFY"]
    assert kinds(made.updates([session(77, 2)], replace=False)) == ["MODIFY"]


def test_groups_that_are_left_out_are_not_written() -> None:
    made = MadeReplication()
    assert made.updates([group(1, 2), session(1, 2)], left_out_groups=[1], replace=True) == [session(1, 2)]


Wanted = dict[tuple[bool, int], int]


@given(st.lists(st.dictionaries(st.tuples(st.booleans(), st.integers(1, 4)), st.integers(1, 3)), max_size=6))
def test_a_switch_has_in_the_end_just_what_the_last_trial_wanted(trials: list[Wanted]) -> None:
    made, on_switch = MadeReplication(), {}
    for wanted in trials:
        asked = [(group if is_group else session)(number, port) for (is_group, number), port in wanted.items()]
        written = made.updates(asked, replace=True)
        for update in written:
            entry = update.entity.packet_replication_engine_entry
            is_group = entry.HasField("multicast_group_entry")
            one = entry.multicast_group_entry if is_group else entry.clone_session_entry
            key = is_group, one.multicast_group_id if is_group else one.session_id  # type: ignore[union-attr]
            assert (key in on_switch) == (update.type != p4r.Update.INSERT)  # as the switch demands it
            if update.type == p4r.Update.DELETE:
                del on_switch[key]
            else:
                on_switch[key] = one.replicas[0].port[0]
        made.note(written)
        assert on_switch == wanted
