"""A Thrift server that does to its tables and arrays what simple_switch does, without forwarding anything.

Behaviour by the sources of bmv2: one program forwards, another may be loaded, and then every request is about that one;
registers keep their width and answer with numbers cut to 2^63 - 1; entries, members and groups get handles from 0 on.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from bm_runtime.simple_pre_lag import SimplePreLAG
from bm_runtime.standard import Standard
from bm_runtime.standard.ttypes import (
    BmActionEntry,
    BmActionEntryType,
    BmAddEntryOptions,
    BmCounterValue,
    BmMtActProfGroup,
    BmMtActProfMember,
    BmMtEntry,
    BmMtEntryLife,
    DevMgrPortInfo,
    InvalidRegisterOperation,
    InvalidSwapOperation,
    InvalidTableOperation,
    RegisterOperationErrorCode,
    SwapOperationErrorCode,
    TableOperationErrorCode,
)
from finsy.proto import p4i
from sswitch_runtime import SimpleSwitch
from sswitch_runtime.ttypes import InvalidMirroringOperation, MirroringOperationErrorCode, MirroringSessionConfig
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.TMultiplexedProcessor import StoredMessageProtocol, TMultiplexedProcessor
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TTransportException

from state4.instrumentation.running import all_registers
from state4.targets.bmv2.program import p4info_of

_TOP = (1 << 63) - 1


@dataclass
class Config:
    """One loaded program and its state."""

    text: str = "{}"
    p4info: p4i.P4Info = field(default_factory=p4i.P4Info)
    registers: dict[str, list[int]] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    counters: dict[str, list[list[int]]] = field(default_factory=dict)
    meters: dict[str, list[list[Any]]] = field(default_factory=dict)
    entries: dict[str, dict[int, BmMtEntry]] = field(default_factory=dict)
    entry_counters: dict[tuple[str, int], BmCounterValue] = field(default_factory=dict)
    entry_rates: dict[tuple[str, int], list[Any]] = field(default_factory=dict)
    defaults: dict[str, BmActionEntry] = field(default_factory=dict)
    members: dict[str, dict[int, BmMtActProfMember]] = field(default_factory=dict)
    groups: dict[str, dict[int, list[int]]] = field(default_factory=dict)
    value_sets: dict[str, list[bytes]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str) -> Config:
        p4info = p4info_of(text) or p4i.P4Info()
        config = cls(text, p4info)
        for spec in all_registers(p4info):
            config.registers[spec.name], config.widths[spec.name] = [0] * spec.cells, spec.width
        for counter in p4info.counters:
            config.counters[counter.preamble.name] = [[0, 0] for _ in range(counter.size)]
        for meter in p4info.meters:
            config.meters[meter.preamble.name] = [[] for _ in range(meter.size)]
        for table in p4info.tables:
            config.entries[table.preamble.name] = {}
        return config


class FakeBmv2:
    """The handler of all three services. `calls`: how often each method was called."""

    def __init__(self) -> None:
        self.forwarding = self.addressed = Config()
        self.calls: dict[str, int] = {}
        self.sessions: dict[int, int | str] = {}
        """The port of each, or "group N"."""
        self.interfaces: dict[int, str] = {}
        self.queue_depths: dict[int | str, int] = {"others": 64}
        self.groups: dict[int, list[int]] = {}
        self.nodes: dict[int, tuple[int, str]] = {}

    def __getattribute__(self, name: str) -> Any:
        if name.startswith(("bm_", "mirroring_", "set_")):
            calls = object.__getattribute__(self, "calls")
            calls[name] = calls.get(name, 0) + 1
        return object.__getattribute__(self, name)

    # -- programs ------------------------------------------------------------------------------------------------------

    def bm_get_config(self) -> str:
        return self.addressed.text

    def bm_load_new_config(self, config_str: str) -> None:
        if self.addressed is not self.forwarding:
            raise InvalidSwapOperation(code=SwapOperationErrorCode.ONGOING_SWAP)
        self.addressed = Config.load(config_str)

    def bm_swap_configs(self) -> None:
        if self.addressed is self.forwarding:
            raise InvalidSwapOperation(code=SwapOperationErrorCode.NO_ONGOING_SWAP)
        self.forwarding = self.addressed

    # -- arrays --------------------------------------------------------------------------------------------------------

    def _cells(self, name: str, index: int = 0) -> list[int]:
        cells = self.addressed.registers.get(name)
        if cells is None:
            raise InvalidRegisterOperation(code=RegisterOperationErrorCode.INVALID_REGISTER_NAME)
        if not 0 <= index < len(cells):
            raise InvalidRegisterOperation(code=RegisterOperationErrorCode.INVALID_INDEX)
        return cells

    def bm_register_read(self, _context: int, name: str, index: int) -> int:
        return min(self._cells(name, index)[index], _TOP)

    def bm_register_read_all(self, _context: int, name: str) -> list[int]:
        return [min(cell, _TOP) for cell in self._cells(name)]

    def bm_register_write(self, _context: int, name: str, index: int, value: int) -> None:
        self._cells(name, index)[index] = value & ((1 << self.addressed.widths[name]) - 1)

    def bm_register_write_range(self, context: int, name: str, start: int, end: int, value: int) -> None:
        for index in range(start, end):
            FakeBmv2.bm_register_write(self, context, name, index, value)

    def bm_counter_read(self, _context: int, name: str, index: int) -> BmCounterValue:
        packets, count = self.addressed.counters[name][index]
        return BmCounterValue(packets=packets, bytes=count)

    def bm_counter_write(self, _context: int, name: str, index: int, value: BmCounterValue) -> None:
        self.addressed.counters[name][index] = [value.packets, value.bytes]

    def bm_meter_get_rates(self, _context: int, name: str, index: int) -> list[Any]:
        return self.addressed.meters[name][index]

    def bm_meter_set_rates(self, _context: int, name: str, index: int, rates: list[Any]) -> None:
        self.addressed.meters[name][index] = rates

    def bm_parse_vset_get(self, _context: int, name: str) -> list[bytes]:
        return self.addressed.value_sets.get(name, [])

    def bm_parse_vset_clear(self, _context: int, name: str) -> None:
        self.addressed.value_sets[name] = []

    def bm_parse_vset_add(self, _context: int, name: str, value: bytes) -> None:
        self.addressed.value_sets.setdefault(name, []).append(value)

    # -- tables --------------------------------------------------------------------------------------------------------

    def _add(self, name: str, key: list[Any], action: BmActionEntry, options: BmAddEntryOptions) -> int:
        rows = self.addressed.entries.get(name)
        if rows is None:
            raise InvalidTableOperation(code=TableOperationErrorCode.INVALID_TABLE_NAME)
        if any(row.match_key == key and row.options == options for row in rows.values()):
            raise InvalidTableOperation(code=TableOperationErrorCode.DUPLICATE_ENTRY)
        handle = max(rows, default=-1) + 1
        rows[handle] = BmMtEntry(match_key=key, options=options, entry_handle=handle, action_entry=action)
        self.addressed.entry_counters[name, handle] = BmCounterValue(packets=0, bytes=0)
        self.addressed.entry_rates[name, handle] = []
        return handle

    def bm_mt_add_entry(
        self, _c: int, name: str, key: list[Any], action: str, data: list[bytes], options: BmAddEntryOptions
    ) -> int:
        return self._add(name, key, _data_action(action, data), options)

    def bm_mt_indirect_add_entry(self, _c: int, name: str, key: list[Any], member: int, options: Any) -> int:
        row = BmActionEntry(action_type=BmActionEntryType.MBR_HANDLE, mbr_handle=member)
        return self._add(name, key, row, options)

    def bm_mt_indirect_ws_add_entry(self, _c: int, name: str, key: list[Any], group: int, options: Any) -> int:
        row = BmActionEntry(action_type=BmActionEntryType.GRP_HANDLE, grp_handle=group)
        return self._add(name, key, row, options)

    def bm_mt_get_entries(self, _context: int, name: str) -> list[BmMtEntry]:
        return list(self.addressed.entries[name].values())

    def bm_mt_get_entry_from_key(self, _context: int, name: str, key: list[Any], options: Any) -> BmMtEntry:
        for row in self.addressed.entries[name].values():
            if row.match_key == key and row.options == options:
                return row
        raise InvalidTableOperation(code=TableOperationErrorCode.BAD_MATCH_KEY)

    def bm_mt_modify_entry(self, _context: int, name: str, handle: int, action: str, data: list[bytes]) -> None:
        self.addressed.entries[name][handle].action_entry = _data_action(action, data)

    def bm_mt_delete_entry(self, _context: int, name: str, handle: int) -> None:
        del self.addressed.entries[name][handle]

    def bm_mt_set_entry_ttl(self, _context: int, name: str, handle: int, timeout_ms: int) -> None:
        self.addressed.entries[name][handle].life = BmMtEntryLife(timeout_ms=timeout_ms, time_since_hit_ms=0)

    bm_mt_indirect_set_entry_ttl = bm_mt_set_entry_ttl

    def bm_mt_read_counter(self, _context: int, name: str, handle: int) -> BmCounterValue:
        return self.addressed.entry_counters[name, handle]

    def bm_mt_write_counter(self, _context: int, name: str, handle: int, value: BmCounterValue) -> None:
        self.addressed.entry_counters[name, handle] = value

    def bm_mt_get_meter_rates(self, _context: int, name: str, handle: int) -> list[Any]:
        return self.addressed.entry_rates[name, handle]

    def bm_mt_set_meter_rates(self, _context: int, name: str, handle: int, rates: list[Any]) -> None:
        self.addressed.entry_rates[name, handle] = rates

    def bm_mt_get_default_entry(self, _context: int, name: str) -> BmActionEntry:
        return self.addressed.defaults.get(name, BmActionEntry(action_type=BmActionEntryType.NONE))

    def bm_mt_set_default_action(self, _context: int, name: str, action: str, data: list[bytes]) -> None:
        self.addressed.defaults[name] = _data_action(action, data)

    # -- action profiles -----------------------------------------------------------------------------------------------

    def bm_mt_act_prof_add_member(self, _context: int, name: str, action: str, data: list[bytes]) -> int:
        members = self.addressed.members.setdefault(name, {})
        handle = len(members)
        members[handle] = BmMtActProfMember(mbr_handle=handle, action_name=action, action_data=data)
        return handle

    def bm_mt_act_prof_get_members(self, _context: int, name: str) -> list[BmMtActProfMember]:
        return list(self.addressed.members.get(name, {}).values())

    def bm_mt_act_prof_create_group(self, _context: int, name: str) -> int:
        groups = self.addressed.groups.setdefault(name, {})
        handle = len(groups)
        groups[handle] = []
        return handle

    def bm_mt_act_prof_get_group(self, _context: int, name: str, handle: int) -> BmMtActProfGroup:
        return BmMtActProfGroup(grp_handle=handle, mbr_handles=self.addressed.groups[name][handle])

    def bm_mt_act_prof_get_groups(self, _context: int, name: str) -> list[BmMtActProfGroup]:
        groups = self.addressed.groups.get(name, {})
        return [BmMtActProfGroup(grp_handle=handle, mbr_handles=members) for handle, members in groups.items()]

    def bm_mt_act_prof_add_member_to_group(self, _context: int, name: str, member: int, group: int) -> None:
        self.addressed.groups[name][group].append(member)

    # -- the switch's own ----------------------------------------------------------------------------------------------

    def get_time_elapsed_us(self) -> int:
        return 0

    def bm_dev_mgr_show_ports(self) -> list[DevMgrPortInfo]:
        return [DevMgrPortInfo(port_num=port, iface_name=name) for port, name in self.interfaces.items()]

    def mirroring_session_add(self, session: int, config: Any) -> None:
        self.sessions[session] = config.port if config.mgid is None else f"group {config.mgid}"

    def mirroring_session_get(self, session: int) -> Any:
        if session not in self.sessions:
            raise InvalidMirroringOperation(code=MirroringOperationErrorCode.SESSION_NOT_FOUND)
        where = self.sessions[session]
        if isinstance(where, str):
            return MirroringSessionConfig(mgid=int(where.split()[1]))
        return MirroringSessionConfig(port=where)

    def mirroring_session_delete(self, session: int) -> None:
        del self.sessions[session]

    def set_all_egress_queue_depths(self, depth: int) -> int:
        self.queue_depths = {"others": depth}
        return 0

    def set_egress_queue_depth(self, port: int, depth: int) -> int:
        self.queue_depths[port] = depth
        return 0

    def bm_mc_get_entries(self, _context: int) -> str:
        nodes = [{"handle": h, "rid": instance, "l2_handle": h} for h, (instance, _) in self.nodes.items()]
        ports = {h: [at for at, bit in enumerate(reversed(bits)) if bit == "1"] for h, (_, bits) in self.nodes.items()}
        return json.dumps(
            {
                "mgrps": [{"id": group, "l1_handles": handles} for group, handles in self.groups.items()],
                "l1_handles": nodes,
                "l2_handles": [{"handle": handle, "ports": found, "lags": []} for handle, found in ports.items()],
            }
        )

    def bm_mc_mgrp_create(self, _context: int, group: int) -> int:
        self.groups[group] = []
        return group

    def bm_mc_mgrp_destroy(self, _context: int, group: int) -> None:
        del self.groups[group]

    def bm_mc_node_create(self, _context: int, instance: int, ports: str, _lags: str) -> int:
        handle = max(self.nodes, default=-1) + 1
        self.nodes[handle] = instance, ports
        return handle

    def bm_mc_node_associate(self, _context: int, group: int, node: int) -> None:
        self.groups[group].append(node)

    def bm_mc_node_dissociate(self, _context: int, group: int, node: int) -> None:
        self.groups[group].remove(node)

    def bm_mc_node_destroy(self, _context: int, node: int) -> None:
        del self.nodes[node]


def _data_action(name: str, data: list[bytes]) -> BmActionEntry:
    return BmActionEntry(action_type=BmActionEntryType.ACTION_DATA, action_name=name, action_data=data)


class _Processor(TMultiplexedProcessor):  # type: ignore[misc]
    """Answers a call of an unknown service as bmv2 does: with an exception, and then it hangs up."""

    def process(self, iprot: TBinaryProtocolAccelerated, oprot: TBinaryProtocolAccelerated) -> None:
        name, kind, number = iprot.readMessageBegin()
        service, _, call = name.partition(":")
        if service in self.services:
            return self.services[service].process(StoredMessageProtocol(iprot, (call, kind, number)), oprot)
        iprot.skip(TType.STRUCT)
        iprot.readMessageEnd()
        oprot.writeMessageBegin(name, TMessageType.EXCEPTION, number)
        TApplicationException(TApplicationException.PROTOCOL_ERROR, f"Unknown service: {service}").write(oprot)
        oprot.writeMessageEnd()
        oprot.trans.flush()
        raise TTransportException(TTransportException.NOT_OPEN)


@contextmanager
def serving(fake: FakeBmv2, *, last_service_after_s: float = 0.0) -> Iterator[str]:
    """The address at which a fake answers, to any number of clients. Its services begin one after the other."""
    processor = _Processor()
    processor.registerProcessor("standard", Standard.Processor(fake))
    processor.registerProcessor("simple_pre_lag", SimplePreLAG.Processor(fake))
    last = threading.Timer(
        last_service_after_s, processor.registerProcessor, ("simple_switch", SimpleSwitch.Processor(fake))
    )
    last.daemon = True
    last.start()
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=_obey, args=(processor, client), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        last.cancel()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _obey(processor: _Processor, client: socket.socket) -> None:
    plain = TSocket()
    plain.setHandle(client)
    protocol = TBinaryProtocolAccelerated(TBufferedTransport(plain))
    with suppress(TTransportException, OSError):
        while True:
            processor.process(protocol, protocol)
    client.close()
