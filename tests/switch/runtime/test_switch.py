"""The switch as a whole: swaps, safe points, snapshots, arrays, threads, closing."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from softswitch.dataplane.entries import Entry, Exact, MulticastGroup, Replica
from softswitch.dataplane.stats import Drop
from softswitch.dataplane.switch import Switch
from softswitch.errors import (
    BadEntry,
    BadIndex,
    Closed,
    EntryNotFound,
    InterfaceError,
    InterfaceNotFound,
    InUse,
    PipelineLoadError,
    PortInUse,
    PortNotFound,
)
from softswitch.model import CounterInfo, PipelineInfo, RegisterInfo
from tests.switch.handmade import Handmade, build
from tests.switch.runtime.bench import AGAIN, SCRIPTED, Prober, Scripted, script_frame, table

pytestmark = pytest.mark.usefixtures("io_threads")

FORWARDER = PipelineInfo("forwarder", registers=(RegisterInfo("seen", 0, 8, 64, False, 8),))
ARRAYS = PipelineInfo(
    "prober",
    registers=(
        RegisterInfo("bit", 0, 10, 1, False, 1),
        RegisterInfo("nine", 1, 10, 9, False, 2),
        RegisterInfo("signed", 2, 10, 24, True, 4),
        RegisterInfo("full", 3, 10, 64, False, 8),
        RegisterInfo("wide", 4, 10, 100, False, 16),
    ),
    counters=(CounterInfo("c", 0, 5, 2),),
)


@pytest.fixture
def switch() -> Iterator[Switch]:
    with Switch() as made:
        yield made


def test_no_pipeline_yet(switch: Switch) -> None:
    with pytest.raises(EntryNotFound, match="no pipeline"):
        switch.inject(1, b"x")
    assert switch.active is None


def test_a_swap_changes_the_program_and_keeps_the_old_state(switch: Switch) -> None:
    forwarder = switch.load(build("forwarder", FORWARDER))
    scripted = switch.load(build("scripted", SCRIPTED))
    assert switch.commit(forwarder) is None
    assert [port for port, _ in switch.inject(1, script_frame(port=7))] == [2]
    with pytest.raises(InUse):
        forwarder.close()
    assert switch.commit(scripted) is forwarder
    assert switch.active is scripted
    assert [port for port, _ in switch.inject(1, script_frame(port=7))] == [7]
    assert forwarder.registers["seen"].read_cell(1) == 1
    forwarder.close()
    with pytest.raises(Closed):
        forwarder.registers["seen"].read()
    assert switch.stats().swaps == 2


def test_two_instances_of_a_program_have_state_of_their_own(switch: Switch) -> None:
    one, two = (switch.load(build("forwarder", FORWARDER)) for _ in range(2))
    switch.commit(one)
    switch.inject(1, b"x" * 20)
    switch.commit(two)
    assert (one.registers["seen"].read_cell(1), two.registers["seen"].read_cell(1)) == (1, 0)
    one.reset_state()
    assert one.registers["seen"].read_cell(1) == 0


def test_pipelines_that_nobody_holds_are_freed(switch: Switch) -> None:
    compiled = build("forwarder", FORWARDER)
    for _ in range(50):
        switch.commit(switch.load(compiled))
        gc.collect()
        assert len(switch._handle._pipelines) <= 2


def test_sessions_and_groups_outlive_programs(switch: Switch) -> None:
    switch.commit(switch.load(build("scripted", SCRIPTED)))
    switch.set_multicast_group(3, [(4, 0), (5, 1)])
    switch.set_clone_session(1, [(9, 0)])
    switch.set_clone_session(1, [(8, 0)], truncate=50)
    switch.commit(switch.load(build("scripted", SCRIPTED)))
    assert switch.multicast_groups() == [MulticastGroup(3, (Replica(4, 0), Replica(5, 1)))]
    assert [(s.id, s.replicas, s.truncate) for s in switch.clone_sessions()] == [(1, ((8, 0, ()),), 50)]
    assert len(switch.inject(1, script_frame(ingress=4, group=3))) == 2
    switch.delete_clone_session(1)
    with pytest.raises(EntryNotFound):
        switch.delete_clone_session(1)
    with pytest.raises(EntryNotFound):
        switch.delete_multicast_group(77)


def test_wrong_shared_objects(switch: Switch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    good = build("forwarder", FORWARDER)
    with pytest.raises(PipelineLoadError):
        switch.load(Handmade(tmp_path / "none.so", FORWARDER))
    with pytest.raises(PipelineLoadError, match="description"):
        switch.load(replace(good, info=SCRIPTED))
    (tmp_path / "text.so").write_text("no ELF")
    with pytest.raises(PipelineLoadError):
        switch.load(Handmade(tmp_path / "text.so", FORWARDER))


def test_ports(switch: Switch) -> None:
    switch.add_memory_port(1)
    with pytest.raises(PortInUse):
        switch.add_memory_port(1)
    with pytest.raises(InterfaceError, match="drop port"):
        switch.add_memory_port(511)
    with pytest.raises(BadIndex):
        switch.add_memory_port(512)
    with pytest.raises(PortNotFound):
        switch.packet_out(2, b"x")
    with pytest.raises(PortNotFound):
        switch.remove_port(2)
    with pytest.raises((InterfaceNotFound, InterfaceError)):  # the latter without root
        switch.add_interface(3, "no-such-if")
    with pytest.raises((InterfaceNotFound, InterfaceError)):
        switch.add_interface(3, "no-such-if-here")
    with pytest.raises(InterfaceNotFound, match="at most 15 characters"):
        switch.add_interface(3, "a-name-longer-than-any")
    assert switch.ports() == [1]
    switch.remove_port(1)
    assert switch.stats().ports == {}


def test_arrays() -> None:
    probe = Prober(registers=ARRAYS.registers, counters=ARRAYS.counters)
    registers = probe.pipeline.registers
    assert [registers[r.name].read().dtype.str for r in ARRAYS.registers] == ["|u1", "<u2", "<u4", "<u8", "|u1"]
    assert registers["wide"].read().shape == (10, 16)
    nine = registers["nine"]
    nine.write(2, [1, 511])
    assert nine.read().tolist() == [0, 0, 1, 511, 0, 0, 0, 0, 0, 0]
    nine.write_cells([9, 0, 9], np.array([5, 6, 7]))
    assert (nine.read_cell(9), nine.read_cell(0)) == (7, 6)
    for bad in ([512], [-1], [0.5], [[1]]):
        with pytest.raises(BadEntry):
            nine.write(0, bad)  # type: ignore[arg-type]
    for start, count in ((10, 1), (-1, 1), (0, 11), (3, 8)):
        with pytest.raises(BadIndex):
            nine.read(start, count)
    with pytest.raises(BadIndex):
        nine.write(9, [1, 2])
    with pytest.raises(BadIndex):
        nine.write_cells([10], [1])
    with pytest.raises(BadEntry):
        nine.write_cells([1, 2], [1])
    assert nine.read(10, 0).size == 0
    signed = registers["signed"]
    signed.write(0, [-1, -(1 << 23), 5])
    assert signed.read(0, 3).tolist() == [(1 << 24) - 1, 1 << 23, 5]
    signed.write_cell(4, -2)
    assert signed.read_cell(4) == (1 << 24) - 2
    full = registers["full"]
    full.write(0, np.array([(1 << 64) - 1], dtype=np.uint64))
    assert full.read_cell(0) == (1 << 64) - 1
    wide = registers["wide"]
    wide.write_cell(3, (1 << 100) - 1)
    assert wide.read_cell(3) == (1 << 100) - 1
    for bad_value in (1 << 100, -1):
        with pytest.raises(BadEntry):
            wide.write_cell(3, bad_value)
    with pytest.raises(BadEntry):
        wide.write(0, np.full((1, 16), 255, dtype=np.uint8))
    wide.write(1, wide.read(3, 1))
    assert wide.read_cell(1) == (1 << 100) - 1
    probe.pipeline.counters["c"].write(1, [[3, 4], [5, 6]])
    snapshot = probe.pipeline.snapshot()
    assert snapshot.counters["c"].tolist() == [[0, 0], [3, 4], [5, 6], [0, 0], [0, 0]]
    for name, register in registers.items():
        assert np.array_equal(snapshot.registers[name], register.read())
    nine.reset()
    assert not nine.read().any()
    probe.pipeline.reset_state()
    assert not probe.pipeline.counters["c"].read().any()
    probe.close()


def test_state_moves_to_the_next_program(switch: Switch) -> None:
    old, new = (switch.load(build("scripted", SCRIPTED)) for _ in range(2))
    switch.set_time(1_000_000)
    old.meters["limit"].configure(1, cir=1, cburst=1, pir=1, pburst=3)
    switch.commit(old)
    for _ in range(2):
        switch.inject(1, script_frame())
    with switch.safe_point():
        for name, register in new.registers.items():
            register.take_over(old.registers[name])
        new.counters["packets"].take_over(old.counters["packets"])
        new.meters["limit"].take_over(old.meters["limit"])
        switch.commit(new)
    assert [len(switch.inject(1, script_frame())) for _ in range(2)] == [1, 0]  # the third of three tokens
    assert new.registers["ingress"].read_cell(0) == 4
    assert new.counters["packets"].read_cell(1).packets == 4
    assert not old.registers["ingress"].read().any()
    with pytest.raises(BadEntry, match="not declared as"):
        new.registers["ingress"].take_over(switch.load(build("forwarder", FORWARDER)).registers["seen"])


def test_a_safe_point_is_one_step(switch: Switch) -> None:
    info = table("t", 0, (8, "exact"))
    pipeline = switch.load(build("prober", PipelineInfo("prober", tables=(info,))))
    switch.commit(pipeline)
    done = threading.Event()

    def other() -> None:
        switch.inject(1, bytes(24))
        done.set()

    with switch.safe_point():
        thread = threading.Thread(target=other)
        thread.start()
        pipeline.tables["t"].insert(Entry((Exact(1),), "NoAction"))
        with switch.safe_point():
            pipeline.tables["t"].insert(Entry((Exact(2),), "NoAction"))
        assert not done.wait(0.05)
    assert done.wait(5)
    thread.join()
    stats = switch.stats()
    assert stats.longest_hold_ns >= 50_000_000
    switch.reset_stats()
    assert switch.stats().longest_hold_ns < stats.longest_hold_ns


def test_many_controllers_at_once() -> None:
    """Nothing is lost or torn while threads insert, read, swap and run packets."""
    with Switch() as switch:
        info = table("t", 0, (16, "exact"), size=1 << 16)
        program = build("prober", PipelineInfo("prober", tables=(info,), registers=(FORWARDER.registers[0],)))
        pipelines = [switch.load(program) for _ in range(2)]
        switch.commit(pipelines[0])
        switch.add_memory_port(1)
        switch.start()
        failures: list[BaseException] = []
        stop = threading.Event()

        def guarded(work) -> None:  # type: ignore[no-untyped-def]
            try:
                while not stop.is_set():
                    work()
            except BaseException as error:
                failures.append(error)

        def inserts(base: int):  # type: ignore[no-untyped-def]
            def work() -> None:
                entries = [Entry((Exact(base + i),), "set", (i,)) for i in range(50)]
                pipelines[0].tables["t"].insert_many(entries)
                pipelines[0].tables["t"].delete_many(entries)

            return work

        def swap() -> None:
            switch.commit(pipelines[1])
            switch.commit(pipelines[0])

        def arrays() -> None:
            cells = np.arange(8, dtype=np.uint64)
            pipelines[0].registers["seen"].write(0, cells)
            assert np.array_equal(pipelines[0].registers["seen"].read(), cells)

        jobs = [inserts(0), inserts(1000), swap, arrays, lambda: switch.submit(1, bytes(24)), switch.stats]
        threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        stop.set()
        for thread in threads:
            thread.join(20)
        assert failures == []
        assert len(pipelines[0].tables["t"]) == 0


def test_recirculation_without_end_holds_up_nobody(switch: Switch) -> None:
    """With the thread running, such a packet goes round in the background, even across a swap."""
    scripted = switch.load(build("scripted", SCRIPTED))
    switch.commit(scripted)
    switch.add_memory_port(2)
    switch.start()
    switch.submit(1, script_frame(egress=AGAIN, rounds=255))
    _wait(lambda: scripted.registers["ingress"].read_cell(4) > 500)
    switch.submit(1, script_frame(port=2))
    assert switch.take(2) is not None
    again = switch.load(build("scripted", SCRIPTED))
    switch.commit(again)
    scripted.close()
    _wait(lambda: again.registers["ingress"].read_cell(4) > 100)
    forwarder = switch.load(build("forwarder", FORWARDER))
    switch.commit(forwarder)
    # The frame entered the other program, whose unknown port 0 drops it.
    _wait(lambda: switch.stats().drops[Drop.INGRESS] == 1)


def test_the_thread_stops_and_starts_again(switch: Switch) -> None:
    switch.start()
    switch.start()
    with switch.safe_point(), pytest.raises(InUse, match="safe point"):
        switch.stop()
    switch.stop()
    switch.stop()
    switch.start()


def test_closing_ends_those_who_wait() -> None:
    bench = Scripted()
    bench.switch.start()
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(bench.switch.next_packet_in(timeout=None)))
    thread.start()
    time.sleep(0.02)
    bench.close()
    thread.join(5)
    assert got == [None]
    for call in (bench.switch.stats, bench.switch.start, bench.pipeline.snapshot, bench.switch.next_digest):
        with pytest.raises(Closed):
            call()
    bench.close()


def test_waiting_for_messages(switch: Switch) -> None:
    switch.commit(switch.load(build("scripted", SCRIPTED)))
    switch.set_clone_session(1, [(510, 0)])
    assert switch.next_packet_in(timeout=0.01) is None
    timer = threading.Timer(0.02, lambda: switch.inject(1, script_frame(ingress=1, session=1)))
    timer.start()
    assert switch.next_packet_in(timeout=5) is not None
    timer.join()


def test_bench_counts_what_comes_out(switch: Switch) -> None:
    switch.commit(switch.load(build("scripted", SCRIPTED)))
    nanoseconds, outputs = switch.bench(1, [script_frame(), script_frame(ingress=8)], 1000)
    assert nanoseconds > 0
    assert outputs == 500


def test_seeds_repeat() -> None:
    for seed in (-1, 0, 1 << 70):
        Switch(seed=seed).close()


def _wait(condition) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("numbers", [{"cpu_port": 512}, {"drop_port": 512}])
def test_numbers_of_ports_go_up_to_511(numbers: dict[str, int]) -> None:
    with pytest.raises(BadIndex, match="up to 511"):
        Switch(**numbers)


def test_port_0_can_be_the_drop_port() -> None:
    with Switch(drop_port=0) as switch:
        switch.commit(switch.load(build("scripted", SCRIPTED)))
        assert [port for port, _ in switch.inject(1, script_frame(port=7))] == [7]
        assert switch.inject(1, script_frame(port=0)) == []
        assert switch.stats().drops[Drop.INGRESS] == 1


def test_numbers_that_no_program_could_use_are_refused(switch: Switch) -> None:
    for replicas in ([(512, 0)], [Replica(1, 0, ((512, 0),))]):
        with pytest.raises(BadIndex, match="up to 511"):
            switch.set_clone_session(1, replicas)
        with pytest.raises(BadIndex, match="up to 511"):
            switch.set_multicast_group(1, replicas)
    with pytest.raises(BadIndex, match="up to 65535"):
        switch.set_multicast_group(1 << 16, [(1, 0)])
    switch.set_multicast_group((1 << 16) - 1, [(511, 0)])
    assert [group.id for group in switch.multicast_groups()] == [(1 << 16) - 1]
    assert switch.clone_sessions() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="opening an interface needs root")
def test_an_interface_is_one_port() -> None:
    with Switch() as switch:
        switch.add_interface(1, "lo")
        with pytest.raises(PortInUse, match="lo is port 1 already"):
            switch.add_interface(2, "lo")
        switch.remove_port(1)
        switch.add_interface(2, "lo")
