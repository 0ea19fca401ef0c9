"""The listener on a real interface: [switch s1] ---- h0 [the listener's end]."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import numpy as np
import pytest

from state4.clones.header import CloneLayout, LayoutComponent
from state4.clones.listener import Listener
from state4.clones.look_ahead import look_ahead
from state4.clones.updates import Bytes
from state4.errors import ListenerError
from tests.net.veths import Veths, inside, wait

LAYOUT = CloneLayout((LayoutComponent("a", 300, 48), LayoutComponent("b", 8, 100)), 3, 250)
WAIT_S = 10.0


@pytest.fixture
def veths() -> Iterator[Veths]:
    made = Veths(1)
    try:
        yield made
    finally:
        made.close()


def listener(veths: Veths, **options: int) -> Listener:
    with inside(veths.switch):
        return Listener("s1", LAYOUT, **options)


def clone(number: int, *updates: tuple[int, int, int], egress: bool = False) -> bytes:
    return LAYOUT.encode(updates, sequence=number, egress=egress)


def test_clones_in_order_and_nothing_else(veths: Veths) -> None:
    wire = veths.socket(1)
    made = listener(veths)
    try:
        made.expect(0, 0)
        wire.send(bytes(60))  # some other frame
        for number in range(1, 1001):
            wire.send(clone(number, (1, number % 300, number), (2, number % 8, 1 << 99)))
        wire.send(clone(1, (1, 0, 5), egress=True))
        assert made.wait_for(1000, 1, WAIT_S)
        updates = made.take()
        assert len(updates) == 2001
        values = updates.value[updates.component == 1][:, 0].tolist()
        assert values == [number % 256 for number in range(1, 1001)] + [5]
        latest = look_ahead(updates)
        assert len(latest) == 308
        stats = made.stats()
        assert (stats.clones, stats.lost, stats.foreign, stats.dropped) == (1001, 0, 1, 0)
    finally:
        made.close()


def test_nothing_from_before_it_was_opened(veths: Veths) -> None:
    wire = veths.socket(1)
    wire.send(clone(1, (1, 1, 1)))
    made = listener(veths)
    try:
        made.expect(1, 0)
        wire.send(clone(2, (1, 2, 2)))
        assert made.wait_for(2, 0, WAIT_S)
        assert made.take().index.tolist() == [2]
    finally:
        made.close()


def test_the_ring_goes_round(veths: Veths) -> None:
    wire = veths.socket(1)
    made = listener(veths, frames=4096)
    try:
        made.expect(0, 0)
        for number in range(1, 20_001):
            wire.send(clone(number, (1, number % 300, number)))
            if number % 1000 == 0:
                assert made.wait_for(number, 0, WAIT_S)
        assert len(made.take()) == 20_000
        assert made.stats().lost == 0
    finally:
        made.close()


def test_a_full_ring_is_noticed(veths: Veths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames for which the kernel has no room are counted, and the gap shows what is missing."""
    monkeypatch.setattr(Listener, "_run", lambda self: self._stop.wait())
    wire = veths.socket(1)
    made = listener(veths, frames=1024)
    try:
        made.expect(0, 0)
        room = made._frames
        for number in range(1, room + 501):
            wire.send(clone(number, (1, 1, 1)))
        assert made.wait_for(room, 0, WAIT_S)
        wire.send(clone(room + 501, (1, 1, 1)))
        assert made.wait_for(room + 501, 0, WAIT_S)
        stats = made.stats()
        assert stats.dropped == 500
        assert [(gap.first, gap.count) for gap in stats.gaps] == [(room + 1, 500)]
    finally:
        made.close()


def test_vlan_like_contents_stay_where_they_are(veths: Veths) -> None:
    """Bytes 12 and 13 are a constant type, so no value is ever taken for a VLAN tag."""
    wire = veths.socket(1)
    made = listener(veths)
    try:
        made.expect(0x8100_8100, 0)
        wire.send(clone(0x8100_8101, (1, 0x81, 0x8100_8100_8100), (2, 1, 0x81008100)))
        assert made.wait_for(0x8100_8101, 0, WAIT_S)
        updates = made.take()
        assert updates.index.tolist() == [0x81, 1]
        assert int.from_bytes(updates.value[0].tobytes(), "little") == 0x8100_8100_8100
    finally:
        made.close()


def test_the_interface_goes_down_and_comes_back(veths: Veths) -> None:
    wire = veths.socket(1)
    made = listener(veths)
    try:
        made.expect(0, 0)
        wire.send(clone(1, (1, 1, 1)))
        assert made.wait_for(1, 0, WAIT_S)
        veths.inside(veths.switch, "ip", "link", "set", "s1", "down")
        veths.inside(veths.switch, "ip", "link", "set", "s1", "up")
        wait(lambda: veths.carrier(veths.switch, "s1"))
        wire.send(clone(2, (1, 2, 2)))
        assert made.wait_for(2, 0, WAIT_S)
        assert not made.wait_for(3, 0, 0.01)
    finally:
        made.close()


def test_closing_gives_everything_back(veths: Veths) -> None:
    with inside(veths.switch):
        for _ in range(20):
            made = Listener("s1", LAYOUT, frames=4096)
            made.close()
            made.close()
    wait(lambda: made._socket.fileno() < 0)
    shown = subprocess.run(("cat", "/proc/self/maps"), capture_output=True, text=True, check=True).stdout
    assert "socket:" not in shown
    assert np.all(made.take().component == 0)


def test_an_interface_that_does_not_exist(veths: Veths) -> None:
    with inside(veths.switch), pytest.raises(ListenerError, match="'nothing0'"):
        Listener("nothing0", LAYOUT)


def test_a_turn_ends_while_clones_keep_coming(veths: Veths, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow without pauses must not keep those waiting who ask for what is there already."""
    wire = veths.socket(1)
    made = listener(veths)
    add, sent, endless = made.store.add, 1, 300

    def add_and_send(frames: Bytes) -> None:
        nonlocal sent
        add(frames)
        if sent < endless:
            sent += 1
            wire.send(clone(sent, (1, 1, 1)))
            wait(lambda: made._ready()[0] > len(frames))  # the next frame is there before this turn is over

    monkeypatch.setattr(made.store, "add", add_and_send)
    try:
        made.expect(0, 0)
        wire.send(clone(1, (1, 1, 1)))
        assert made.wait_for(1, 0, WAIT_S)
        assert sent < endless
        assert made.wait_for(endless, 0, WAIT_S)
    finally:
        made.close()
