"""A program with each kind of match, action and direct resource, and its entries as messages put together by hand."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from finsy.proto import p4r

from softswitch.dataplane.switch import Switch
from softswitch.dataplane.tables import Table
from softswitch.server.device.device import Device
from softswitch.server.entities import runs
from softswitch.server.entities.table_reads import read_table_entries
from softswitch.server.program.config import Config
from tests.switch.scene import program

COUNT = 2 * runs.MIN_ENTRIES + 5
TEXT = program(
    fields="bit<8> a; bit<16> b; bit<32> c; bit<72> wide; bit<128> wider; named_t n;",
    declarations='@p4runtime_translation("test/named", string) type bit<8> named_t;',
    locals="""
    direct_counter(CounterType.packets_and_bytes) hits;
    direct_meter<bit<2>>(MeterType.packets) rate;
    bit<2> colour;
    action forward(bit<9> port, bit<72> value, bit<16> more) {
        rate.read(colour); std.egress_spec = port; hdr.h.wide = value; hdr.h.b = more; }
    action drop() { rate.read(colour); mark_to_drop(std); }
    action send(bit<9> port) { std.egress_spec = port; }
    action discard() { mark_to_drop(std); }
    action_selector(HashAlgorithm.crc16, 1024, 8) choice;
    table exacts { key = { hdr.h.a: exact; hdr.h.b: exact; hdr.h.wide: exact; } actions = { forward; drop; }
                   support_timeout = true; counters = hits; meters = rate; size = 4096; }
    table prefixes { key = { hdr.h.a: exact; hdr.h.wider: lpm; } actions = { send; discard; } size = 4096;
                     default_action = send(6); }
    table rules { key = { hdr.h.b: ternary; hdr.h.wide: ternary; hdr.h.a: optional; hdr.h.c: range; hdr.h.wider: lpm; }
                  actions = { send; discard; } size = 4096; }
    table fixed { key = { hdr.h.b: exact; hdr.h.c: ternary; } actions = { send; discard; } const entries = { FIXED } }
    table chosen { key = { hdr.h.b: exact; hdr.h.c: selector; } actions = { send; discard; }
                   implementation = choice; size = 4096; }
    action name(named_t value) { hdr.h.n = value; }
    table by_name { key = { hdr.h.n: exact; } actions = { discard; } size = 4096; }
    table to_name { key = { hdr.h.b: exact; } actions = { discard; name; } size = 4096; }
    """.replace(
        "FIXED",
        "\n".join(
            f"({n}, {n} &&& {n | 0x100}): {f'send({n + 2})' if n % 3 else 'discard()'};" for n in range(1, COUNT + 1)
        ),
    ),
    ingress="exacts.apply(); prefixes.apply(); rules.apply(); fixed.apply(); chosen.apply(); by_name.apply();"
    "to_name.apply();",
)


class Reading:
    """Tables of a device that runs the program, by their short names."""

    def __init__(self, switch: Switch, device: Device) -> None:
        self.switch = switch
        self.device = device

    @property
    def config(self) -> Config:
        assert self.device.active is not None
        return self.device.active

    def table(self, name: str) -> Table:
        return self.config.pipeline.tables[f"TestIngress.{name}"]

    def id(self, name: str) -> int:
        (found,) = (
            item.preamble.id
            for items in (self.config.p4info.tables, self.config.p4info.actions, self.config.p4info.action_profiles)
            for item in items
            if item.preamble.alias == name
        )
        return found

    def insert(self, entities: Iterable[p4r.Entity]) -> None:
        updates = [p4r.Update(type=p4r.Update.INSERT, entity=entity) for entity in entities]
        self.device.batches.write(self.config, p4r.WriteRequest(device_id=1, updates=updates))

    def write(self, messages: Iterable[p4r.TableEntry]) -> None:
        self.insert(p4r.Entity(table_entry=message) for message in messages)

    def read(self, name: str, *, in_runs: bool = True, **selection: object) -> list[p4r.TableEntry]:
        """What a Read of a table answers; `in_runs`: whether all entries have to take the fast path."""
        wanted = p4r.TableEntry(table_id=self.id(name), **selection)  # type: ignore[arg-type]
        parts = {isinstance(part, runs.Run) for part in read_table_entries(self.config, wanted)}
        assert parts <= {in_runs}
        request = p4r.ReadRequest(device_id=1, entities=[p4r.Entity(table_entry=wanted)])
        found = self.device.batches.take(self.config, request).responses()
        return [entity.table_entry for entity in chain.from_iterable(part.entities for part in found)]

    def action(self, name: str, *values: int) -> p4r.Action:
        params = [p4r.Action.Param(param_id=n, value=shortest(value)) for n, value in enumerate(values, 1)]
        return p4r.Action(action_id=self.id(name), params=params)

    def entry(self, table: str, *matches: p4r.FieldMatch, action: p4r.Action | None = None) -> p4r.TableEntry:
        message = p4r.TableEntry(table_id=self.id(table), match=matches)
        if action is not None:
            message.action.action.CopyFrom(action)
        return message


def shortest(value: int) -> bytes:
    return value.to_bytes(max(1, -(-value.bit_length() // 8)), "big")


def exact(number: int, value: int) -> p4r.FieldMatch:
    return p4r.FieldMatch(field_id=number, exact=p4r.FieldMatch.Exact(value=shortest(value)))


def assert_same(found: list[p4r.TableEntry], expected: list[p4r.TableEntry]) -> None:
    """One by one, so that a failure shows the first message that differs."""
    assert len(found) == len(expected)
    for got, wanted in zip(found, expected, strict=True):
        assert got == wanted
        assert got.SerializeToString(deterministic=True) == wanted.SerializeToString(deterministic=True)
