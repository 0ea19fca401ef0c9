"""Calls on the switch and its programs: loading and swapping, state as a whole, ports, learning, hashes."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from bm_runtime.standard.ttypes import (
    BmConfig,
    BmResourceType,
    CrcErrorCode,
    DevMgrErrorCode,
    DevMgrPortInfo,
    IdLookupErrorCode,
    InvalidCrcOperation,
    InvalidDevMgrOperation,
    InvalidIdLookup,
    InvalidLearnOperation,
    InvalidSwapOperation,
    LearnOperationErrorCode,
    SwapOperationErrorCode,
)
from finsy.proto import p4r
from google.protobuf.json_format import MessageToDict
from thrift.Thrift import TApplicationException

from softswitch.build.device_config import parse
from softswitch.compat.bmv2_config import config_json, describe, is_described
from softswitch.compat.thrift.learning import LearnLists
from softswitch.compat.thrift.multicast import MulticastCalls
from softswitch.dataplane.crcs import CrcParameters
from softswitch.errors import SwitchError
from softswitch.server.device.unelected import Unelected
from softswitch.server.errors import Code, Refused
from softswitch.server.program.config import Config

log = logging.getLogger(__name__)
STATE_FORMAT = 1
_MAX_PORT = 511
_MAX_INTERFACE_NAME = 15
_SECTIONS = {
    BmResourceType.COUNTER: "counter_arrays",
    BmResourceType.METER: "meter_arrays",
    BmResourceType.REGISTER: "register_arrays",
    BmResourceType.LEARNING_LIST: "learn_lists",
}


@dataclass(frozen=True)
class SwitchOptions:
    """`interfaces`: name of each port's network interface. `enable_swap`: whether clients may load programs;
    `enable_ports`: whether they may open and close ports, on any interface that the switch can. `notifications`: where
    they subscribe for digests (ipc://PATH, tcp://HOST:PORT); None: none are sent."""

    port: int
    interfaces: dict[int, str] = field(default_factory=dict)
    enable_swap: bool = False
    enable_ports: bool = False
    ring_frames: int | None = None
    notifications: str | None = None


class ProgramCalls:
    """Handlers. An error without a typed exception becomes a TApplicationException with its text."""

    def __init__(
        self, clients: Unelected, multicast: MulticastCalls, options: SwitchOptions, learning: LearnLists | None = None
    ) -> None:
        self.learning = learning
        self.notifications: str | None = None
        """The address, once they are sent."""
        self._clients = clients
        self._multicast = multicast
        self._options = options
        self._interfaces = dict(options.interfaces)
        self._texts: WeakKeyDictionary[Config, str] = WeakKeyDictionary()

    # ---- programs ----

    def bm_get_config(self) -> str:
        """The file that a client loaded, else the description of the program."""
        try:
            with self._clients.reading() as config:
                pass
        except Refused:
            return "{}"
        found = self._texts.get(config)
        if found is None:
            found = self._texts[config] = _described(config)
        return found

    def bm_get_config_md5(self) -> bytes:
        return hashlib.md5(self.bm_get_config().encode(), usedforsecurity=False).digest()

    def bm_load_new_config(self, text: str) -> None:
        self._check_swap()
        try:
            self._clients.save(_source_of(text))
        except Refused as refused:
            if refused.code == Code.ABORTED:
                _fail_swap(SwapOperationErrorCode.ONGOING_SWAP, refused.message)
            raise _application_error(refused.message) from None

    def bm_swap_configs(self) -> None:
        self._check_swap()
        try:
            self._clients.commit()
        except Refused as refused:
            if refused.code == Code.FAILED_PRECONDITION:
                _fail_swap(SwapOperationErrorCode.NO_ONGOING_SWAP, refused.message)
            raise _application_error(refused.message) from None

    def _check_swap(self) -> None:
        if not self._options.enable_swap:
            _fail_swap(SwapOperationErrorCode.CONFIG_SWAP_DISABLED, "the switch runs without --enable-swap")

    def bm_get_id_from_name(self, _context: int, kind: int, name: str) -> int:
        try:
            with self._clients.reading() as config:
                found = describe(config.compiled.info)
        except Refused:
            found = {"pipelines": [{"tables": [], "action_profiles": []}]}
        pipeline = found["pipelines"][0]
        parts = {BmResourceType.MATCH_TABLE: "tables", BmResourceType.ACTION_PROFILE: "action_profiles"}
        if kind in parts:
            items = pipeline[parts[kind]]
        elif kind in _SECTIONS:
            items = found.get(_SECTIONS[kind], [])
        else:
            raise InvalidIdLookup(code=IdLookupErrorCode.INVALID_RESOURCE_TYPE)
        for item in items:
            if item["name"] == name:
                return int(item["id"])
        raise InvalidIdLookup(code=IdLookupErrorCode.INVALID_RESOURCE_NAME)

    # ---- state as a whole ----

    def bm_reset_state(self) -> None:
        """Resets the state to that of a program just loaded and removes multicast groups; mirror sessions stay, as in
        bmv2."""
        try:
            self._clients.reset()
        except Refused as refused:
            if refused.code != Code.FAILED_PRECONDITION:  # without a program there is nothing to reset
                raise _application_error(refused.message) from None
        self._multicast.reset()
        self._learning(lambda lists, config: lists.reset(config))

    def bm_serialize_state(self) -> str:
        """JSON with P4Runtime's entities, and registers' cells as base64 of little-endian numbers."""
        try:
            with self._clients.reading() as config, self._clients.device.switch.safe_point():
                reading = self._clients.device.batches.take(config, p4r.ReadRequest(entities=_everything()))
                registers = {name: register.read().tobytes() for name, register in config.pipeline.registers.items()}
        except Refused as refused:
            raise _application_error(refused.message) from None
        widths = {name: register.info.cell_bytes for name, register in config.pipeline.registers.items()}
        state = {
            "softswitch_state": STATE_FORMAT,
            "config_md5": self.bm_get_config_md5().hex(),
            "entities": [MessageToDict(entity) for part in reading.responses() for entity in part.entities],
            "registers": {
                name: {"cell_bytes": widths[name], "cells": base64.b64encode(cells).decode()}
                for name, cells in registers.items()
            },
        }
        return json.dumps(state, indent=1)

    # ---- the switch ----

    def bm_mgmt_get_info(self) -> Any:
        info = BmConfig(device_id=self._clients.device.device_id, thrift_port=self._options.port)
        info.notifications_socket = self.notifications
        return info

    def bm_dev_mgr_show_ports(self) -> list[Any]:
        with self._clients.writing_switch():
            ports = self._clients.device.switch.stats().ports
            return [
                DevMgrPortInfo(port_num=port, iface_name=self._interfaces.get(port, ""), is_up=stats.up, extra={})
                for port, stats in sorted(ports.items())
            ]

    def bm_dev_mgr_add_port(self, interface: str, port: int, pcap: str) -> None:
        self._check_ports()
        if pcap:
            _fail_port("clients cannot make the switch write files: leave out the capture file")
        if not 0 <= port <= _MAX_PORT or not 0 < len(interface.encode()) <= _MAX_INTERFACE_NAME:
            _fail_port(f"port {port} or interface {interface!r} is not valid")
        try:
            with self._clients.writing_switch():
                self._clients.device.switch.add_interface(port, interface, self._options.ring_frames)
                self._interfaces[port] = interface
        except (SwitchError, Refused) as error:
            _fail_port(str(error))

    def bm_dev_mgr_remove_port(self, port: int) -> None:
        self._check_ports()
        try:
            with self._clients.writing_switch():
                self._clients.device.switch.remove_port(port)
                self._interfaces.pop(port, None)
        except (SwitchError, Refused, OverflowError) as error:
            _fail_port(str(error))

    def _check_ports(self) -> None:
        if not self._options.enable_ports:
            _fail_port("the switch runs without --enable-ports")

    # ---- learning: digests go to all who subscribed, and to P4Runtime's clients, whose settings are their own ----

    def bm_learning_ack(self, _context: int, number: int, buffer: int, samples: Sequence[int]) -> None:
        self._check_list(number)
        self._learning(lambda lists, config: lists.acknowledge(config, number, buffer, samples))

    def bm_learning_ack_buffer(self, _context: int, number: int, buffer: int) -> None:
        self._check_list(number)
        self._learning(lambda lists, config: lists.acknowledge(config, number, buffer))

    def bm_learning_set_timeout(self, _context: int, number: int, timeout_ms: int) -> None:
        self._check_list(number)
        self._learning(lambda lists, config: lists.set_timeout(config, number, max(0, timeout_ms)))

    def bm_learning_set_buffer_size(self, _context: int, number: int, samples: int) -> None:
        self._check_list(number)
        self._learning(lambda lists, config: lists.set_max_samples(config, number, max(1, samples)))

    def _learning(self, do: Callable[[LearnLists, Config], None]) -> None:
        """Nothing if no notifications are sent, or no program runs."""
        if self.learning is None:
            return
        with suppress(Refused), self._clients.reading() as config:
            do(self.learning, config)

    def _check_list(self, number: int) -> None:
        try:
            with self._clients.reading() as config:
                known = 1 <= number <= len(config.compiled.info.digests)
        except Refused:
            known = False
        if not known:
            raise InvalidLearnOperation(code=LearnOperationErrorCode.INVALID_LIST_ID)

    # ---- hashes: crc16_custom and crc32_custom ----

    def bm_set_crc16_custom_parameters(self, _context: int, name: str, config: Any) -> None:
        self._set_crc(name, 16, config)

    def bm_set_crc32_custom_parameters(self, _context: int, name: str, config: Any) -> None:
        self._set_crc(name, 32, config)

    def _set_crc(self, name: str, width: int, config: Any) -> None:
        parameters = CrcParameters(
            config.polynomial or 0,
            config.initial_remainder or 0,
            config.final_xor_value or 0,
            bool(config.data_reflected),
            bool(config.remainder_reflected),
        )
        try:
            with self._clients.writing() as program:
                crc = program.pipeline.crcs.get(name)
                if crc is not None and crc.info.width == width:
                    crc.set(parameters)
                    return
        except Refused as refused:
            raise _application_error(refused.message) from None
        names = CrcErrorCode
        raise InvalidCrcOperation(code=names.INVALID_CALCULATION_NAME if crc is None else names.WRONG_TYPE_CALCULATION)


def _described(config: Config) -> str:
    try:
        text = config.device_config.decode()
        if is_described(json.loads(text)):
            return text
    except (ValueError, TypeError):
        pass  # source text only
    return config_json(config.compiled.info, parse(config.device_config))


def _source_of(text: str) -> bytes:
    """The source of a loaded file. Raises TApplicationException for a file of another compiler."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):  # the compiler will report the error
        content = {}
    if isinstance(content, dict) and is_described(content) and "softswitch_config" not in content:
        raise _application_error(
            "this file was made by p4c for simple_switch and has no source in it: compile the program for this switch "
            "(softswitch compile, or the p4c-bm2-ss of `softswitch compat`)"
        )
    return text.encode()


def _everything() -> list[p4r.Entity]:
    """Wildcards for everything that a program and the switch hold, except registers."""
    entries, defaults, members, groups, values, counters, meters, trees, sessions = (p4r.Entity() for _ in range(9))
    entries.table_entry.counter_data.SetInParent()
    entries.table_entry.meter_config.SetInParent()
    defaults.table_entry.is_default_action = True
    members.action_profile_member.SetInParent()
    groups.action_profile_group.SetInParent()
    values.value_set_entry.SetInParent()
    counters.counter_entry.SetInParent()
    meters.meter_entry.SetInParent()
    trees.packet_replication_engine_entry.multicast_group_entry.SetInParent()
    sessions.packet_replication_engine_entry.clone_session_entry.SetInParent()
    return [entries, defaults, members, groups, values, counters, meters, trees, sessions]


def _fail_swap(code: int, why: str) -> NoReturn:
    log.info("request refused: %s", why)
    raise InvalidSwapOperation(code=code)


def _fail_port(why: str) -> NoReturn:
    log.info("request refused: %s", why)
    raise InvalidDevMgrOperation(code=DevMgrErrorCode.ERROR)


def _application_error(text: str) -> Exception:
    made: Exception = TApplicationException(TApplicationException.INTERNAL_ERROR, text)
    return made
