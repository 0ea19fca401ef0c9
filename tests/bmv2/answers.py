"""A list of Thrift calls, good ones and bad ones, and what a switch answers to each.

What may differ from switch to switch is not asked: times, ids of bmv2's JSON, and what docs/thrift.md names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bm_runtime.simple_pre_lag import SimplePreLAG
from bm_runtime.standard import Standard
from bm_runtime.standard.ttypes import (
    BmAddEntryOptions,
    BmCounterValue,
    BmMatchParam,
    BmMatchParamExact,
    BmMatchParamLPM,
    BmMatchParamRange,
    BmMatchParamTernary,
    BmMatchParamType,
    BmMeterRateConfig,
)
from sswitch_runtime import SimpleSwitch
from sswitch_runtime.ttypes import MirroringSessionConfig
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.Thrift import TException
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport

_SERVICES = {"standard": Standard, "simple_pre_lag": SimplePreLAG, "simple_switch": SimpleSwitch}
_EXACTS, _TERNARIES, _CHOSEN = "MyIngress.exacts", "MyIngress.ternaries", "MyIngress.chosen"
_SMALL, _LARGE, _WIDE, _SEEN, _RATE = (f"MyIngress.{name}" for name in ("small", "large", "wide", "seen", "rate"))
_PACED, _TO, _WAYS = "MyIngress.paced", "MyIngress.to", "MyIngress.ways"
Call = tuple[Any, ...]
"""The call's name and its arguments; those of the services `standard` and `simple_pre_lag` begin with the context."""


def answers(host: str, port: int, config: str) -> Iterator[str]:
    """Loads the configuration of a program (tests/bmv2/entities.STATE) and asks; a line for each call."""
    transport = TBufferedTransport(TSocket(host, port))
    transport.open()
    try:
        clients = {
            name: module.Client(TMultiplexedProtocol(TBinaryProtocol(transport), name))
            for name, module in _SERVICES.items()
        }
        clients["standard"].bm_load_new_config(config)
        clients["standard"].bm_swap_configs()
        for call, *arguments in (*_ENTRIES, *_DEFAULTS, *_PROFILES, *_ARRAYS, *_REPLICATION, *_SWITCH):
            if any(hasattr(client, call) for client in clients.values()):  # some bindings are older than some calls
                yield f"{call}{tuple(arguments)}: {_answer(clients, call, arguments)}"
    finally:
        transport.close()


def _answer(clients: Mapping[str, Any], call: str, arguments: list[Any]) -> str:
    client = next(client for client in clients.values() if hasattr(client, call))
    try:
        return repr(getattr(client, call)(*arguments))
    except TException as error:
        code = getattr(error, "code", None)
        return f"{type(error).__name__} {getattr(error, 'message', '') if code is None else code}"


def _exact(value: int, size: int = 1) -> Any:
    return BmMatchParam(type=BmMatchParamType.EXACT, exact=BmMatchParamExact(value.to_bytes(size, "big")))


def _row(value: int, mask: int, prefix: int = 0, high: int = 255) -> list[Any]:
    """A key of `ternaries`."""
    numbers = [number.to_bytes(8, "big") for number in (value, mask)]
    return [
        BmMatchParam(type=BmMatchParamType.TERNARY, ternary=BmMatchParamTernary(*numbers)),
        BmMatchParam(type=BmMatchParamType.LPM, lpm=BmMatchParamLPM(b"\xab\xcd", prefix)),
        BmMatchParam(type=BmMatchParamType.RANGE, range=BmMatchParamRange(b"\3", bytes([high]))),
        BmMatchParam(type=BmMatchParamType.TERNARY, ternary=BmMatchParamTernary(b"\7", b"\xff")),
    ]


def _rates(*rates: tuple[float, int]) -> list[Any]:
    return [BmMeterRateConfig(rate, burst) for rate, burst in rates]


_ANY, _TENTH = BmAddEntryOptions(priority=0), BmAddEntryOptions(priority=10)
_REUSED = 1 << 24
"""In a handle: its index was freed once."""

_ENTRIES: tuple[Call, ...] = (
    ("bm_mt_add_entry", 0, _EXACTS, [_exact(1)], _PACED, [b"\0\3"], _ANY),
    ("bm_mt_add_entry", 0, _EXACTS, [_exact(2)], _PACED, [b"\0\4"], _ANY),
    ("bm_mt_add_entry", 0, _EXACTS, [_exact(2)], _PACED, [b"\0\4"], _ANY),
    ("bm_mt_add_entry", 0, "none", [_exact(2)], _PACED, [b"\0\4"], _ANY),
    ("bm_mt_add_entry", 0, _EXACTS, [_exact(3)], "none", [b"\0\4"], _ANY),
    ("bm_mt_add_entry", 0, _EXACTS, [_exact(3)], _PACED, [], _ANY),
    ("bm_mt_add_entry", 0, _EXACTS, [_exact(3), _exact(3)], _PACED, [b"\0\4"], _ANY),
    ("bm_mt_add_entry", 0, _CHOSEN, [_exact(3)], _TO, [b"\0\4"], _ANY),
    ("bm_mt_get_num_entries", 0, _EXACTS),
    ("bm_mt_delete_entry", 0, _EXACTS, 0),
    ("bm_mt_delete_entry", 0, _EXACTS, 0),
    ("bm_mt_delete_entry", 0, _EXACTS, 77),
    ("bm_mt_add_entry", 0, _EXACTS, [_exact(9)], _PACED, [b"\0\5"], _ANY),
    ("bm_mt_modify_entry", 0, _EXACTS, 0, _PACED, [b"\0\6"]),
    ("bm_mt_modify_entry", 0, _EXACTS, _REUSED, _PACED, [b"\0\6"]),
    ("bm_mt_get_entry", 0, _EXACTS, _REUSED),
    ("bm_mt_get_entry", 0, _EXACTS, 1),
    ("bm_mt_get_entry_from_key", 0, _EXACTS, [_exact(9)], _ANY),
    ("bm_mt_get_entry_from_key", 0, _EXACTS, [_exact(8)], _ANY),
    ("bm_mt_set_meter_rates", 0, _EXACTS, 1, _rates((0.1, 5), (0.25, 6))),
    ("bm_mt_get_meter_rates", 0, _EXACTS, 1),
    ("bm_mt_set_meter_rates", 0, _TERNARIES, 1, _rates((0.1, 5), (0.25, 6))),
    ("bm_mt_read_counter", 0, _EXACTS, 1),
    ("bm_mt_add_entry", 0, _TERNARIES, _row(5, 0xFF), _TO, [b"\2"], _TENTH),
    ("bm_mt_add_entry", 0, _TERNARIES, _row(5, 0xFF), _TO, [b"\2"], _TENTH),
    ("bm_mt_add_entry", 0, _TERNARIES, _row(5, 0xFF, prefix=9, high=200), _TO, [b"\3"], _ANY),
    ("bm_mt_get_entry_from_key", 0, _TERNARIES, _row(5, 0xFF), _TENTH),
    ("bm_mt_write_counter", 0, _TERNARIES, 0, BmCounterValue(bytes=600, packets=6)),
    ("bm_mt_read_counter", 0, _TERNARIES, 0),
    ("bm_mt_reset_counters", 0, _TERNARIES),
    ("bm_mt_read_counter", 0, _TERNARIES, 0),
    ("bm_mt_set_entry_ttl", 0, _TERNARIES, 0, 5000),
    ("bm_mt_set_entry_ttl", 0, _EXACTS, 1, 5000),
    ("bm_mt_set_entry_ttl", 0, _TERNARIES, 0, 0),
    ("bm_mt_get_entries", 0, _TERNARIES),
    ("bm_mt_clear_entries", 0, _TERNARIES, False),
    ("bm_mt_get_entries", 0, _TERNARIES),
    ("bm_mt_get_entries", 0, "none"),
)
_DEFAULTS: tuple[Call, ...] = (
    ("bm_mt_get_default_entry", 0, _EXACTS),
    ("bm_mt_set_default_action", 0, _EXACTS, _PACED, [b"\1"]),
    ("bm_mt_get_default_entry", 0, _EXACTS),
    ("bm_mt_set_default_action", 0, _EXACTS, "none", []),
    ("bm_mt_set_default_action", 0, _EXACTS, _PACED, []),
    ("bm_mt_reset_default_entry", 0, _EXACTS),
    ("bm_mt_get_default_entry", 0, _EXACTS),
    ("bm_mt_set_default_action", 0, _CHOSEN, _TO, [b"\1"]),
)
_PROFILES: tuple[Call, ...] = (
    ("bm_mt_act_prof_add_member", 0, _WAYS, _TO, [b"\2"]),
    ("bm_mt_act_prof_add_member", 0, _WAYS, _TO, [b"\3"]),
    ("bm_mt_act_prof_add_member", 0, "none", _TO, [b"\3"]),
    ("bm_mt_act_prof_create_group", 0, _WAYS),
    ("bm_mt_indirect_ws_add_entry", 0, _CHOSEN, [_exact(1)], 0, _ANY),
    ("bm_mt_act_prof_add_member_to_group", 0, _WAYS, 1, 0),
    ("bm_mt_act_prof_add_member_to_group", 0, _WAYS, 1, 0),
    ("bm_mt_act_prof_add_member_to_group", 0, _WAYS, 7, 0),
    ("bm_mt_act_prof_add_member_to_group", 0, _WAYS, 1, 7),
    ("bm_mt_act_prof_remove_member_from_group", 0, _WAYS, 0, 0),
    ("bm_mt_indirect_ws_add_entry", 0, _CHOSEN, [_exact(1)], 0, _ANY),
    ("bm_mt_indirect_add_entry", 0, _CHOSEN, [_exact(2)], 0, _ANY),
    ("bm_mt_indirect_add_entry", 0, _CHOSEN, [_exact(3)], 9, _ANY),
    ("bm_mt_indirect_add_entry", 0, _EXACTS, [_exact(3)], 0, _ANY),
    ("bm_mt_get_entries", 0, _CHOSEN),
    ("bm_mt_act_prof_delete_member", 0, _WAYS, 1),
    ("bm_mt_act_prof_delete_group", 0, _WAYS, 0),
    ("bm_mt_get_default_entry", 0, _CHOSEN),
    ("bm_mt_indirect_set_default_member", 0, _CHOSEN, 0),
    ("bm_mt_get_default_entry", 0, _CHOSEN),
    ("bm_mt_indirect_ws_set_default_group", 0, _CHOSEN, 0),
    ("bm_mt_get_default_entry", 0, _CHOSEN),
    ("bm_mt_indirect_set_default_member", 0, _CHOSEN, 8),
    ("bm_mt_indirect_ws_set_default_group", 0, _CHOSEN, 8),
    ("bm_mt_indirect_reset_default_entry", 0, _CHOSEN),
    ("bm_mt_get_default_entry", 0, _CHOSEN),
    ("bm_mt_indirect_modify_entry", 0, _CHOSEN, 0, 1),
    ("bm_mt_indirect_ws_modify_entry", 0, _CHOSEN, 1, 0),
    ("bm_mt_indirect_delete_entry", 0, _CHOSEN, 0),
    ("bm_mt_indirect_delete_entry", 0, _CHOSEN, 1),
    ("bm_mt_act_prof_get_members", 0, _WAYS),
    ("bm_mt_act_prof_get_groups", 0, _WAYS),
    ("bm_mt_act_prof_get_member", 0, _WAYS, 9),
    ("bm_mt_act_prof_remove_member_from_group", 0, _WAYS, 1, 0),
    ("bm_mt_act_prof_delete_group", 0, _WAYS, 0),
    ("bm_mt_act_prof_modify_member", 0, _WAYS, 1, _TO, [b"\1\1"]),
    ("bm_mt_act_prof_get_member", 0, _WAYS, 1),
    ("bm_mt_act_prof_delete_member", 0, _WAYS, 0),
)
_ARRAYS: tuple[Call, ...] = (
    ("bm_register_write", 0, _SMALL, 99, 0x12345),
    ("bm_register_write_range", 0, _SMALL, 1, 4, 7),
    ("bm_register_read_all", 0, _SMALL),
    ("bm_register_read", 0, _SMALL, 99),
    ("bm_register_read", 0, _SMALL, 100),
    ("bm_register_write", 0, _SMALL, 100, 1),
    ("bm_register_write_range", 0, _SMALL, 90, 101, 1),
    ("bm_register_reset", 0, _SMALL),
    ("bm_register_read", 0, _SMALL, 99),
    ("bm_register_read", 0, "none", 0),
    ("bm_register_write", 0, _LARGE, 0, -1),
    ("bm_register_read", 0, _LARGE, 0),
    ("bm_register_write", 0, _WIDE, 0, 1 << 50),
    ("bm_register_read_all", 0, _WIDE),
    ("bm_counter_write", 0, _SEEN, 3, BmCounterValue(bytes=700, packets=7)),
    ("bm_counter_read", 0, _SEEN, 3),
    ("bm_counter_read", 0, _SEEN, 8),
    ("bm_counter_read", 0, "none", 0),
    ("bm_counter_reset_all", 0, _SEEN),
    ("bm_counter_read", 0, _SEEN, 3),
    ("bm_meter_set_rates", 0, _RATE, 1, _rates((0.001, 1), (0.5, 2))),
    ("bm_meter_get_rates", 0, _RATE, 1),
    ("bm_meter_get_rates", 0, _RATE, 0),
    ("bm_meter_set_rates", 0, _RATE, 3, _rates((0.001, 1), (0.5, 2))),
    ("bm_meter_set_rates", 0, _RATE, 1, _rates((0.001, 1))),
    ("bm_meter_set_rates", 0, _RATE, 1, _rates((0.5, 1), (0.001, 2))),
    ("bm_meter_array_set_rates", 0, _RATE, _rates((0.25, 3), (0.5, 4))),
    ("bm_meter_get_rates", 0, _RATE, 2),
    ("bm_meter_get_rates", 0, "none", 0),
    ("bm_parse_vset_get", 0, "none"),
)
_REPLICATION: tuple[Call, ...] = (
    ("bm_mc_mgrp_create", 0, 5),
    ("bm_mc_mgrp_create", 0, 5),
    ("bm_mc_node_create", 0, 3, "110", ""),
    ("bm_mc_node_create", 0, 4, "1", ""),
    ("bm_mc_node_associate", 0, 5, 0),
    ("bm_mc_node_associate", 0, 5, 9),
    ("bm_mc_node_associate", 0, 9, 0),
    ("bm_mc_node_update", 0, 0, "1010", ""),
    ("bm_mc_node_dissociate", 0, 5, 0),
    ("bm_mc_node_destroy", 0, 0),
    ("bm_mc_node_destroy", 0, 0),
    ("bm_mc_node_destroy", 0, 1),
    ("bm_mc_mgrp_destroy", 0, 5),
    ("mirroring_session_add", 7, MirroringSessionConfig(port=2)),
    ("mirroring_session_get", 7),
    ("mirroring_session_add", 7, MirroringSessionConfig(mgid=5)),
    ("mirroring_session_get", 7),
    ("mirroring_session_delete", 7),
    ("mirroring_session_get", 7),
    ("mirroring_session_delete", 7),
    ("mirroring_mapping_add", 8, 3),
    ("mirroring_mapping_get_egress_port", 8),
    ("mirroring_mapping_delete", 8),
    ("mirroring_mapping_get_egress_port", 8),
)
_SWITCH: tuple[Call, ...] = (
    ("set_egress_queue_depth", 1, 10),
    ("set_egress_queue_rate", 1, 1000),
    ("set_egress_priority_queue_depth", 1, 0, 10),
    ("set_egress_priority_queue_rate", 1, 0, 1000),
    ("set_all_egress_queue_depths", 64),
    ("set_all_egress_queue_rates", 0),
    ("bm_learning_ack_buffer", 0, 9, 0),
    ("bm_get_id_from_name", 0, 1, "none"),
    ("bm_swap_configs",),
    ("bm_reset_state",),
    ("bm_mt_get_num_entries", 0, _EXACTS),
)
