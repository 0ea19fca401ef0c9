"""Entries that the program marks `const` individually (sections 9.1.4 and 9.1.5), and const tables."""

from __future__ import annotations

import pytest
from finsy.proto import p4r

from softswitch.build.program import compile_program
from softswitch.errors import ConstantTable
from tests.switch.controller import PROGRAMS, Config, Controller, Running, exact, status

PROGRAM = PROGRAMS / "named.p4"


def kinds(c: Controller) -> dict[int, bool]:
    """`is_const` of each entry."""
    return {e.match[0].exact.value[0]: e.is_const for e in c.read(table_entry=c.entry("kinds"))}


def reconcile(text: str) -> p4r.SetForwardingPipelineConfigRequest:
    request = Config(device_id=1, action=Config.RECONCILE_AND_COMMIT, election_id={"low": 1})
    request.config.p4_device_config = text.encode()
    return request


def test_which_entries_are_const_is_read(c: Controller) -> None:
    c.insert(table_entry=c.entry("kinds", exact(1, 9), action=c.action("NoAction")))
    assert kinds(c) == {1: True, 2: False, 9: False}


def test_a_const_entry_is_protected(running: Running, c: Controller) -> None:
    fixed = c.entry("kinds", exact(1, 1), action=c.action("marked", port=4))
    assert status(lambda: c.delete(table_entry=fixed)) == "PERMISSION_DENIED"
    assert status(lambda: c.modify(table_entry=fixed)) == "PERMISSION_DENIED"
    assert status(lambda: c.modify(table_entry=c.entry("kinds", exact(1, 1), metadata=b"x"))) == "PERMISSION_DENIED"
    assert status(lambda: c.insert(table_entry=fixed)) == "ALREADY_EXISTS"
    assert [port for port, _ in running.switch.inject(1, bytes([0, 1]))] == [3]
    active = running.switch.active
    assert active is not None
    table = active.tables["MyIngress.kinds"]
    with pytest.raises(ConstantTable, match=r"this entry of table .* is const"):
        table.delete(table.entries()[0])


def test_its_counter_and_meter_can_be_written(c: Controller) -> None:
    more = {"counter_data": {"packet_count": 7}, "meter_config": {"cir": 1, "cburst": 1, "pir": 2, "pburst": 2}}
    c.modify(table_entry=c.entry("kinds", exact(1, 1), **more))
    asked = c.entry("kinds", exact(1, 1), counter_data={}, meter_config={})
    (read,) = c.read(table_entry=asked)
    assert (read.counter_data.packet_count, read.meter_config.pir, read.is_const) == (7, 2, True)


def test_the_others_are_like_any_entry(running: Running, c: Controller) -> None:
    c.modify(table_entry=c.entry("kinds", exact(1, 2), action=c.action("marked", port=2)))
    assert [port for port, _ in running.switch.inject(1, bytes([0, 2]))] == [2]
    c.delete(table_entry=c.entry("kinds", exact(1, 2)))
    assert kinds(c) == {1: True}


def test_a_const_table_takes_resources_only(c: Controller) -> None:
    with Running() as everything, everything.controller() as other:
        entry = other.entry("fixed", exact(1, 0xF1))
        assert status(lambda: other.modify(table_entry=entry)) == "OK"  # nothing to change
        entry.metadata = b"mine"
        assert status(lambda: other.modify(table_entry=entry)) == "PERMISSION_DENIED"
        assert all(e.is_const for e in other.read(table_entry=other.entry("fixed")))


def test_reconcile_takes_the_new_program_s_const_entries(running: Running, c: Controller) -> None:
    c.delete(table_entry=c.entry("kinds", exact(1, 2)))
    c.insert(table_entry=c.entry("kinds", exact(1, 9), action=c.action("marked", port=2)))
    text = PROGRAM.read_text()
    c.stub.SetForwardingPipelineConfig(reconcile(text.replace("const 8w1: marked(3)", "const 8w1: marked(4)")))
    assert kinds(c) == {1: True, 9: False}
    assert [port for port, _ in running.switch.inject(1, bytes([0, 1]))] == [4]
    with pytest.raises(Exception, match=r"1 entries of table .*, in whose place const ones are now"):
        c.stub.SetForwardingPipelineConfig(reconcile(text.replace("8w2: marked(4)", "const 8w9: marked(4)")))
    c.set_config(Config.VERIFY_AND_COMMIT, compile_program(PROGRAM), PROGRAM.read_bytes())
    assert kinds(c) == {1: True, 2: False}
