"""What the runtime does between ingress and egress, in v1model's order, as in simple_switch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from softswitch.dataplane.entries import DigestMessage, MeterConfig
from softswitch.dataplane.stats import Drop
from tests.switch.runtime.bench import (
    ABORT,
    AGAIN,
    ALWAYS,
    CLONE,
    DIGEST,
    DROP,
    MULTICAST,
    NO_FIELDS,
    TRUNCATE,
    Scripted,
    script_frame,
    seen,
)

NORMAL, INGRESS_CLONE, EGRESS_CLONE, RECIRCULATED, REPLICATED, RESUBMITTED = 0, 1, 2, 4, 5, 6


@pytest.fixture
def bench() -> Iterator[Scripted]:
    bench = Scripted()
    yield bench
    bench.close()


def test_unicast(bench: Scripted) -> None:
    (out,) = bench.send(port=7, size=60)
    assert (out.port, out.egress_port, out.instance_type, out.packet_length, out.ingress_port) == (7, 7, NORMAL, 60, 1)
    assert out.frame[16:] == bytes(range(16, 60))


def test_short_and_empty_frames(bench: Scripted) -> None:
    assert bench.switch.inject(1, b"\x05") == [(5, b"\x05")]
    assert bench.switch.inject(1, b"") == [(0, b"")]


def test_drops(bench: Scripted) -> None:
    assert bench.send(ingress=DROP) == []
    assert bench.send(egress=DROP) == []
    assert bench.send(ingress=ABORT) == []
    assert bench.send(egress=ABORT) == []
    drops = bench.switch.stats().drops
    assert (drops[Drop.INGRESS], drops[Drop.EGRESS], drops[Drop.ABORTED]) == (1, 1, 2)


def test_clone_of_ingress_is_the_packet_as_it_came(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(9, 3)])
    clone, original = bench.send(port=2, ingress=CLONE, session=5, fields=1, meta=77)
    assert (clone.port, clone.instance_type, clone.rid, clone.meta) == (9, INGRESS_CLONE, 3, 77)
    assert (clone.egress_passes, clone.ingress_port, clone.packet_length) == (1, 0, 40)
    assert (original.port, original.instance_type, original.rid, original.meta) == (2, NORMAL, 0, 77)
    assert bench.passes("ingress") == {NORMAL: 1}
    assert bench.passes("egress") == {NORMAL: 1, INGRESS_CLONE: 1}


def test_clone_without_fields_has_no_metadata(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(9, 0)])
    clone, _ = bench.send(ingress=CLONE, session=5, fields=NO_FIELDS, meta=77)
    assert clone.meta == 0


def test_standard_metadata_in_a_field_list(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(9, 0)])
    clone, _ = bench.send(ingress=CLONE, session=5, fields=2, ingress_port=6)
    assert clone.ingress_port == 6


def test_dropping_cancels_neither_clone_nor_digest(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(9, 0)])
    bench.switch.set_time(123)
    (clone,) = bench.send(ingress=CLONE | DIGEST | DROP, session=5, meta=3)
    assert clone.port == 9
    assert bench.switch.next_digest() == DigestMessage(0, (3, 40 | 1 << 64), 123, "seen")
    assert bench.switch.next_digest() is None


def test_an_unknown_session_makes_no_clone(bench: Scripted) -> None:
    assert [out.port for out in bench.send(ingress=CLONE, egress=CLONE, session=5)] == [2]


def test_a_session_with_several_replicas_and_a_length(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(9, 1), (8, 2), (9, 3)], truncate=20)
    *clones, original = bench.send(ingress=CLONE, session=5)
    assert [(c.port, c.rid, c.instance_type, len(c.frame)) for c in clones] == [
        (9, 1, INGRESS_CLONE, 20),
        (8, 2, INGRESS_CLONE, 20),
        (9, 3, INGRESS_CLONE, 20),
    ]
    assert [c.egress_passes for c in clones] == [1, 1, 1]
    assert len(original.frame) == 40


def test_clone_of_egress_keeps_headers_and_starts_egress_again(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(9, 4)])
    original, clone = bench.send(egress=CLONE, session=5, fields=1, meta=55)
    assert (original.port, original.egress_passes) == (2, 1)
    # The header as egress left it, once more through egress.
    assert (clone.port, clone.instance_type, clone.rid, clone.meta, clone.egress_passes) == (9, EGRESS_CLONE, 4, 55, 2)
    assert bench.passes("ingress") == {NORMAL: 1}
    (clone,) = bench.send(egress=CLONE | DROP, session=5, meta=55)
    assert (clone.instance_type, clone.meta) == (EGRESS_CLONE, 0)


def test_clones_of_clones_end(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(9, 0)])
    out = bench.send(egress=CLONE | ALWAYS, session=5)
    assert [o.port for o in out[:4]] == [2, 9, 9, 9]
    assert len(out) == 1001
    assert bench.switch.stats().drops[Drop.PASSES] == 1


def test_multicast(bench: Scripted) -> None:
    bench.switch.set_multicast_group(3, [(4, 1), (5, 2), (4, 7)])
    out = bench.send(ingress=MULTICAST | DROP, group=3, meta=8)  # multicast comes before drop
    assert [(o.port, o.rid, o.instance_type, o.meta, o.egress_passes) for o in out] == [
        (4, 1, REPLICATED, 8, 1),
        (5, 2, REPLICATED, 8, 1),
        (4, 7, REPLICATED, 8, 1),
    ]
    assert all(o.frame[16:] == bytes(range(16, 40)) for o in out)
    bench.switch.delete_multicast_group(3)
    assert bench.send(ingress=MULTICAST, group=3) == []
    assert bench.switch.stats().drops[Drop.NO_GROUP] == 1


def test_resubmit_comes_before_multicast(bench: Scripted) -> None:
    bench.switch.set_multicast_group(3, [(4, 1), (5, 2)])
    (out,) = bench.send(ingress=AGAIN | MULTICAST, group=3, fields=1, meta=9)
    # Unicast sets the instance type back to normal, so egress asks again; only ingress saw the resubmission.
    assert (out.instance_type, out.meta, out.ingress_port) == (NORMAL, 9, 0)
    assert bench.passes("ingress") == {NORMAL: 1, RESUBMITTED: 1}


def test_recirculate_sends_the_deparsed_packet_round(bench: Scripted) -> None:
    (out,) = bench.send(port=2, egress=AGAIN, rounds=2, fields=1, meta=9)
    assert (out.port, out.egress_passes, out.instance_type, out.meta, out.ingress_port) == (2, 3, NORMAL, 9, 0)
    assert out.frame[16:] == bytes(range(16, 40))
    assert bench.passes("ingress") == {NORMAL: 1, RECIRCULATED: 2}
    (out,) = bench.send(port=2, egress=AGAIN, rounds=1, fields=NO_FIELDS, meta=9)
    assert out.meta == 0
    assert bench.switch.stats().passes == 3


def test_drop_comes_before_recirculate(bench: Scripted) -> None:
    assert bench.send(egress=AGAIN | DROP, rounds=2) == []
    assert bench.passes("ingress") == {NORMAL: 1}


def test_endless_recirculation_of_an_injected_packet_ends(bench: Scripted) -> None:
    assert bench.send(egress=AGAIN, rounds=255) == []
    assert bench.switch.stats().drops[Drop.PASSES] == 1
    assert bench.passes("ingress") == {NORMAL: 1, RECIRCULATED: 1000}


def test_every_round_of_a_packet_that_never_ends_is_cloned(bench: Scripted) -> None:
    """Including the last one: a clone is not another round."""
    bench.switch.set_clone_session(5, [(9, 0)])
    out = bench.send(egress=AGAIN | CLONE, session=5, rounds=255)
    assert bench.passes("ingress") == {NORMAL: 1, RECIRCULATED: 1000}
    assert [o.instance_type for o in out] == [EGRESS_CLONE] * 1001


def test_truncation_does_not_survive_recirculation(bench: Scripted) -> None:
    (out,) = bench.send(egress=AGAIN, ingress=TRUNCATE, truncate=20, rounds=1)
    assert len(out.frame) == 40


def test_a_program_that_multiplies_packets_comes_to_an_end(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(9, 0), (8, 0), (7, 0)])
    out = bench.send(egress=CLONE | ALWAYS, session=5)
    drops = bench.switch.stats().drops
    assert len(out) > 1000
    assert drops[Drop.PASSES] + drops[Drop.QUEUE] > 0
    assert len(bench.send()) == 1


def test_truncation(bench: Scripted) -> None:
    (out,) = bench.send(ingress=TRUNCATE, truncate=30)
    assert len(out.frame) == 30
    (out,) = bench.send(egress=TRUNCATE, truncate=5)
    assert len(out.frame) == 5
    (out,) = bench.send(egress=TRUNCATE, truncate=200)
    assert len(out.frame) == 40
    bench.switch.set_multicast_group(3, [(4, 1), (5, 2)])
    assert [len(o.frame) for o in bench.send(ingress=TRUNCATE | MULTICAST, truncate=30, group=3)] == [40, 40]
    bench.switch.set_clone_session(5, [(9, 0)])
    assert [len(o.frame) for o in bench.send(ingress=TRUNCATE | CLONE, truncate=30, session=5)] == [40, 30]


def test_timestamps_stand_still(bench: Scripted) -> None:
    bench.switch.set_time(42)
    assert bench.switch.time_us() == 42
    bench.switch.set_time(None)
    assert bench.switch.time_us() < 60_000_000


def test_counter_and_meter(bench: Scripted) -> None:
    bench.switch.set_time(1_000_000)
    bench.send(ingress_port=3, size=100)
    bench.send(ingress_port=3, size=60)
    counter = bench.pipeline.counters["packets"]
    assert counter.read_cell(3) == (2, 160)
    meter = bench.pipeline.meters["limit"]
    meter.configure(3, cir=10, cburst=1, pir=10, pburst=2)
    assert meter.read(3, 2) == [MeterConfig(10, 1, 10, 2), None]
    assert [len(bench.send(ingress_port=3)) for _ in range(4)] == [1, 1, 0, 0]
    bench.switch.set_time(1_100_000)  # one more token
    assert [len(bench.send(ingress_port=3)) for _ in range(2)] == [1, 0]
    assert [len(bench.send(ingress_port=4)) for _ in range(4)] == [1] * 4
    meter.reset()
    assert len(bench.send(ingress_port=3)) == 1
    bench.send(ingress_port=15)
    counter.reset()
    assert not counter.read().any()


def test_packets_to_the_cpu_port_are_queued(bench: Scripted) -> None:
    switch = bench.switch
    switch.set_clone_session(5, [(510, 0)])
    switch.set_packet_in("auto")
    (clone, _) = bench.send(ingress=CLONE, session=5)
    assert clone.port == 510
    assert switch.next_packet_in() == clone.frame
    assert switch.next_packet_in() is None
    switch.add_memory_port(510)
    bench.switch.submit(1, script_frame(ingress=CLONE, session=5))
    assert switch.next_packet_in() is None
    assert switch.take(510) is not None
    switch.set_packet_in("grpc")
    bench.switch.submit(1, script_frame(ingress=CLONE, session=5))
    assert (switch.next_packet_in() is None, switch.take(510)) == (False, None)
    switch.set_packet_in("both")
    bench.switch.submit(1, script_frame(ingress=CLONE, session=5))
    assert switch.next_packet_in() == switch.take(510) is not None


def test_a_full_packet_in_queue_counts_and_goes_on(bench: Scripted) -> None:
    bench.switch.set_clone_session(5, [(510, 0)])
    for _ in range(8200):
        assert len(bench.send(ingress=CLONE, session=5, size=16)) == 2
    assert bench.switch.stats().drops[Drop.CPU_QUEUE] == 8
    assert sum(1 for _ in iter(bench.switch.next_packet_in, None)) == 8192


def test_submit_sends_to_ports(bench: Scripted) -> None:
    switch = bench.switch
    switch.add_memory_port(2)
    switch.submit(1, script_frame(port=2))
    switch.submit(1, script_frame(port=3))
    frame = switch.take(2)
    assert frame is not None and seen(2, frame).instance_type == NORMAL
    assert switch.take(2) is None
    stats = switch.stats()
    assert (stats.drops[Drop.NO_PORT], stats.ports[2].tx_packets, stats.ports[2].tx_bytes) == (1, 1, 40)
    switch.packet_out(2, b"straight")
    assert switch.take(2) == b"straight"


def test_program_messages_and_traces(bench: Scripted) -> None:
    bench.send(meta=99)
    line = bench.switch.next_log()
    assert line is not None and (line.kind, line.text) == ("message", "meta is 99")
    bench.switch.set_trace(True)
    bench.switch.set_clone_session(5, [(9, 0)])
    bench.send(ingress=CLONE, session=5)
    line = bench.switch.next_log()
    assert line is not None and line.kind == "trace"
    assert line.text.splitlines() == [
        "received on port 1, 40 bytes",
        "scripted ingress",
        "cloned to session 5; the clone:",
        "egress, port 9",
        "sent out of port 9, 40 bytes",
        "the original:",
        "egress, port 2",
        "sent out of port 2, 40 bytes",
    ]
    bench.switch.set_trace(False)
    bench.send()
    assert bench.switch.next_log() is None
