"""Controllers that write while the program is changed, on a switch and on one that is never changed, in lockstep.

Every step of a reconfiguration is a place where packets come and controllers write. What is acknowledged by one switch
has to be acknowledged by the other, and in the end both have to have the same entries and the same state.
"""

from __future__ import annotations

import functools
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from finsy.proto import p4i, p4r

from softswitch.server.device.arbitration import Client
from softswitch.server.device.device import Device
from softswitch.server.errors import Code, Refused
from softswitch.server.program.config import Config
from state4.cim import Track
from state4.errors import State4Error
from state4.plan.entities import wanted_entities
from state4.plan.state_map import StateMap
from state4.programs import InstalledProgram
from state4.reconfigure import Outcome, prepare, reconfigure
from state4.strategies import load_strategy
from tests.state4_programs import request
from tests.switch.state4.bench import BenchTarget, Schedule
from tests.switch.state4.generated import installed_program

ROLES = ("a", "b", "c")
EXACT = ("state4_exact", "precopy", "reconcile")
INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE
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
    """The running one, its successor, and one that has other names for two things."""
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
    """One or two updates about few things, so that they often concern the same one."""
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


# ---------------------------------------------------------------- what a switch has


def described(device: Device, config: Config, *, counts: bool) -> list[str]:
    """Everything that controllers put there, by names. `counts`: also what direct counters count."""
    names = Names(config.p4info)
    entities = [*wanted_entities(config.p4info)]
    for number in GROUPS:
        entry = p4r.MulticastGroupEntry(multicast_group_id=number)
        wanted = p4r.PacketReplicationEngineEntry(multicast_group_entry=entry)
        entities.append(p4r.Entity(packet_replication_engine_entry=wanted))
    answers = device.batches.read(config, p4r.ReadRequest(device_id=1, entities=entities))
    return sorted(_described(names, entity, counts) for answer in answers for entity in answer.entities)


def _described(names: Names, entity: p4r.Entity, counts: bool) -> str:
    kind = entity.WhichOneof("entity") or ""
    message: Any = getattr(entity, kind)
    where = ""
    if kind == "table_entry":
        where = names.name_of("tables", message.table_id)
        message.table_id = 0
        if not counts:
            message.ClearField("counter_data")
        if message.action.HasField("action") and message.action.action.action_id:
            where += f" {names.name_of('actions', message.action.action.action_id)}"
            message.action.action.action_id = 0
    elif kind == "action_profile_member" and message.action.action_id:
        where = names.name_of("actions", message.action.action_id)
        message.action.action_id = 0
    return f"{kind} {where} {str(message).split()}"


# ---------------------------------------------------------------- both switches


@dataclass
class Side:
    """One switch with three controllers of roles of their own."""

    target: BenchTarget

    def __post_init__(self) -> None:
        for number, role in enumerate(ROLES):
            update = p4r.MasterArbitrationUpdate(device_id=1, election_id=p4r.Uint128(low=number + 5))
            update.role.name = role
            self.target.device.arbitration.update(Client(lambda _: None), update)
        self._names: tuple[p4i.P4Info, Names] | None = None

    @property
    def names(self) -> Names:
        running = self.target.running()
        if self._names is None or self._names[0] is not running:
            self._names = (running, Names(running))
        return self._names[1]

    def write(self, who: int, write: Write, atomicity: int) -> list[int]:
        """The code of each update."""
        updates = write(self.names)
        message = p4r.WriteRequest(
            device_id=1,
            role=ROLES[who],
            election_id=p4r.Uint128(low=who + 5),
            updates=updates,
            atomicity=p4r.WriteRequest.Atomicity.Name(atomicity),
        )
        try:
            self.target.device.write(message)
        except Refused as refused:
            return [detail.canonical_code for detail in refused.details] or [refused.code]
        return [Code.OK] * len(updates)


@dataclass
class Lockstep:
    """`strategy` changes the program of one switch while packets and writes come to both, from `seed`. `busy`: how much
    comes before each step. `ways`: what the switch can do."""

    strategy: str
    seed: int
    busy: float = 1.5
    renamed: bool = False
    can_hold: bool = True
    can_hand_over: bool = True
    writes: bool = True
    packets: bool = True
    outcome: Outcome | None = None
    failure: Exception | None = None
    acknowledged: int = 0
    refused: int = 0
    differences: list[str] = field(default_factory=list)

    def run(self) -> Lockstep:
        self._chosen = random.Random(self.seed)
        self._waiting: deque[tuple[int, Write, int]] = deque()
        # A switch alone keeps a dirty map only as it is, and the new programs have one of another size.
        old, plain, renamed = programs(Track.CLONES if self.strategy == "reconcile" else Track.BOTH)
        self._sides = [Side(BenchTarget([], Schedule(delay=self._chosen.randrange(3)), can_hold=self.can_hold))]
        self._sides.append(Side(BenchTarget([], Schedule())))
        changed, same = (side.target for side in self._sides)
        changed.can_hand_over = self.can_hand_over
        try:
            for side in self._sides:
                side.target.install(old)
            for _ in range(30):
                self._event()
            changed.on_step = lambda _name: self._events()
            names = RENAMED if self.renamed else {}
            try:
                context = prepare(changed, renamed if self.renamed else plain, state_map=StateMap(names=names))
                self.outcome = reconfigure(load_strategy(self.strategy), context)
            except (State4Error, Refused) as error:
                self.failure = error
            changed.on_step = None
            for _ in range(10):
                self._event()
            self._compare(changed, same)
        finally:
            changed.close()
            same.close()
        return self

    def _events(self) -> None:
        while self._chosen.random() < self.busy / (1 + self.busy):
            self._event()

    def _event(self) -> None:
        changed = self._sides[0].target
        if changed.held:
            return  # packets wait, and so do writers
        current = changed.device.changes.current
        held = current is not None and current.writers_wait_s > 0
        while self._waiting and not held:
            self._write(*self._waiting.popleft())
        if self._chosen.random() < 0.5:
            self._packet()
            return
        if not self.writes:
            return
        write = (self._chosen.randrange(3), random_write(self._chosen), self._chosen.randrange(3))
        if held:
            self._waiting.append(write)
        else:
            self._write(*write)

    def _packet(self) -> None:
        if not self.packets:
            return
        chosen = self._chosen
        frame = request(chosen.randrange(6), chosen.randrange(8), chosen.randrange(10), chosen.randrange(1 << 16))
        came = []
        for side in self._sides:
            side.target.switch.set_time(1_000_000)
            came.append(side.target.receive(1, frame))
        if came[0] != came[1]:
            self.differences.append(f"a packet came out as {came[0]}, not {came[1]}")

    def _write(self, who: int, write: Write, atomicity: int) -> None:
        codes = [side.write(who, write, atomicity) for side in self._sides]
        if codes[0] != codes[1]:
            self.differences.append(f"a write was answered {codes[0]}, not {codes[1]}: {write(self._sides[1].names)}")
        self.acknowledged += codes[0].count(Code.OK)
        self.refused += len(codes[0]) - codes[0].count(Code.OK)

    def _compare(self, changed: BenchTarget, same: BenchTarget) -> None:
        exact = self.strategy in EXACT or self.failure is not None
        for one, other, what in (
            (self._entries(changed, exact), self._entries(same, exact), "entities"),
            (*(_own_registers(t, self.strategy, exact) for t in (changed, same)), "registers"),
            (changed.counts() if exact else {}, same.counts() if exact else {}, "counters"),
        ):
            if one != other:
                self.differences.append(f"{what} differ: {_difference(one, other)}")

    def _entries(self, target: BenchTarget, exact: bool) -> list[str]:
        return described(target.device, target.config, counts=exact)


def _registers(target: BenchTarget, exact: bool) -> dict[str, Sequence[int]]:
    """By the first program's names; those that packets write only where nothing of theirs may be lost."""
    back = {new: old for old, new in RENAMED.items()}
    found = {back.get(name, name): cells for name, cells in target.state().items() if not name.endswith("later")}
    return found if exact else {"MyIngress.limit": found["MyIngress.limit"]}


def _own_registers(target: BenchTarget, strategy: str, exact: bool) -> dict[str, Sequence[int]]:
    """Swing State leaves behind what was written before it began."""
    return {} if strategy == "swing_state" and not exact else _registers(target, exact)


def _difference(one: Any, other: Any) -> str:
    if isinstance(one, list):
        return f"only there: {sorted(set(one) - set(other))}; missing: {sorted(set(other) - set(one))}"
    return f"{one}, not {other}"
