"""Direct counters and meters of table entries (P4Runtime specification 9.1.7, 9.3.1 and 9.4.1)."""

from __future__ import annotations

from finsy.proto import p4r

from softswitch.entries import CounterValue, Entry, MeterConfig
from softswitch.server.errors import invalid, unimplemented
from softswitch.server.index import TableView
from softswitch.tables import Table


def to_counter(message: p4r.CounterData) -> CounterValue:
    if message.packet_count < 0 or message.byte_count < 0:
        raise invalid("counters are not negative")
    return CounterValue(packets=message.packet_count, bytes=message.byte_count)


def from_counter(value: CounterValue) -> p4r.CounterData:
    mask = (1 << 63) - 1  # the message's numbers are signed
    return p4r.CounterData(packet_count=value.packets & mask, byte_count=value.bytes & mask)


def to_meter(message: p4r.MeterConfig) -> MeterConfig:
    """Raises Refused for rates that a two-rate three-colour meter (RFC 2698) can't have."""
    rates = (message.cir, message.cburst, message.pir, message.pburst)
    if message.eburst:
        raise invalid("eburst belongs to single-rate meters; v1model's have two rates")
    if min(rates) < 0:
        raise invalid("rates and bursts of meters are not negative")
    if message.pir < message.cir:
        raise invalid(f"peak rate {message.pir} is below the committed rate {message.cir}")
    return MeterConfig(*rates)


def from_meter(config: MeterConfig) -> p4r.MeterConfig:
    return p4r.MeterConfig(cir=config.cir, cburst=config.cburst, pir=config.pir, pburst=config.pburst)


def check_resources(view: TableView, message: p4r.TableEntry) -> None:
    """Raises Refused if the message sets a resource that the table has not."""
    if message.HasField("counter_data") and not view.info.direct_counter:
        raise invalid(f"table {view.name} has no direct counter")
    if message.HasField("meter_config") and not view.info.direct_meter:
        raise invalid(f"table {view.name} has no direct meter")
    if message.HasField("meter_counter_data"):
        raise unimplemented("meters have no counters per colour here")
    if message.HasField("counter_data"):
        to_counter(message.counter_data)
    if message.HasField("meter_config"):
        to_meter(message.meter_config)


def apply_resources(view: TableView, table: Table, key: Entry, message: p4r.TableEntry, *, modify: bool) -> None:
    """Writes the resources of an entry that was just written: an absent meter_config resets the meter."""
    if message.HasField("counter_data"):
        table.set_direct_counter(key, to_counter(message.counter_data))
    if view.info.direct_meter and (modify or message.HasField("meter_config")):
        config = to_meter(message.meter_config) if message.HasField("meter_config") else None
        table.set_direct_meter(key, config)
