"""Random writes of controllers, and the programs that they are for."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable

from finsy.proto import p4i, p4r

from softswitch.proto.update_kinds import DELETE, INSERT, MODIFY
from state4.cim import Track
from state4.programs import InstalledProgram
from tests.switch.state4.generated import installed_program

GROUPS = (1, 2)

_TEXT = """#include <core.p4>
#include <v1model.p4>

header request_t { bit<8> op; bit<8> cell; bit<16> amount; bit<64> value; }
struct headers_t { request_t request; }
struct metadata_t { bit<2> colour; bit<8> special; }

parser MyParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    value_set<bit<8>>(3) specials;
    state start {
        packet.extract(hdr.request);
        transition select(hdr.request.op) { specials: marked; default: accept; }
    }
    state marked { meta.special = 1; transition accept; }
}
control MyVerify(inout headers_t hdr, inout metadata_t meta) { apply { } }
control MyCompute(inout headers_t hdr, inout metadata_t meta) { apply { } }

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    register<bit<32>>(8) SEEN;
    register<bit<16>>(8) limit;
    MORE
    counter(8, CounterType.packets_and_bytes) hits;
    meter(4, MeterType.packets) rate;
    direct_counter(CounterType.packets) per_entry;
    action_selector(HashAlgorithm.crc16, 8, 14) members;
    action to_port(bit<9> port) { standard_metadata.egress_spec = port; }
    action flood(bit<16> group) { standard_metadata.mcast_grp = group; }
    action drop() { mark_to_drop(standard_metadata); }
    table PLAIN {
        key = { hdr.request.op: exact; }
        actions = { to_port; flood; drop; NoAction; }
        size = 4;
        default_action = drop();
        counters = per_entry;
    }
    table chosen {
        key = { hdr.request.cell: ternary; hdr.request.amount: range; }
        actions = { to_port; drop; NoAction; }
        size = 4;
        default_action = NoAction();
    }
    table grouped {
        key = { hdr.request.cell: exact; hdr.request.value: selector; }
        actions = { to_port; drop; NoAction; }
        implementation = members;
        size = 4;
    }
    apply {
        bit<32> count;
        bit<16> most;
        PLAIN.apply();
        chosen.apply();
        grouped.apply();
        rate.execute_meter((bit<32>)hdr.request.op & 3, meta.colour);
        hits.count((bit<32>)hdr.request.cell & 7);
        limit.read(most, (bit<32>)hdr.request.cell & 7);
        SEEN.read(count, (bit<32>)hdr.request.cell & 7);
        SEEN.write((bit<32>)hdr.request.cell & 7, count + (bit<32>)most + (bit<32>)meta.special + 1);
    }
}
control MyEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) { apply { } }
control MyDeparser(packet_out packet, in headers_t hdr) { apply { packet.emit(hdr.request); } }
V1Switch(MyParser(), MyVerify(), MyIngress(), MyEgress(), MyCompute(), MyDeparser()) main;
"""
RENAMED = {"MyIngress.seen": "MyIngress.counted", "MyIngress.plain": "MyIngress.first"}
"""Old name -> new name in the second of the new programs."""


def _program(name: str, register: str, table: str, more: str, track: Track) -> InstalledProgram:
    text = _TEXT.replace("SEEN", register).replace("PLAIN", table).replace("MORE", more)
    return installed_program(f"{name}_{track}", text, track=track)


@functools.cache
def programs(track: Track = Track.BOTH) -> tuple[InstalledProgram, InstalledProgram, InstalledProgram]:
    """The running program, its successor, and one that renames two objects."""
    return (
        _program("writers", "seen", "plain", "", track),
        _program("writers_more", "seen", "plain", "register<bit<8>>(2) later;", track),
        _program("writers_renamed", "counted", "first", "register<bit<8>>(2) later;", track),
    )


# ---------------------------------------------------------------- what a controller writes

Write = Callable[["Names"], list[p4r.Update]]


class Names:
    """Ids of a program's objects by the names that the first program gives them."""

    def __init__(self, p4info: p4i.P4Info) -> None:
        self._back = {new: old for old, new in RENAMED.items()}
        self._ids: dict[tuple[str, str], int] = {}
        for kind in ("tables", "actions", "registers", "counters", "meters", "action_profiles", "value_sets"):
            for item in getattr(p4info, kind):
                name = item.preamble.name
                self._ids[kind, self._back.get(name, name).split(".")[-1]] = item.preamble.id

    def __call__(self, kind: str, name: str) -> int:
        return self._ids[kind, name]

    def name_of(self, kind: str, number: int) -> str:
        return next(name for (k, name), found in self._ids.items() if (k, found) == (kind, number))


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")


def _action(names: Names, message: p4r.Action, name: str, value: int) -> None:
    message.action_id = names("actions", name)
    if name in ("to_port", "flood"):
        message.params.add(param_id=1, value=_number(value))


def random_write(chosen: random.Random) -> Write:
    """One or two updates of few objects, so that they often concern the same one."""
    makers = chosen.choices(_MAKERS, _WEIGHTS, k=1 if chosen.random() < 0.85 else 2)
    parts = [maker(chosen) for maker in makers]
    return lambda names: [part(names) for part in parts]


def _plain(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    kind, op = chosen.choice((INSERT, INSERT, MODIFY, DELETE)), chosen.randrange(6)
    action, value = chosen.choice((("to_port", 3), ("to_port", 4), ("flood", 1), ("drop", 0)))

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=kind)
        entry = update.entity.table_entry
        entry.table_id = names("tables", "plain")
        entry.match.add(field_id=1).exact.value = _number(op)
        if kind != DELETE:
            _action(names, entry.action.action, action, value)
        return update

    return make


def _chosen(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    kind, cell, low = chosen.choice((INSERT, INSERT, MODIFY, DELETE)), chosen.randrange(3), chosen.choice((0, 0, 5))
    value, wildcard = chosen.randrange(1, 5), chosen.random() < 0.3
    # Which of two entries of one priority wins is open in P4Runtime, so each kind of key has a priority of its own.
    priority = 1 + 2 * (0 if wildcard else cell + 1) + bool(low)

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=kind)
        entry = update.entity.table_entry
        entry.table_id, entry.priority = names("tables", "chosen"), priority
        if not wildcard:
            ternary = entry.match.add(field_id=1).ternary
            ternary.value, ternary.mask = _number(cell), b"\xff"
        if low:
            entry.match.add(field_id=2).range.low = _number(low)
            entry.match[-1].range.high = b"\xff\xff"
        if kind != DELETE:
            _action(names, entry.action.action, "to_port", value)
        return update

    return make


def _default(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    table, action = chosen.choice(("plain", "chosen")), chosen.choice(("to_port", "drop", "NoAction", ""))
    value = chosen.randrange(1, 5)

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=MODIFY)
        entry = update.entity.table_entry
        entry.table_id, entry.is_default_action = names("tables", table), True
        if action:
            _action(names, entry.action.action, action, value)
        return update

    return make


def _grouped(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    kind, cell = chosen.choice((INSERT, INSERT, MODIFY, DELETE)), chosen.randrange(4)
    group, number = chosen.random() < 0.5, chosen.randrange(1, 4)

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=kind)
        entry = update.entity.table_entry
        entry.table_id = names("tables", "grouped")
        entry.match.add(field_id=1).exact.value = _number(cell)
        if kind != DELETE and group:
            entry.action.action_profile_group_id = number
        elif kind != DELETE:
            entry.action.action_profile_member_id = number
        return update

    return make


def _member(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    kind, number, port = chosen.choice((INSERT, INSERT, MODIFY, DELETE)), chosen.randrange(1, 5), chosen.randrange(1, 5)

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=kind)
        member = update.entity.action_profile_member
        member.action_profile_id, member.member_id = names("action_profiles", "members"), number
        _action(names, member.action, "to_port", port)
        return update

    return make


def _group(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    kind, number = chosen.choice((INSERT, INSERT, MODIFY, DELETE)), chosen.randrange(1, 4)
    members, size = chosen.sample(range(1, 5), chosen.randrange(3)), chosen.choice((2, 3))

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=kind)
        group = update.entity.action_profile_group
        group.action_profile_id, group.group_id = names("action_profiles", "members"), number
        group.max_size = size
        for member in members:
            group.members.add(member_id=member, weight=1)
        return update

    return make


def _cell(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    register, index = chosen.choice(("seen", "limit")), chosen.choice((*range(8), None))
    value = chosen.randrange(1 << 16)

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=MODIFY)
        entry = update.entity.register_entry
        entry.register_id = names("registers", register)
        if index is not None:
            entry.index.index = index
        entry.data.bitstring = _number(value)
        return update

    return make


def _counter(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    index, packets = chosen.choice((*range(8), None)), chosen.randrange(100)

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=MODIFY)
        entry = update.entity.counter_entry
        entry.counter_id = names("counters", "hits")
        if index is not None:
            entry.index.index = index
        entry.data.packet_count, entry.data.byte_count = packets, packets * 3
        return update

    return make


def _direct_counter(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    op, packets = chosen.randrange(6), chosen.randrange(100)

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=MODIFY)
        entry = update.entity.direct_counter_entry
        entry.table_entry.table_id = names("tables", "plain")
        entry.table_entry.match.add(field_id=1).exact.value = _number(op)
        entry.data.packet_count = packets
        return update

    return make


def _meter(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    index, rate = chosen.randrange(4), chosen.choice((0, 10, 20))

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=MODIFY)
        entry = update.entity.meter_entry
        entry.meter_id, entry.index.index = names("meters", "rate"), index
        if rate:
            entry.config.cir, entry.config.cburst, entry.config.pir, entry.config.pburst = rate, 1, rate * 2, 2
        return update

    return make


def _value_set(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    ops = chosen.sample(range(6), chosen.randrange(4))

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=MODIFY)
        entry = update.entity.value_set_entry
        entry.value_set_id = names("value_sets", "specials")
        for op in ops:
            entry.members.add().match.add(field_id=1).exact.value = _number(op)
        return update

    return make


def _multicast(chosen: random.Random) -> Callable[[Names], p4r.Update]:
    kind, number = chosen.choice((INSERT, MODIFY, DELETE)), chosen.choice(GROUPS)
    ports = chosen.sample(range(1, 5), chosen.randrange(1, 4))

    def make(names: Names) -> p4r.Update:
        update = p4r.Update(type=kind)
        group = update.entity.packet_replication_engine_entry.multicast_group_entry
        group.multicast_group_id = number
        for port in ports:
            group.replicas.add(egress_port=port, instance=1)
        return update

    return make


_MAKERS = (
    _plain,
    _chosen,
    _default,
    _grouped,
    _member,
    _group,
    _cell,
    _counter,
    _direct_counter,
    _meter,
    _value_set,
    _multicast,
)
_WEIGHTS = (5, 3, 1, 3, 3, 2, 4, 1, 1, 1, 1, 1)
