"""Queues between ingress and egress, with a clock that the test sets."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.build.program import CompiledPipeline, compile_program
from softswitch.dataplane.handover import Handover
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.stats import Drop
from softswitch.dataplane.switch import Switch
from softswitch.errors import BadEntry, BadIndex
from tests.state4_programs import program, request

_INGRESS = """
control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = (bit<9>)hdr.request.cell;
        standard_metadata.priority = (bit<3>)hdr.request.amount;
        if (hdr.request.op == 1) { standard_metadata.mcast_grp = 7; }
        if (hdr.request.op == 2) { clone(CloneType.I2E, 9); }
        if (hdr.request.op == 4) { truncate(10); }
        hdr.request.op = hdr.request.op + 0x10;
    }
}
"""
_EGRESS = """
control MyEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    register<bit<32>>(4) passed;
    apply {
        bit<32> before;
        passed.read(before, 0);
        passed.write(0, before + 1);
        if (hdr.request.op == 0x13 && standard_metadata.instance_type == 0) { clone(CloneType.E2E, 9); }
        hdr.request.amount = (bit<8>)standard_metadata.enq_qdepth ++ (bit<8>)standard_metadata.deq_qdepth;
        hdr.request.value = standard_metadata.enq_timestamp ++ (bit<32>)standard_metadata.deq_timedelta;
    }
}
"""
START_US = 1_000_000


Seen = tuple[int, int, int, int, int]
"""Port, and what egress wrote into the packet: enq_qdepth, deq_qdepth, enq_timestamp, deq_timedelta."""


def seen(sent: list[tuple[int, bytes]]) -> list[Seen]:
    return [(port, f[2], f[3], int.from_bytes(f[4:8], "big"), int.from_bytes(f[8:12], "big")) for port, f in sent]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledPipeline:
    path: Path = tmp_path_factory.mktemp("queues") / "queues.p4"
    path.write_text(program(_INGRESS, egress=_EGRESS))
    return compile_program(path)


@pytest.fixture
def switch(compiled: CompiledPipeline) -> Iterator[Switch]:
    with Switch() as made:
        for port in range(1, 5):
            made.add_memory_port(port)
        made.commit(made.load(compiled))
        made.set_time(START_US)
        yield made


def passed(pipeline: Pipeline | None) -> int:
    assert pipeline is not None
    return pipeline.registers["MyEgress.passed"].read_cell(0)


def to(port: int, priority: int = 0, op: int = 0) -> bytes:
    return request(op=op, cell=port, amount=priority)


def test_without_queues_nothing_waits(switch: Switch) -> None:
    for _ in range(3):
        assert seen(switch.inject(1, to(2))) == [(2, 0, 0, START_US, 0)]
    assert switch.run_queues() == []


def test_packets_of_a_slow_queue_leave_one_after_the_other(switch: Switch) -> None:
    switch.set_queue_rate(1000)
    assert seen(switch.inject(1, to(2))) == [(2, 0, 0, START_US, 0)]
    assert [switch.inject(1, to(2)) for _ in range(3)] == [[], [], []]
    assert switch.run_queues() == []
    switch.set_time(START_US + 999)
    assert switch.run_queues() == []
    switch.set_time(START_US + 1000)
    assert seen(switch.run_queues()) == [(2, 0, 2, START_US, 1000)]
    switch.set_time(START_US + 5000)
    assert seen(switch.run_queues()) == [(2, 1, 1, START_US, 5000), (2, 2, 0, START_US, 5000)]
    assert seen(switch.inject(1, to(2))) == [(2, 0, 0, START_US + 5000, 0)]


def test_what_ingress_did_is_kept_while_a_packet_waits(switch: Switch) -> None:
    switch.set_queue_rate(1)
    switch.inject(1, to(2))
    assert switch.inject(1, to(2, op=4)) == []
    switch.set_time(START_US + 1_000_000)
    ((port, frame),) = switch.run_queues()
    assert (port, len(frame), frame[0]) == (2, 10, 0x14)


def test_each_port_and_priority_has_a_queue_of_its_own(switch: Switch) -> None:
    switch.set_queue_rate(10, port=2)
    switch.set_queue_rate(100, port=3, priority=1)
    for _ in range(2):
        assert len(switch.inject(1, to(4))) == 1
        assert len(switch.inject(1, to(3))) == 1
    assert [len(switch.inject(1, to(2, priority))) for priority in (0, 0, 1, 1)] == [1, 0, 1, 0]
    assert [len(switch.inject(1, to(3, priority))) for priority in (1, 1, 0)] == [1, 0, 1]
    switch.set_time(START_US + 10_000)
    assert [one[0] for one in seen(switch.run_queues())] == [3]
    switch.set_time(START_US + 100_000)
    assert len(switch.run_queues()) == 2


def test_the_highest_priority_leaves_first(switch: Switch) -> None:
    switch.set_queue_rate(1000, port=2)
    for priority in (0, 3, 7, 5):
        switch.inject(1, to(2, priority))
    for priority in (0, 3, 7, 5):
        assert switch.inject(1, to(2, priority, op=priority << 5)) == []
    switch.set_time(START_US + 2000)
    assert [frame[0] >> 5 for _, frame in switch.run_queues()] == [7, 5, 3, 0]


def test_packets_of_priorities_without_a_queue_are_dropped_and_counted(switch: Switch) -> None:
    switch.set_priority_queues(3)
    assert [len(switch.inject(1, to(2, priority))) for priority in range(8)] == [1, 1, 1, 0, 0, 0, 0, 0]
    assert switch.stats().drops[Drop.EGRESS_QUEUE] == 5
    with pytest.raises(BadIndex, match="there is no queue of port 2 and priority 3"):
        switch.set_queue_rate(5, port=2, priority=3)
    switch.set_priority_queues(8)
    assert len(switch.inject(1, to(2, 7))) == 1
    for wrong in (0, 9, -1, 1 << 40):
        with pytest.raises(BadEntry, match="from 1 to 8 queues"):
            switch.set_priority_queues(wrong)


def test_what_waits_leaves_although_its_priority_has_no_queue_any_more(switch: Switch) -> None:
    switch.set_queue_rate(1000, port=2)
    switch.inject(1, to(2, 5))
    assert switch.inject(1, to(2, 5)) == []
    switch.set_priority_queues(1)
    switch.set_time(START_US + 1000)
    assert len(switch.run_queues()) == 1


def test_a_full_queue_drops_and_counts(switch: Switch) -> None:
    switch.set_queue_rate(1, port=2)
    switch.set_queue_depth(3, port=2)
    for _ in range(6):
        switch.inject(1, to(2))
    assert switch.stats().drops[Drop.EGRESS_QUEUE] == 2
    switch.set_time(START_US + 10_000_000)
    assert [one[1] for one in seen(switch.run_queues())] == [0, 1, 2]
    switch.set_queue_depth(0, port=2)
    assert switch.inject(1, to(2)) == []
    assert switch.stats().drops[Drop.EGRESS_QUEUE] == 3


def test_sixty_four_wait_by_default(switch: Switch) -> None:
    switch.set_queue_rate(1)
    for _ in range(100):
        switch.inject(1, to(2))
    assert switch.stats().drops[Drop.EGRESS_QUEUE] == 100 - 65


def test_a_limit_that_is_taken_away_lets_packets_pass_in_their_order(switch: Switch) -> None:
    switch.set_queue_rate(1)
    switch.inject(1, to(2))
    switch.inject(1, to(2, op=0x40))
    switch.set_queue_rate(0)
    assert switch.inject(1, to(2, op=0x60)) == []  # behind the one that waits
    switch.set_time(START_US + 1_000_000)
    assert [frame[0] for _, frame in switch.run_queues()] == [0x50, 0x70]


def test_replicas_and_clones_wait_at_their_own_ports(switch: Switch) -> None:
    switch.set_multicast_group(7, [(2, 0), (3, 1), (2, 2)])
    switch.set_clone_session(9, [(4, 0)])
    switch.set_queue_rate(100)
    assert [one[0] for one in seen(switch.inject(1, to(1, op=1)))] == [2, 3]
    assert [one[0] for one in seen(switch.inject(1, to(1, op=2)))] == [4, 1]
    assert switch.inject(1, to(1, op=3)) == []  # its egress, where it is cloned, comes later
    switch.set_time(START_US + 10_000)
    assert sorted(one[0] for one in seen(switch.run_queues())) == [1, 2, 4]


def test_wrong_queues_are_refused(switch: Switch) -> None:
    for wrong in ({"port": 512}, {"port": -1}, {"priority": 8}, {"port": 1, "priority": -1}):
        for setting in (switch.set_queue_rate, switch.set_queue_depth):
            with pytest.raises(BadIndex, match="there is no queue"):
                setting(5, **wrong)
    with pytest.raises(BadEntry, match="at most 1000000000"):
        switch.set_queue_rate(10**9 + 1)


def test_the_program_before_a_swap_ends_what_waits(switch: Switch, compiled: CompiledPipeline) -> None:
    """Egress writes to the state of the program that ran ingress for the packet."""
    switch.set_queue_rate(1)
    for _ in range(4):
        switch.inject(1, to(2))
    assert passed(switch.active) == 1
    new = switch.load(compiled)
    old = switch.commit(new)
    assert (passed(old), passed(new)) == (4, 0)
    assert sum(switch.take(2) is not None for _ in range(5)) == 3  # the first went to the caller of inject


def test_a_hand_over_takes_the_writes_of_what_waited(switch: Switch, compiled: CompiledPipeline) -> None:
    switch.set_queue_rate(1)
    for _ in range(4):
        switch.inject(1, to(2))
    new, old = switch.load(compiled), switch.active
    assert old is not None
    name = "MyEgress.passed"
    done = switch.hand_over(new, Handover(registers=[(new.registers[name], old.registers[name])]))
    assert done.complete and passed(new) == 4


def test_nothing_waits_into_a_hold(switch: Switch) -> None:
    """A client that holds packets reads a state that nothing changes."""
    switch.set_queue_rate(1)
    for _ in range(4):
        switch.inject(1, to(2))
    with switch.hold():
        assert passed(switch.active) == 4


@pytest.mark.usefixtures("io_threads")
def test_the_data_plane_sends_them_by_itself(switch: Switch) -> None:
    switch.set_queue_rate(1000, port=2)
    switch.start()
    for _ in range(3):
        switch.submit(1, to(2))
    first = switch.take(2)
    assert first is not None and switch.take(2) is None
    switch.set_time(START_US + 2000)
    waiting, deadline = 2, time.monotonic() + 20
    while waiting and time.monotonic() < deadline:
        waiting -= switch.take(2) is not None
        time.sleep(0.001)
    assert not waiting


@dataclass
class Model:
    """One queue as simple_switch describes it."""

    rate: int
    depth: int
    last_us: int | None = None
    waiting: deque[int] = field(default_factory=deque)

    def arrives(self, now_us: int) -> bool | None:
        """True: it leaves at once; None: it is dropped."""
        if len(self.waiting) >= self.depth:
            return None
        delay = 1_000_000 // self.rate
        leaves = now_us if self.last_us is None else max(now_us, self.last_us + delay)
        self.last_us = leaves
        if leaves > now_us or self.waiting:
            self.waiting.append(leaves)
            return False
        return True

    def leave(self, now_us: int) -> int:
        count = 0
        while self.waiting and self.waiting[0] <= now_us:
            self.waiting.popleft()
            count += 1
        return count


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1, 10, 1000, 100_000]),
    st.integers(0, 5),
    st.lists(st.one_of(st.just(0), st.integers(1, 300_000)), max_size=40),
)
def test_a_queue_is_as_its_description(compiled: CompiledPipeline, rate: int, depth: int, steps: list[int]) -> None:
    """Steps: 0 is a packet, another number the microseconds until the next step."""
    model, now = Model(rate, depth), START_US
    with Switch() as switch:
        switch.commit(switch.load(compiled))
        switch.set_time(now)
        switch.set_queue_rate(rate, port=2, priority=3)
        switch.set_queue_depth(depth, port=2, priority=3)
        dropped = 0
        for step in steps:
            if step:
                now += step
                switch.set_time(now)
                assert len(switch.run_queues()) == model.leave(now)
                continue
            sent = switch.inject(1, to(2, priority=3))
            at_once = model.arrives(now)
            dropped += at_once is None
            assert len(sent) == int(at_once is True)
        assert switch.stats().drops[Drop.EGRESS_QUEUE] == dropped
