"""Programs by Thrift: loading and swapping, ports, and the rest of the switch."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from bm_runtime.standard.ttypes import (
    BmCrc16Config,
    BmCrc32Config,
    BmResourceType,
    CrcErrorCode,
    InvalidCrcOperation,
    InvalidDevMgrOperation,
    InvalidIdLookup,
    InvalidLearnOperation,
    InvalidSwapOperation,
    SwapOperationErrorCode,
)
from finsy.proto import p4r
from thrift.Thrift import TApplicationException

from softswitch.build.device_config import collect, parse
from softswitch.build.program import compile_program
from softswitch.compat.bmv2_config import config_json
from softswitch.compat.thrift.simple_switch import SimpleSwitchCalls
from softswitch.dataplane.crcs import CrcParameters
from softswitch.dataplane.stats import Drop
from softswitch.dataplane.switch import Switch
from softswitch.server.device.device import Device
from softswitch.server.device.unelected import Unelected
from tests.bmv2.entities import STATE
from tests.state4_programs import program, request
from tests.switch.compat.thrift.bench import ANY, ThriftBench, exact, thrift_bench

_NEXT = STATE.replace("(100) small", "(200) small")


def _compiled(folder: Path, ingress: str = _NEXT) -> str:
    source = folder / "next.p4"
    source.write_text(program(ingress))
    return config_json(compile_program(source).info, collect(source))


def _swap_code(bench: ThriftBench, text: str | None) -> int:
    with pytest.raises(InvalidSwapOperation) as caught:
        if text is None:
            bench.standard.bm_swap_configs()
        else:
            bench.standard.bm_load_new_config(text)
    return int(caught.value.code)


def test_the_running_program_describes_itself(bench: ThriftBench) -> None:
    text = bench.standard.bm_get_config()
    assert {table["name"] for table in json.loads(text)["pipelines"][0]["tables"]} == {
        "MyIngress.ternaries",
        "MyIngress.exacts",
        "MyIngress.chosen",
    }
    active = bench.device.active
    assert active is not None and parse(text.encode()) == parse(active.device_config)
    assert bench.standard.bm_get_config_md5() == hashlib.md5(text.encode()).digest()


def test_a_loaded_program_takes_the_calls_and_forwards_after_the_swap(bench: ThriftBench, tmp_path: Path) -> None:
    call, text, old = bench.standard, _compiled(tmp_path), bench.device.active
    call.bm_register_write(0, "MyIngress.small", 3, 7)
    call.bm_load_new_config(text)
    assert call.bm_get_config() == text
    assert call.bm_register_read(0, "MyIngress.small", 3) == 0
    call.bm_register_write(0, "MyIngress.small", 150, 9)
    assert call.bm_mt_add_entry(0, "MyIngress.exacts", [exact(7)], "MyIngress.paced", [b"\4"], ANY) == 0
    assert bench.device.active is old and _swap_code(bench, text) == SwapOperationErrorCode.ONGOING_SWAP
    assert [port for port, _ in bench.device.switch.inject(1, request(op=7))] == [0]  # the old one has no entry
    call.bm_swap_configs()
    assert bench.device.active is not old
    assert [port for port, _ in bench.device.switch.inject(1, request(op=7))] == [4]
    assert call.bm_register_read(0, "MyIngress.small", 150) == 9
    assert _swap_code(bench, None) == SwapOperationErrorCode.NO_ONGOING_SWAP


def test_a_switch_without_a_program_gets_its_first_one(tmp_path: Path) -> None:
    from softswitch.compat.thrift.programs import SwitchOptions
    from softswitch.compat.thrift.server import ThriftServer

    with Switch() as switch:
        device = Device(switch, 1)
        server = ThriftServer(device, SwitchOptions(0, enable_swap=True))
        server.start()
        try:
            bench = ThriftBench(device, server)
            assert bench.standard.bm_get_config() == "{}"
            assert bench.standard.bm_mt_get_entries.__self__ is bench.standard
            with pytest.raises(Exception, match="InvalidRegisterOperation"):
                bench.standard.bm_register_read(0, "MyIngress.small", 3)
            bench.standard.bm_reset_state()
            bench.standard.bm_load_new_config(_compiled(tmp_path))
            bench.standard.bm_swap_configs()
            assert bench.standard.bm_register_read(0, "MyIngress.small", 199) == 0
            bench.close()
        finally:
            server.stop()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "the device config is JSON, but not what `softswitch compile` wrote"),
        ("control {", "program.p4"),
        ('{"pipelines": [], "actions": []}', "made by p4c for simple_switch"),
        ("[" * 100_000, "program.p4|nested"),
        ("null", "program.p4"),
    ],
)
def test_what_is_no_program_is_reported_and_changes_nothing(bench: ThriftBench, text: str, why: str) -> None:
    before = bench.device.active
    with pytest.raises(TApplicationException, match=why):
        bench.standard.bm_load_new_config(text)
    assert bench.device.active is before and bench.device.saved is None
    assert _swap_code(bench, None) == SwapOperationErrorCode.NO_ONGOING_SWAP


def test_a_program_that_p4runtime_saved_is_not_swapped_in_by_thrift(bench: ThriftBench, tmp_path: Path) -> None:
    text = _compiled(tmp_path)
    bench.become_primary()
    save = p4r.SetForwardingPipelineConfigRequest(
        device_id=1, action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_SAVE
    )
    save.election_id.low, save.config.p4_device_config = 1, text.encode()
    bench.device.set_config(save)
    assert _swap_code(bench, None) == SwapOperationErrorCode.NO_ONGOING_SWAP
    assert _swap_code(bench, text) == SwapOperationErrorCode.ONGOING_SWAP


def test_without_leave_nothing_is_swapped_and_no_port_opened(tmp_path: Path) -> None:
    with thrift_bench(tmp_path) as bench:
        for text in ("{}", None):
            assert _swap_code(bench, text) == SwapOperationErrorCode.CONFIG_SWAP_DISABLED
        with pytest.raises(InvalidDevMgrOperation):
            bench.standard.bm_dev_mgr_add_port("lo", 9, "")
        with pytest.raises(InvalidDevMgrOperation):
            bench.standard.bm_dev_mgr_remove_port(1)
        assert [port.port_num for port in bench.standard.bm_dev_mgr_show_ports()] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("interface", "port", "pcap"),
    [("nonexistent0", 9, ""), ("lo", -1, ""), ("lo", 512, ""), ("", 9, ""), ("x" * 16, 9, ""), ("lo", 9, "/tmp/x")],
)
def test_ports_that_cannot_be(bench: ThriftBench, interface: str, port: int, pcap: str) -> None:
    with pytest.raises(InvalidDevMgrOperation):
        bench.standard.bm_dev_mgr_add_port(interface, port, pcap)


def test_ports_are_shown_and_taken_away(bench: ThriftBench) -> None:
    bench.standard.bm_dev_mgr_remove_port(2)
    for wrong in (2, -1):
        with pytest.raises(InvalidDevMgrOperation):
            bench.standard.bm_dev_mgr_remove_port(wrong)
    shown = bench.standard.bm_dev_mgr_show_ports()
    assert [(port.port_num, port.is_up) for port in shown] == [(1, True), (3, True), (4, True)]


def test_queues_by_port(bench: ThriftBench) -> None:
    switch, simple = bench.device.switch, bench.simple
    switch.set_time(1_000_000)
    bench.standard.bm_mt_set_default_action(0, "MyIngress.ternaries", "MyIngress.to", [b"\2"])
    assert simple.set_all_egress_queue_rates(10) == simple.set_egress_queue_rate(2, 1000) == 0
    assert simple.set_all_egress_queue_depths(1) == simple.set_egress_queue_depth(2, 3) == 0
    assert [len(switch.inject(1, request())) for _ in range(6)] == [1, 0, 0, 0, 0, 0]
    switch.set_time(1_001_000)
    assert len(switch.run_queues()) == 1
    switch.set_time(2_000_000)
    assert len(switch.run_queues()) == 2  # the others found it full
    for call, *arguments in (
        (simple.set_egress_queue_rate, 512, 1),
        (simple.set_egress_queue_depth, -1, 1),
        (simple.set_all_egress_queue_depths, -1),
        (simple.set_all_egress_queue_rates, -1),
    ):
        with pytest.raises(TApplicationException, match=r"queue|packets a second"):
            call(*arguments)


def test_queues_by_priority(bench: ThriftBench) -> None:
    """Bindings before 2021 lack these calls: the handlers are called without them."""
    calls = SimpleSwitchCalls(Unelected(bench.device))
    assert calls.set_egress_priority_queue_rate(2, 0, 1) == calls.set_egress_priority_queue_depth(2, 0, 1) == 0
    bench.standard.bm_mt_set_default_action(0, "MyIngress.ternaries", "MyIngress.to", [b"\2"])
    assert [len(bench.device.switch.inject(1, request())) for _ in range(3)] == [1, 0, 0]
    assert bench.device.switch.stats().drops[Drop.EGRESS_QUEUE] == 1
    with pytest.raises(TApplicationException, match="priority 8"):
        calls.set_egress_priority_queue_rate(2, 8, 1)


def test_what_else_clients_ask(bench: ThriftBench) -> None:
    call = bench.standard
    assert call.bm_mgmt_get_info().device_id == 1
    bench.device.switch.set_time(5_000_000)
    assert bench.simple.get_time_elapsed_us() == 5_000_000
    assert bench.simple.get_time_since_epoch_us() > 1 << 50
    assert call.bm_get_id_from_name(0, BmResourceType.REGISTER, "MyIngress.wide") == 2
    tables = [table["name"] for table in json.loads(call.bm_get_config())["pipelines"][0]["tables"]]
    assert call.bm_get_id_from_name(0, BmResourceType.MATCH_TABLE, tables[2]) == 2
    for kind, name in ((BmResourceType.METER, "none"), (77, "MyIngress.wide")):
        with pytest.raises(InvalidIdLookup):
            call.bm_get_id_from_name(0, kind, name)
    with pytest.raises(InvalidLearnOperation):
        call.bm_learning_ack_buffer(0, 1, 1)
    with pytest.raises(InvalidCrcOperation):
        call.bm_set_crc16_custom_parameters(0, "calc", BmCrc16Config())


HASHING = """
control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = 2;
        hash(hdr.request.value, HashAlgorithm.crc32_custom, 64w0, { hdr.request.op }, 64w0xffffffffff);
    }
}
"""


def test_parameters_of_hashes(tmp_path: Path) -> None:
    with thrift_bench(tmp_path, HASHING) as bench:
        described = json.loads(bench.standard.bm_get_config())["calculations"]
        assert [(calculation["name"], calculation["algo"]) for calculation in described] == [("calc", "crc32_custom")]
        (before,) = bench.device.switch.inject(1, request(op=7))
        set_32 = bench.standard.bm_set_crc32_custom_parameters
        set_32(0, "calc", BmCrc32Config(0x1EDC6F41, -1, -1, True, True))
        (after,) = bench.device.switch.inject(1, request(op=7))
        assert before != after
        read = bench.device.target().pipeline.crcs["calc"].read()
        assert read == CrcParameters(0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, True, True)
        set_16, config = bench.standard.bm_set_crc16_custom_parameters, BmCrc16Config(1, 2, 3, True, True)
        for call, name, code in ((set_16, "calc", "WRONG_TYPE_CALCULATION"), (set_16, "x", "INVALID_CALCULATION_NAME")):
            with pytest.raises(InvalidCrcOperation) as caught:
                call(0, name, config)
            assert CrcErrorCode._VALUES_TO_NAMES[caught.value.code] == code
