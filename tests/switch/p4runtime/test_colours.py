"""Meters through P4Runtime: per-colour counts, the default entry's meter and counter (sections 9.1.7 and 9.4)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from finsy.proto import p4i, p4r

from softswitch.build.program import compile_program
from tests.switch.controller import DELETE, INSERT, MODIFY, PROGRAMS, Config, Controller, Running, exact, status

NAMED = PROGRAMS / "named.p4"
TIGHT = p4r.MeterConfig(cir=1, cburst=1, pir=1, pburst=2)
CLEARED = p4r.MeterCounterData(green=p4r.CounterData(), yellow=p4r.CounterData(), red=p4r.CounterData())
DIRTY = p4r.MeterCounterData(yellow=p4r.CounterData(byte_count=1))


@pytest.fixture
def running() -> Iterator[Running]:
    with Running(NAMED) as made:
        made.switch.set_time(1_000_000)  # no bucket fills while packets go
        yield made


@pytest.fixture
def c(running: Running) -> Iterator[Controller]:
    with running.controller() as made:
        yield made


def send(running: Running, kind: int, count: int) -> None:
    for _ in range(count):
        running.switch.inject(1, bytes([0, kind]) + bytes(8))


def counts(data: p4r.MeterCounterData) -> list[tuple[int, int]]:
    return [(d.packet_count, d.byte_count) for d in (data.green, data.yellow, data.red)]


def cell(c: Controller, index: int | None, **more: object) -> p4r.MeterEntry:
    entry = p4r.MeterEntry(meter_id=c.id("rate"), **more)
    if index is not None:
        entry.index.index = index
    return entry


def test_an_indirect_meter_counts_each_colour(running: Running, c: Controller) -> None:
    c.modify(meter_entry=cell(c, 2, config=TIGHT))
    send(running, 2, 5)
    send(running, 3, 4)  # not configured: green
    (read,) = c.read(meter_entry=cell(c, 2, counter_data=CLEARED))
    assert counts(read.counter_data) == [(1, 10), (1, 10), (3, 30)]
    read_all = c.read(meter_entry=cell(c, None, counter_data=p4r.MeterCounterData()))
    assert [counts(e.counter_data)[0] for e in read_all] == [(0, 0), (0, 0), (1, 10), (4, 40)]
    (plain,) = c.read(meter_entry=cell(c, 2))
    assert not plain.HasField("counter_data") and plain.config == TIGHT


def test_counts_of_colours_can_be_cleared_and_nothing_else(running: Running, c: Controller) -> None:
    send(running, 2, 2)
    c.modify(meter_entry=cell(c, 2, config=TIGHT))  # without counter_data the counts stay
    assert status(lambda: c.modify(meter_entry=cell(c, 2, counter_data=DIRTY))) == "INVALID_ARGUMENT"
    (read,) = c.read(meter_entry=cell(c, 2, counter_data=CLEARED))
    assert counts(read.counter_data)[0] == (2, 20) and read.config == TIGHT
    c.modify(meter_entry=cell(c, None, counter_data=CLEARED))
    everything = c.read(meter_entry=cell(c, None, counter_data=CLEARED))
    assert everything == [cell(c, n, counter_data=CLEARED) for n in range(4)]


def test_a_batch_that_fails_puts_the_counts_back(running: Running, c: Controller) -> None:
    send(running, 2, 2)
    wrong = cell(c, 9)
    request = c.request(
        (MODIFY, {"meter_entry": cell(c, 2, counter_data=CLEARED)}),
        (MODIFY, {"meter_entry": wrong}),
        atomicity=p4r.WriteRequest.ROLLBACK_ON_ERROR,
    )
    assert status(lambda: c.stub.Write(request)) == "ABORTED"
    (read,) = c.read(meter_entry=cell(c, 2, counter_data=CLEARED))
    assert counts(read.counter_data)[0] == (2, 20)


def test_a_direct_meter_counts_each_colour(running: Running, c: Controller) -> None:
    entry = c.entry("kinds", exact(1, 7), action=c.action("marked", port=2), meter_config=TIGHT)
    entry.meter_counter_data.CopyFrom(DIRTY)
    assert status(lambda: c.insert(table_entry=entry)) == "INVALID_ARGUMENT"
    entry.meter_counter_data.CopyFrom(CLEARED)
    c.insert(table_entry=entry)
    send(running, 7, 4)
    asked = c.entry("kinds", exact(1, 7), meter_config=p4r.MeterConfig(), meter_counter_data=p4r.MeterCounterData())
    (read,) = c.read(table_entry=asked)
    assert counts(read.meter_counter_data) == [(1, 10), (1, 10), (2, 20)] and read.meter_config == TIGHT
    (plain,) = c.read(table_entry=c.entry("kinds", exact(1, 7)))
    assert not plain.HasField("meter_counter_data") and not plain.HasField("meter_config")
    direct = p4r.DirectMeterEntry(table_entry=c.entry("kinds", exact(1, 7)), counter_data=p4r.MeterCounterData())
    assert counts(c.read(direct_meter_entry=direct)[0].counter_data)[2] == (2, 20)
    direct.counter_data.CopyFrom(DIRTY)
    assert status(lambda: c.modify(direct_meter_entry=direct)) == "INVALID_ARGUMENT"
    direct.counter_data.CopyFrom(CLEARED)
    direct.config.CopyFrom(TIGHT)
    c.modify(direct_meter_entry=direct)
    assert c.read(direct_meter_entry=direct) == [direct]
    c.modify(table_entry=c.entry("kinds", exact(1, 7), meter_counter_data=CLEARED))
    c.delete(table_entry=entry)
    assert status(lambda: c.read(direct_meter_entry=direct)) == "NOT_FOUND"


def test_the_default_entry_has_a_meter_and_a_counter_like_any_other(running: Running, c: Controller) -> None:
    default = c.entry("kinds", is_default_action=True, action=c.action("unmarked"), meter_config=TIGHT)
    default.counter_data.packet_count = 100
    c.modify(table_entry=default)
    send(running, 9, 3)
    asked = c.entry(
        "kinds", is_default_action=True, meter_config=TIGHT, counter_data={}, meter_counter_data=p4r.MeterCounterData()
    )
    (read,) = c.read(table_entry=asked)
    assert read.meter_config == TIGHT and counts(read.meter_counter_data) == [(1, 10), (1, 10), (1, 10)]
    assert (read.counter_data.packet_count, read.counter_data.byte_count) == (103, 30)
    meter = p4r.DirectMeterEntry(table_entry=c.entry("kinds", is_default_action=True), config=TIGHT)
    assert c.read(direct_meter_entry=meter) == [meter]
    meter.config.cir = 0
    c.modify(direct_meter_entry=meter)
    assert c.read(direct_meter_entry=meter) == [meter]
    assert status(lambda: c.insert(direct_meter_entry=meter)) == "INVALID_ARGUMENT"
    counter = p4r.DirectCounterEntry(table_entry=c.entry("kinds", is_default_action=True), data={"packet_count": 5})
    c.modify(direct_counter_entry=counter)
    assert c.read(direct_counter_entry=counter) == [counter]
    default.ClearField("meter_config")  # with an action and no configuration: back to green, counts stay
    default.ClearField("counter_data")
    c.modify(table_entry=default)
    (read,) = c.read(table_entry=asked)
    assert not read.HasField("meter_config") and counts(read.meter_counter_data)[0] == (1, 10)
    c.modify(table_entry=c.entry("kinds", is_default_action=True))  # reset
    (read,) = c.read(table_entry=asked)
    assert counts(read.meter_counter_data) == [(0, 0)] * 3 and read.counter_data.packet_count == 0


def test_a_rolled_back_change_of_the_default_entry_leaves_its_meter(running: Running, c: Controller) -> None:
    c.modify(table_entry=c.entry("kinds", is_default_action=True, action=c.action("unmarked"), meter_config=TIGHT))
    send(running, 9, 1)
    reset = c.entry("kinds", is_default_action=True)
    request = c.request(
        (MODIFY, {"table_entry": reset}),
        (DELETE, {"table_entry": c.entry("kinds", exact(1, 77))}),
        atomicity=p4r.WriteRequest.DATAPLANE_ATOMIC,
    )
    assert status(lambda: c.stub.Write(request)) == "ABORTED"
    asked = c.entry("kinds", is_default_action=True, meter_config=TIGHT, meter_counter_data=p4r.MeterCounterData())
    (read,) = c.read(table_entry=asked)
    assert read.meter_config == TIGHT and counts(read.meter_counter_data)[0] == (1, 10)


def test_reconcile_keeps_meters_and_their_counts(running: Running, c: Controller) -> None:
    c.modify(meter_entry=cell(c, 2, config=TIGHT))
    default = c.entry("kinds", is_default_action=True, action=c.action("unmarked"), meter_config=TIGHT)
    c.write((MODIFY, {"table_entry": default}))
    entry = c.entry("kinds", exact(1, 7), action=c.action("marked", port=2), meter_config=TIGHT)
    c.write((INSERT, {"table_entry": entry}))
    for kind in (2, 7, 9):
        send(running, kind, 3)
    c.set_config(Config.RECONCILE_AND_COMMIT, compile_program(NAMED), NAMED.read_bytes())
    send(running, 7, 1)  # no bucket was filled up again
    (indirect,) = c.read(meter_entry=cell(c, 2, counter_data=CLEARED))
    assert indirect.config == TIGHT and counts(indirect.counter_data) == [(1, 10)] * 3
    asked = c.entry("kinds", exact(1, 7), meter_config=TIGHT, meter_counter_data=CLEARED)
    (direct,) = c.read(table_entry=asked)
    assert direct.meter_config == TIGHT and counts(direct.meter_counter_data) == [(1, 10), (1, 10), (2, 20)]
    asked = c.entry("kinds", is_default_action=True, meter_config=TIGHT, meter_counter_data=CLEARED)
    (miss,) = c.read(table_entry=asked)
    assert miss.meter_config == TIGHT and counts(miss.meter_counter_data) == [(1, 10)] * 3


def test_reconcile_lists_direct_resources_that_are_gone(running: Running, c: Controller) -> None:
    entry = c.entry("kinds", exact(1, 7), action=c.action("marked", port=2), meter_config=TIGHT)
    c.insert(table_entry=entry)
    send(running, 7, 1)
    text = NAMED.read_text()
    for line in ("counters = kind_hits;", "direct_counter(CounterType.packets_and_bytes) kind_hits;"):
        text = text.replace(line, "")
    text = text.replace("direct_meter<bit<2>>(MeterType.packets)", "direct_meter<bit<2>>(MeterType.bytes)")
    with pytest.raises(Exception) as caught:
        request = Config(device_id=1, action=Config.RECONCILE_AND_COMMIT, election_id={"low": 1})
        request.config.p4_device_config = text.encode()
        c.stub.SetForwardingPipelineConfig(request)
    assert "the direct counters of table MyIngress.kinds" in str(caught.value)
    assert "the direct meters of table MyIngress.kinds" in str(caught.value)


def single_rate(c: Controller, kind: str, annotation: str) -> None:
    """Commits the program with a meter of another type, given by an annotation."""
    text = NAMED.read_text().replace(kind, f"{annotation} {kind}")
    request = Config(device_id=1, action=Config.VERIFY_AND_COMMIT, election_id={"low": 1})
    request.config.p4_device_config = text.encode()
    c.stub.SetForwardingPipelineConfig(request)
    c.p4info = c.get_config().p4info


def test_a_single_rate_meter_fills_its_excess_bucket_with_what_is_left(running: Running, c: Controller) -> None:
    single_rate(c, "meter(4,", "@single_rate_three_color")
    assert [m.spec.type for m in c.p4info.meters] == [p4r_meter_type("SINGLE_RATE_THREE_COLOR")]
    config = p4r.MeterConfig(cir=1, cburst=2, pir=1, pburst=2, eburst=1)
    c.modify(meter_entry=cell(c, 2, config=config))
    assert c.read(meter_entry=cell(c, 2)) == [cell(c, 2, config=config)]
    seen = cell(c, 2, counter_data=CLEARED)

    def colours() -> list[int]:
        (read,) = c.read(meter_entry=seen)
        return [packets for packets, _ in counts(read.counter_data)]

    send(running, 2, 5)
    assert colours() == [2, 1, 2]  # both buckets are full at first
    running.switch.set_time(3_000_000)  # two tokens: both fit the committed bucket
    send(running, 2, 3)
    assert colours() == [4, 1, 3]
    running.switch.set_time(9_000_000)  # six: two fit, one goes to the excess bucket, three are lost
    send(running, 2, 4)
    assert colours() == [6, 2, 4]


def test_what_configurations_each_type_of_meter_takes(running: Running, c: Controller) -> None:
    def code(**config: int) -> str:
        return status(lambda: c.modify(meter_entry=cell(c, 1, config=p4r.MeterConfig(**config))))

    assert code(cir=1, cburst=1, pir=2, pburst=2) == "OK"
    assert code(cir=1, cburst=1, pir=2, pburst=2, eburst=1) == "INVALID_ARGUMENT"
    assert code(cir=2, cburst=1, pir=1, pburst=2) == "INVALID_ARGUMENT"
    single_rate(c, "meter(4,", "@single_rate_three_color")
    assert code(cir=1, cburst=1, pir=1, pburst=1, eburst=3) == "OK"
    assert code(cir=1, cburst=1, pir=2, pburst=1) == "INVALID_ARGUMENT"
    assert code(cir=1, cburst=1, pir=1, pburst=2) == "INVALID_ARGUMENT"
    single_rate(c, "meter(4,", "@single_rate_two_color")
    assert code(cir=1, cburst=1, pir=1, pburst=1) == "OK"
    assert code(cir=1, cburst=1, pir=1, pburst=1, eburst=3) == "INVALID_ARGUMENT"
    send(running, 1, 3)
    (read,) = c.read(meter_entry=cell(c, 1, counter_data=CLEARED))
    assert counts(read.counter_data) == [(1, 10), (0, 0), (2, 20)]  # never yellow
    single_rate(c, "direct_meter<bit<2>>(", "@single_rate_three_color")
    entry = c.entry("kinds", exact(1, 7), action=c.action("marked", port=2), meter_config=TIGHT)
    assert status(lambda: c.insert(table_entry=entry)) == "INVALID_ARGUMENT"
    entry.meter_config.pburst = entry.meter_config.cburst
    entry.meter_config.eburst = 5
    c.insert(table_entry=entry)
    entry.ClearField("is_const")
    assert c.read(table_entry=c.entry("kinds", exact(1, 7), meter_config=TIGHT)) == [entry]


def p4r_meter_type(name: str) -> int:
    return int(p4i.MeterSpec.Type.Value(name))
