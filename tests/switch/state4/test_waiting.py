"""state4_exact on a switch that cannot hold packets: the new program lets them wait.

old program | swap | new program, packets wait | late updates are written | packets go on
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from state4.cli.main import main
from state4.clones.header import FIXED_BYTES, WAKE
from state4.instrumentation.running import layout_of
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.base import CPU_PORT
from state4.transfer.gate import Gate
from state4.transfer.gated_swap import ClonesLost
from tests.state4_programs import program, request
from tests.switch.state4.bench.target import BenchTarget, Schedule
from tests.switch.state4.generated import installed_program
from tests.switch.state4.test_rule import CASES, LIMIT_S, PROGRAMS, STEPS, Case, counts, lossy, schedules, seeds

_CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
slow = settings(max_examples=max(1, CASES // 2), deadline=None, suppress_health_check=_CHECKS)
brief = settings(max_examples=max(1, CASES // 5), deadline=None, suppress_health_check=_CHECKS)


def waiting(seed: int, schedule: Schedule, count: int, rounds: int = 1 << 20) -> Case:
    return Case("state4_exact", seed, schedule, count, can_hold=False, rounds=rounds, counts=True)


@slow
@given(seeds, schedules, counts)
@pytest.mark.timeout(LIMIT_S)
def test_the_rule_holds_without_hold(seed: int, schedule: Schedule, count: int) -> None:
    case = waiting(seed, schedule, count)
    assert case.outcome.inexact == ()
    assert case.state == case.truth.state
    assert case.counts == case.truth.counts
    assert case.out == case.truth.out


@slow
@example(0, Schedule([0] * 13 + [3] * 4 + [0] * 23, lost=frozenset({11})), 12)  # the last clone: no gap shows its loss
@given(seeds, lossy, counts)
@pytest.mark.timeout(LIMIT_S)
def test_lost_clones_are_reread_or_reported(seed: int, schedule: Schedule, count: int) -> None:
    """While the old program can be read, lost clones cost another read; later they make the result inexact."""
    try:
        case = waiting(seed, schedule, count)
    except ClonesLost:
        return
    if not case.outcome.inexact:
        assert case.state == case.truth.state
        assert case.counts == case.truth.counts
        assert case.out == case.truth.out


@brief
@given(seeds, schedules, counts, st.integers(1, 5000))
@pytest.mark.timeout(LIMIT_S)
def test_a_wait_that_ends_too_early_is_reported(seed: int, schedule: Schedule, count: int, rounds: int) -> None:
    case = waiting(seed, schedule, count, rounds)
    if case.differing() or case.counts != case.truth.counts or case.out != case.truth.out:
        assert case.outcome.inexact
    assert len(case.out) == count  # no packet is lost


def test_the_window_is_real() -> None:
    """With packets just before and after the swap there are late updates, and they do not change the result."""
    busy = Schedule([20] + [1] * STEPS, delay=3)
    found = [waiting(seed, busy, 60) for seed in range(PROGRAMS)]
    assert sum(case.outcome.late for case in found) > 10
    assert all(case.outcome.late == case.outcome.merged for case in found)
    assert not any(case.differing() or case.outcome.inexact for case in found)


def test_nothing_is_changed_where_no_clone_arrives() -> None:
    refused = 0
    for seed in range(PROGRAMS):
        try:
            case = waiting(seed, Schedule([5] * STEPS, dead=True), 300)
        except ClonesLost as error:
            assert "nothing was done" in str(error)
            refused += 1
        else:
            assert not case.differing()  # nothing was written while clones were needed
    assert refused > PROGRAMS // 2


# ---------------------------------------------------------------- a packet that waited


_PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
SEES = f"""
control MyIngress({_PARAMS}) {{
    register<bit<9>>(1) port;
    register<bit<48>>(1) time;
    register<bit<32>>(1) type;
    register<bit<32>>(1) size;
    apply {{
        port.write(0, standard_metadata.ingress_port);
        time.write(0, standard_metadata.ingress_global_timestamp);
        type.write(0, standard_metadata.instance_type);
        size.write(0, standard_metadata.packet_length);
        standard_metadata.egress_spec = 2;
    }}
}}
"""


def closed(text: str, most: int) -> BenchTarget:
    """A switch with an instrumented program in which packets wait, for up to so many passes."""
    installed = installed_program("closed", text)
    target = BenchTarget([], Schedule(), can_hold=False)
    target.max_wait_passes = most
    target.install(installed)
    target.configure_clone_session(installed.layout.session, CPU_PORT)
    Gate(target, installed.p4info, installed.layout).close()
    return target


def test_a_packet_that_waited_goes_on_as_it_came() -> None:
    target = closed(program(SEES), 7)
    frame = request(payload=b"payload")
    target.switch.set_time(123456)
    assert target.receive(3, frame) == [(2, frame)]
    assert not target.waits()
    assert target.state() == {
        "MyIngress.port": [3],
        "MyIngress.time": [123456],
        "MyIngress.type": [0],
        "MyIngress.size": [len(frame)],
    }
    target.close()


def test_a_program_says_once_that_it_runs() -> None:
    target = closed(program(SEES), 7)
    layout = layout_of(target.running())
    out = target.switch.inject(3, request())
    assert [frame[4:] for port, frame in out if port == CPU_PORT] == [layout.marker]
    target.close()


def test_a_frame_that_wakes_is_answered_and_dropped() -> None:
    target = closed(program(SEES), 7)
    layout = layout_of(target.running())
    ((port, frame),) = target.switch.inject(CPU_PORT, WAKE)
    assert (port, frame[4:], len(frame)) == (CPU_PORT, layout.marker, FIXED_BYTES)
    assert target.waits()
    target.set_clone_flag(layout, False)
    assert target.switch.inject(CPU_PORT, WAKE) == []  # one that came late
    assert target.state()["MyIngress.size"] == [0]
    assert target.receive(1, WAKE) != []  # a packet like any other
    assert target.state()["MyIngress.size"] == [len(WAKE)]
    target.close()


# ---------------------------------------------------------------- a program that cannot let packets wait

MERGES = f"""
control MyIngress({_PARAMS}) {{
    register<bit<8>>(4) sums;
    register<bit<8>>(4) last;
    register<bit<8>>(4) doubled;
    apply {{
        bit<32> cell = (bit<32>)hdr.request.cell;
        bit<8> value;
        if (hdr.request.op == 1) {{
            sums.read(value, cell);
            sums.write(cell, value + (bit<8>)hdr.request.amount);
        }} else if (hdr.request.op == 2) {{
            last.write(cell, (bit<8>)hdr.request.amount);
        }} else {{
            doubled.read(value, cell);
            doubled.write(cell, value * 2 + 1);
        }}
        standard_metadata.egress_spec = 2;
    }}
}}
"""
LOOKS = program(MERGES).replace(
    "packet.extract(hdr.request);", "packet.extract(hdr.request); meta.noise = (bit<8>)std.ingress_port;"
)


def late(before_swap: list[bytes], after_swap: list[bytes]) -> tuple[Outcome, dict[str, list[int]]]:
    """Packets after RSSM's last take, and packets that run in the new program before late updates are merged."""
    old, new = (installed_program(f"looks{i}", LOOKS.replace("(4) last", f"({4 + i}) last")) for i in (0, 1))
    assert not new.layout.waits
    target = BenchTarget([], Schedule(), can_hold=False)

    def arrive(name: str) -> None:
        frames = before_swap if name == "commit" else after_swap if name == "wait for program" else []
        while frames:
            target.receive(1, frames.pop(0))

    target.install(old)
    target.on_step = arrive
    outcome = reconfigure(load_strategy("state4_exact"), prepare(target, new))
    state = target.state()
    target.close()
    return outcome, state


def test_late_updates_are_merged_by_what_cam_says() -> None:
    """op 1 adds, op 2 assigns, op 3 does neither."""
    old = [request(1, 0, 5), request(1, 1, 7), request(2, 0, 11), request(2, 1, 12), request(3, 0)]
    new = [request(1, 0, 250), request(2, 1, 22), request(3, 0)]
    outcome, state = late(old, new)
    assert state["MyIngress.sums"][:2] == [(5 + 250) % 256, 7]
    assert state["MyIngress.last"][:2] == [11, 22]  # of assignments the last one wins
    assert state["MyIngress.doubled"][0] == 1  # should be 3
    assert (outcome.late, outcome.merged, outcome.conflicts) == (5, 3, 2)
    assert outcome.inexact


def test_without_late_updates_the_result_is_exact_in_any_case() -> None:
    outcome, state = late([], [request(2, 1, 22)])
    assert (outcome.late, outcome.inexact) == (0, ())
    assert state["MyIngress.last"][1] == 22


# ---------------------------------------------------------------- counters


def test_counters_that_never_rest_are_read_while_packets_wait() -> None:
    """Packets at every step: some cell always changes while it is read, until packets wait in the old program."""
    waited = 0
    for seed in range(PROGRAMS):
        case = waiting(seed, Schedule([3] * 100), 300)
        assert case.outcome.inexact == ()
        assert case.counts == case.truth.counts
        assert case.out == case.truth.out
        names = case.target.names
        waited += "write state4_flag" in names[: names.index("save")]
    assert waited


def test_a_switch_that_holds_does_not_mind_clones_of_counts() -> None:
    for seed in range(PROGRAMS):
        case = Case("state4_exact", seed, Schedule([20] + [1] * STEPS, delay=2), 60, counts=True)
        assert case.state == case.truth.state
        assert case.counts == case.truth.counts


def test_counts_that_are_not_cloned_are_reported() -> None:
    found = [Case("state4_exact", seed, Schedule([5]), 10, can_hold=False) for seed in range(PROGRAMS)]
    with_counters = [case for case in found if case.old.p4info.counters and case.old.layout.slots]
    assert with_counters
    assert all("does not clone its counts" in case.outcome.inexact[0] for case in with_counters)


COUNTS = f"""
control MyEgress({_PARAMS}) {{
    counter(8, CounterType.packets_and_bytes) left;
    register<bit<4>>(4) sums;
    apply {{
        bit<4> value;
        left.count((bit<32>)hdr.request.cell);
        sums.read(value, 1);
        sums.write(1, value + 1);
    }}
}}
"""


def test_clones_of_counts_carry_the_packets_length() -> None:
    text = program(f"control MyIngress({_PARAMS}) {{ apply {{ standard_metadata.egress_spec = 2; }} }}", egress=COUNTS)
    installed = installed_program("counted", text, counts=True)
    layout = installed.layout
    assert layout_of(installed.p4info) == layout  # by the annotations
    assert [c.name for c in layout.counters] == ["MyEgress.left"]
    assert layout.adds == {"MyEgress.sums"}
    target = BenchTarget([], Schedule())
    target.install(installed)
    target.configure_clone_session(layout.session, CPU_PORT)
    target.set_clone_flag(layout, True)
    frame = request(cell=3, payload=bytes(9))
    (clone,) = (f for port, f in target.switch.inject(1, frame) if port == CPU_PORT)
    updates = layout.decode(np.frombuffer(clone, np.uint8).reshape(1, -1)).updates
    values = [int.from_bytes(row.tobytes(), "little") for row in updates.value]
    assert [*zip(updates.component.tolist(), updates.index.tolist(), values, strict=True)] == [
        (layout.number("MyEgress.left"), 3, len(frame)),
        (layout.number("MyEgress.sums"), 1, 1),
    ]
    target.close()
    plain = installed_program("counted", text).layout
    assert (plain.slots, plain.counters, layout.slots) == (1, (), 2)


def test_the_command_line_clones_counts(tmp_path: Path) -> None:
    source, made = tmp_path / "counted.p4", tmp_path / "out.p4"
    text = program(f"control MyIngress({_PARAMS}) {{ apply {{ standard_metadata.egress_spec = 2; }} }}", egress=COUNTS)
    source.write_text(text)
    assert main(["instrument", str(source), "-o", str(made)]) == 0
    assert "@state4_counters" not in made.read_text()
    assert main(["instrument", str(source), "-o", str(made), "--clone-counts"]) == 0
    assert '@state4_counters["MyEgress.left"]' in made.read_text()
