"""What a broken or malicious client can do to the server."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from bm_runtime.standard import Standard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.Thrift import TApplicationException, TMessageType, TType
from thrift.transport.TTransport import TMemoryBuffer

from softswitch.compat.thrift import server as thrift_server
from softswitch.compat.thrift.programs import SwitchOptions
from softswitch.compat.thrift.protocol import MAX_ITEMS, MAX_REQUEST_BYTES
from softswitch.compat.thrift.server import ThriftError, ThriftServer
from tests.switch.compat.thrift.bench import ANY, ThriftBench, exact, thrift_bench

_VERSION = 0x80010000


def _head(call: str, service: str = "standard") -> bytes:
    name = f"{service}:{call}".encode()
    return struct.pack(">Ii", _VERSION | TMessageType.CALL, len(name)) + name + struct.pack(">i", 1)


def _connect(bench: ThriftBench) -> socket.socket:
    return socket.create_connection(("127.0.0.1", bench.server.port), timeout=10)


def _send_all(client: socket.socket, data: bytes) -> None:
    """Sends data and its end; the server may hang up earlier."""
    with suppress(OSError):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)


def _ends(client: socket.socket) -> bool:
    """Whether the server hangs up, whatever it answers before."""
    try:
        while client.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    return True


def _answers(bench: ThriftBench) -> bool:
    return int(bench.standard.bm_register_read(0, "MyIngress.small", 0)) == 0


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        _head("bm_register_read") + b"\x0b\0\2" + struct.pack(">i", -5),  # a string of -5 bytes
        _head("bm_register_read") + b"\x0b\0\2" + struct.pack(">i", MAX_REQUEST_BYTES + 1),
        _head("bm_mt_add_entry") + b"\x0f\0\5\x0b" + struct.pack(">i", MAX_ITEMS + 1),
        _head("bm_register_read") + (b"\x0f\0\x63" + b"\x0f\0\0\0\1" * 100_000),  # lists in lists in an unknown field
        _head("bm_register_read") + b"\x0c\0\x63" * 100_000,  # structures in structures
        _head("bm_register_read") + b"\x63\0\1",  # a type that is none
        struct.pack(">Ii", 0x80020001, 0),
    ],
    ids=["http", "negative", "long", "list", "nested lists", "nested structures", "type", "version"],
)
def test_what_is_no_request_ends_the_connection_only(bench: ThriftBench, request_: bytes) -> None:
    with _connect(bench) as client:
        _send_all(client, request_)
        assert _ends(client)
    assert _answers(bench)


def test_a_request_has_a_limit_as_a_whole(bench: ThriftBench) -> None:
    """Each string is short, but all together are not."""
    block = struct.pack(">i", 1 << 20) + bytes(1 << 20)
    with _connect(bench) as client:
        try:
            client.sendall(_head("bm_mt_add_entry") + b"\x0f\0\5\x0b" + struct.pack(">i", 40))
            for _ in range(40):
                client.sendall(block)
        except OSError:  # it has hung up already
            pass
        else:
            assert _ends(client)
    assert _answers(bench)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.sampled_from(["bm_register_read", "bm_mt_add_entry", "bm_mgmt_get_info", "none"]))
def test_random_bytes_do_no_harm(bench: ThriftBench, data: bytes, call: str) -> None:
    with _connect(bench) as client:
        _send_all(client, _head(call) + data)
        assert _ends(client)
    assert _answers(bench)


def test_unknown_services_and_calls_are_reported(bench: ThriftBench) -> None:
    for service, call, hangs_up in (("psa", "bm_register_read", True), ("standard", "bm_none", False)):
        with _connect(bench) as client:
            client.sendall(_head(call, service) + b"\0")
            protocol = TBinaryProtocol(TMemoryBuffer(client.recv(1000)))
            _, kind, _ = protocol.readMessageBegin()
            error = TApplicationException()
            error.read(protocol)
            assert kind == TMessageType.EXCEPTION and "Unknown" in error.message
            if hangs_up:
                assert _ends(client)
    for private in ("_access", "__init__", "close", "reset"):
        with _connect(bench) as client:
            client.sendall(_head(private) + b"\0")
            assert b"Unknown call" in client.recv(1000)


def test_a_call_without_an_argument_is_refused(bench: ThriftBench) -> None:
    with pytest.raises(TApplicationException, match="register_array_name is missing"):
        bench.standard.bm_register_read(0, None, 1)
    with pytest.raises(TApplicationException, match="config is missing"):
        bench.simple.mirroring_session_add(5, None)
    assert _answers(bench)


def test_numbers_at_their_limits(bench: ThriftBench) -> None:
    call = bench.standard
    for number in (-(1 << 31), (1 << 31) - 1):
        for method, arguments in (
            (call.bm_mt_delete_entry, (0, "MyIngress.exacts", number)),
            (call.bm_mt_act_prof_delete_member, (0, "MyIngress.ways", number)),
            (call.bm_register_write, (0, "MyIngress.small", number, -(1 << 63))),
            (call.bm_counter_read, (0, "MyIngress.seen", number)),
            (bench.tree.bm_mc_node_destroy, (0, number)),
            (bench.tree.bm_mc_mgrp_create, (0, number)),
            (bench.simple.mirroring_session_delete, (number,)),
            (call.bm_dev_mgr_remove_port, (number,)),
        ):
            with pytest.raises(Exception) as caught:
                method(*arguments)
            assert "internal error" not in str(caught.value)
    call.bm_mt_add_entry(0, "MyIngress.exacts", [exact(7)], "MyIngress.paced", [bytes(1000)], ANY)
    assert _answers(bench)


def test_a_client_too_many_is_sent_away(bench: ThriftBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thrift_server, "MAX_CLIENTS", 3)
    clients = [_connect(bench) for _ in range(2)]
    with _connect(bench) as fourth:
        assert _ends(fourth)
    assert _answers(bench)
    for client in clients:
        client.close()


def test_many_clients_at_once_write_one_after_the_other(bench: ThriftBench) -> None:
    others = [ThriftBench(bench.device, bench.server) for _ in range(4)]
    handles: list[int] = []

    def work(number: int) -> None:
        for value in range(20):
            key = [exact(20 * number + value)]
            handles.append(
                others[number].standard.bm_mt_add_entry(0, "MyIngress.exacts", key, "MyIngress.paced", [b"\3"], ANY)
            )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        other.close()
    assert (
        sorted(handles)
        == list(range(80))
        == [row.entry_handle for row in bench.standard.bm_mt_get_entries(0, "MyIngress.exacts")]
    )


def test_stopping_hangs_up_and_frees_the_port(bench: ThriftBench, tmp_path: Path) -> None:
    port = bench.server.port
    again = ThriftServer(bench.device, SwitchOptions(port))
    with pytest.raises(ThriftError, match=f"port {port} for Thrift: address already in use"):
        again.start()
    with _connect(bench) as client:
        bench.server.stop()
        assert _ends(client)
    again.start()
    again.stop()


def test_requests_that_come_together_are_answered_in_order(bench: ThriftBench) -> None:
    """Several requests in one segment, as State4's target sends them."""
    buffer = TMemoryBuffer()
    sender: Any = Standard.Client(TMultiplexedProtocol(TBinaryProtocol(buffer), "standard"))
    for index in range(50):
        sender.send_bm_register_write(0, "MyIngress.small", index, index)
    with _connect(bench) as client:
        client.sendall(buffer.getvalue())
        client.shutdown(socket.SHUT_WR)
        data = b""
        while part := client.recv(1 << 16):
            data += part
    receiver: Any = Standard.Client(TBinaryProtocol(TMemoryBuffer(data)))
    for _ in range(50):
        receiver.recv_bm_register_write()
    assert bench.standard.bm_register_read_all(0, "MyIngress.small")[:50] == list(range(50))
    assert TType.STOP == 0


def test_the_server_stops_while_a_client_is_being_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accepting = threading.Event()

    class Late(threading.Thread):
        def start(self) -> None:
            if self.name == "thrift":
                accepting.set()
                time.sleep(0.3)
            super().start()

    with thrift_bench(tmp_path) as bench:
        monkeypatch.setattr(threading, "Thread", Late)
        with _connect(bench):
            assert accepting.wait(5)
            bench.server.stop()
