"""Messages in transit between a program and its controllers when another program is committed."""

from __future__ import annotations

import pytest
from finsy.proto import p4r

from softswitch.build.program import compile_program
from softswitch.errors import EntryNotFound
from tests.switch.controller import EVERYTHING, Config, Controller, Running, frame

COMMITS = (Config.COMMIT, Config.VERIFY_AND_COMMIT, Config.RECONCILE_AND_COMMIT)


def change(c: Controller, action: int) -> None:
    program, source = compile_program(EVERYTHING), EVERYTHING.read_bytes()
    if action == Config.COMMIT:
        c.set_config(Config.VERIFY_AND_SAVE, program, source)
        c.set_config(Config.COMMIT)
    else:
        c.set_config(action, program, source)


@pytest.mark.parametrize("action", COMMITS)
def test_what_a_program_has_learnt_is_reported_before_it_goes(running: Running, c: Controller, action: int) -> None:
    config = p4r.DigestEntry.Config(max_list_size=100, max_timeout_ns=10**13, ack_timeout_ns=10**13)
    c.insert(digest_entry=p4r.DigestEntry(digest_id=c.id("learned_t"), config=config))
    running.switch.submit(2, frame(0xD1D1, src=7))
    change(c, action)  # the message may still be in the switch's queue then
    assert [len(c.next("digest").data)] == [1]


def test_lists_of_both_programs_have_different_numbers(running: Running, c: Controller) -> None:
    config = p4r.DigestEntry.Config(max_list_size=1)
    c.insert(digest_entry=p4r.DigestEntry(digest_id=c.id("learned_t"), config=config))
    numbers = []
    for source in (1, 2):
        running.switch.submit(2, frame(0xD1D1, src=source))
        numbers.append(c.next("digest").list_id)
        change(c, Config.RECONCILE_AND_COMMIT)
    assert numbers == [1, 2]


def test_a_packet_for_a_program_that_has_gone_does_not_enter_the_next(running: Running, c: Controller) -> None:
    """Its header is that of the other program; the server builds it again."""
    active = running.switch.active
    assert active is not None
    serial = active.handle.serial
    running.switch.submit(2, frame(0xD1D1), serial)
    change(c, Config.COMMIT)
    with pytest.raises(EntryNotFound, match="another pipeline"):
        running.switch.submit(2, frame(0xD1D1), serial)


def test_a_packet_in_is_understood_as_the_program_meant_that_sent_it(running: Running, c: Controller) -> None:
    active = running.device.active
    assert active is not None
    serial = active.pipeline.handle.serial
    change(c, Config.COMMIT)
    sender = running.device.sender(serial)
    assert sender is not None
    assert sender.packet_in is active.packet_in
    newer = running.device.active
    assert newer is not None
    assert newer is not active
    now = running.device.sender(newer.pipeline.handle.serial)
    assert now is not None
    assert now.packet_in is newer.packet_in
