"""Clients that come and go, vanish, or never say anything: nothing of them stays. `make fuzz` has 5,000."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.visitors import PREFACE, SETTINGS, SETTINGS_ACK, Host
from softswitch.server.rpc import listen
from tests.switch.controller import EVERYTHING, Running

MIB = 1 << 20


def test_visitors_leave_nothing(tmp_path: Path) -> None:
    with Host(tmp_path, program=EVERYTHING) as host:
        before = host.warm_up()
        host.visit(200)
        after = host.settle(before)
        host.answer()
    assert after.bytes - before.bytes < 32 * MIB


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(listen, "HANDSHAKE_S", 0.5)
    monkeypatch.setattr(listen, "PING_AFTER_S", 1.0)
    monkeypatch.setattr(listen, "PING_LIMIT_S", 0.5)
    with Running(EVERYTHING) as running:
        yield running


@pytest.mark.parametrize("said", [b"", PREFACE[:10], PREFACE + SETTINGS + SETTINGS_ACK])
def test_a_client_without_a_sign_of_life_is_disconnected(impatient: Running, said: bytes) -> None:
    """It says nothing, or half of what a client begins with, or does not answer pings: as one whose machine is gone."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(impatient.address.removeprefix("unix:"))
        client.sendall(said)
        while client.recv(1 << 16):
            pass
    with impatient.controller(1) as c:
        assert c.get_config().HasField("p4info")


def test_a_client_that_waits_keeps_its_stream(impatient: Running) -> None:
    """Its library answers the pings: it is still primary after several of them."""
    with impatient.controller(5) as c:
        time.sleep(2 * (listen.PING_AFTER_S + listen.PING_LIMIT_S))
        c.write()
        assert c.received.empty()
