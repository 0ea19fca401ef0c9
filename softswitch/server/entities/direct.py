"""Direct counters and meters of table entries (P4Runtime specification 9.1.7, 9.3.1 and 9.4.1)."""

from __future__ import annotations

from finsy.proto import p4i, p4r

from softswitch.dataplane.entries import ColourCounts, CounterValue, Entry, MeterConfig, MeterState
from softswitch.dataplane.tables import Table
from softswitch.server.errors import invalid
from softswitch.server.program.index import TableView

THREE_BY_ONE, TWO_BY_ONE = p4i.MeterSpec.SINGLE_RATE_THREE_COLOR, p4i.MeterSpec.SINGLE_RATE_TWO_COLOR


def to_counter(message: p4r.CounterData) -> CounterValue:
    if message.packet_count < 0 or message.byte_count < 0:
        raise invalid("counters cannot be negative")
    return CounterValue(packets=message.packet_count, bytes=message.byte_count)


def from_counter(value: CounterValue) -> p4r.CounterData:
    mask = (1 << 63) - 1  # the message's integers are signed
    return p4r.CounterData(packet_count=value.packets & mask, byte_count=value.bytes & mask)


def to_meter(message: p4r.MeterConfig, type_: int) -> MeterConfig:
    """`type_`: a MeterSpec.Type. Raises Refused for rates that are invalid for such a meter (9.4)."""
    rates = (message.cir, message.cburst, message.pir, message.pburst, message.eburst)
    if min(rates) < 0:
        raise invalid("rates and bursts of meters cannot be negative")
    if type_ != THREE_BY_ONE and message.eburst:
        raise invalid("eburst belongs to single-rate three-colour meters")
    if type_ in (THREE_BY_ONE, TWO_BY_ONE):
        if (message.pir, message.pburst) != (message.cir, message.cburst):
            raise invalid("a single-rate meter has pir equal to cir and pburst equal to cburst")
        return MeterConfig(*rates[:4], message.eburst)
    if message.pir < message.cir:
        raise invalid(f"peak rate {message.pir} is below the committed rate {message.cir}")
    return MeterConfig(*rates[:4])


def from_meter(config: MeterConfig) -> p4r.MeterConfig:
    return p4r.MeterConfig(
        cir=config.cir, cburst=config.cburst, pir=config.pir, pburst=config.pburst, eburst=config.eburst or 0
    )


def check_cleared(message: p4r.MeterCounterData) -> None:
    """Per-colour counts can be cleared but not set (9.4.1). Raises Refused."""
    for value in (message.green, message.yellow, message.red):
        if value.packet_count or value.byte_count:
            raise invalid("the counts of a meter's colours can only be set to 0")


def from_colours(counts: ColourCounts) -> p4r.MeterCounterData:
    green, yellow, red = (from_counter(value) for value in counts)
    return p4r.MeterCounterData(green=green, yellow=yellow, red=red)


def check_resources(view: TableView, message: p4r.TableEntry) -> None:
    """Raises Refused if the message has a resource that the table lacks, or an invalid value for one."""
    if message.HasField("counter_data"):
        if not view.info.direct_counter:
            raise invalid(f"table {view.name} has no direct counter")
        to_counter(message.counter_data)
    if message.HasField("meter_config") or message.HasField("meter_counter_data"):
        if not view.info.direct_meter:
            raise invalid(f"table {view.name} has no direct meter")
        if message.HasField("meter_config"):
            to_meter(message.meter_config, view.meter_type)
        check_cleared(message.meter_counter_data)


def apply_resources(view: TableView, table: Table, key: Entry | None, message: p4r.TableEntry, *, modify: bool) -> None:
    """Writes the direct resources of an entry that was just written (None: the default entry). Without meter_config the
    meter is reset; without counter_data counters are kept."""
    if message.HasField("counter_data"):
        set_counter(table, key, to_counter(message.counter_data))
    if view.info.direct_meter and (modify or message.HasField("meter_config")):
        config = to_meter(message.meter_config, view.meter_type) if message.HasField("meter_config") else None
        table.set_direct_meter(key, config)
    if message.HasField("meter_counter_data"):
        table.set_meter_counts(key, ColourCounts())


def set_counter(table: Table, key: Entry | None, value: CounterValue) -> None:
    """Sets the counter of an entry (None: of the default entry)."""
    if key is None:
        table.set_default_counter(value)
    else:
        table.set_direct_counter(key, value)


def set_meter(table: Table, key: Entry | None, state: MeterState) -> None:
    table.set_direct_meter(key, state.config)
    table.set_meter_counts(key, state.counts)


def show_resources(
    view: TableView, request: p4r.TableEntry, message: p4r.TableEntry, counter: CounterValue, meter: MeterState | None
) -> None:
    """Adds the resources that a read requests; a meter that was never configured has no meter_config."""
    if request.HasField("counter_data") and view.info.direct_counter:
        message.counter_data.CopyFrom(from_counter(counter))
    if meter is None:
        return
    if request.HasField("meter_config") and meter.config is not None:
        message.meter_config.CopyFrom(from_meter(meter.config))
    if request.HasField("meter_counter_data"):
        message.meter_counter_data.CopyFrom(from_colours(meter.counts))
