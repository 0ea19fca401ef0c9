"""Swing State between two switches: updates travel in packets to a neighbour, are parked there, and come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

import nfs
from p4front.load import load_program
from state4.cam import analyse
from state4.errors import UnknownComponent
from state4.instrumentation.swing_code import ETHER_TYPE, IDLE, LOG_CELLS, RETURN, SEND, SESSION
from state4.swing import instrument_swing
from tests.switch.frames import SERVER, ping, tcp, udp
from tests.switch.harness import Bench

HARD = ("counted_bytes", "pk_reg")
KNOCKS = (10000, 20000, 30000)
LINK = 4
"""The port to the other switch."""
HERE, THERE = 0x020000000101, 0x020000000102


@cache
def instrumented(name: str) -> str:
    program = load_program(nfs.program_path(name))
    return instrument_swing(program, analyse(program, follow=False), HARD)


@pytest.fixture
def switches(tmp_path: Path) -> Iterator[tuple[Bench, Bench, Bench]]:
    """The changed switch, its neighbour, and the changed switch with its new program."""
    file = nfs.entries_path(nfs.program_path("chained_counting"))
    entries = file.read_text().replace('"chained.entries.toml"', f'"{file.parent}/chained.entries.toml"')
    extra = f"""
[[clone]]
session = {SESSION}
ports = [{LINK}]

[[register]]
name = "swing_address"
values = [{THERE}, {HERE}]
"""
    with ExitStack() as stack:
        made = []
        for number, name in enumerate(("chained_counting", "chained_counting", "chained_counting_v2")):
            path = tmp_path / f"{number}" / f"{name}.p4"
            path.parent.mkdir()
            path.write_text(instrumented(name))
            made.append(stack.enter_context(Bench(path, entries + extra)))
        yield made[0], made[1], made[2]


def state_packets(out: list[tuple[int, bytes]]) -> list[bytes]:
    return [frame for port, frame in out if port == LINK and frame[12:14] == ETHER_TYPE.to_bytes(2, "big")]


def knock(bench: Bench, host: int) -> list[bytes]:
    return [packet for port in KNOCKS for packet in state_packets(bench.send(host, tcp(host, SERVER, port)))]


def counts(bench: Bench) -> list[int]:
    return bench.register("counted_bytes")[:8]


def test_the_parser_and_the_packets_of_the_program_are_as_before(switches: tuple[Bench, Bench, Bench]) -> None:
    bench = switches[0]
    with Bench("chained_counting") as plain:
        for frame in (udp(1, SERVER, 5000), udp(2, SERVER, 5000), ping(3, SERVER), tcp(2, SERVER, 10000), b"\x00" * 20):
            assert bench.send(2, frame) == plain.send(2, frame)
        assert counts(bench) == counts(plain) and bench.register("pk_reg") == plain.register("pk_reg")


def test_nothing_is_sent_until_it_is_switched_on(switches: tuple[Bench, Bench, Bench]) -> None:
    assert knock(switches[0], 2) == []


def test_updates_swing_to_the_neighbour_and_back_into_the_new_program(switches: tuple[Bench, Bench, Bench]) -> None:
    old, neighbour, new = switches
    knock(old, 3)  # before: Swing State never sees it
    old.set_cell("swing_mode", 0, SEND)
    sent = [packet for host in (2, 5) for packet in knock(old, host)]
    data = [old.send(host, udp(host, SERVER, 5000)) for host in (2, 2, 5, 3)]
    sent += [packet for out in data for packet in state_packets(out)]
    assert len(sent) == old.cell("swing_count", 0) and len(sent) >= 6
    assert {len(packet) for packet in sent} == {60}
    assert {packet[:12] for packet in sent} == {THERE.to_bytes(6, "big") + HERE.to_bytes(6, "big")}
    for packet in sent:
        assert neighbour.send(LINK, packet) == []
    assert neighbour.cell("swing_count", 1) == len(sent)
    assert not any(neighbour.register("pk_reg")) and not any(
        neighbour.register("counted_bytes")
    )  # its own is untouched

    neighbour.set_cell("swing_mode", 0, RETURN)
    back = [packet for _ in range(20) for packet in state_packets(neighbour.send(1, ping(1, SERVER)))]
    assert len(back) == neighbour.cell("swing_ends", 0) == neighbour.cell("swing_ends", 1)
    for packet in back:
        assert state_packets(new.send(LINK, packet)) == [] and new.send(LINK, packet) == []
    assert [new.cell("pk_reg", host) for host in (2, 3, 5)] == [3, 0, 3]
    assert counts(new) == counts(old)
    assert new.ports(2, udp(2, SERVER, 5000)) == [SERVER] and new.ports(3, udp(3, SERVER, 5000)) == []


def test_a_packet_that_the_link_loses_is_lost(switches: tuple[Bench, Bench, Bench]) -> None:
    old, neighbour, new = switches
    old.set_cell("swing_mode", 0, SEND)
    first, second, _ = knock(old, 2)
    for packet in (first, second):  # the last one, which opens, is lost
        neighbour.send(LINK, packet)
    neighbour.set_cell("swing_mode", 0, RETURN)
    for packet in state_packets(neighbour.send(1, ping(1, SERVER))):
        new.send(LINK, packet)
    assert new.cell("pk_reg", 2) == 2


def test_of_a_cell_only_the_newest_value_comes_back(switches: tuple[Bench, Bench, Bench]) -> None:
    old, neighbour, _ = switches
    old.set_cell("swing_mode", 0, SEND)
    for packet in knock(old, 2):
        neighbour.send(LINK, packet)
    assert neighbour.cell("swing_ends", 0) == 1 and neighbour.cell("swing_parked_2", 2) == 3
    neighbour.set_cell("swing_mode", 0, RETURN)
    assert len(state_packets(neighbour.send(1, ping(1, SERVER)))) == 1
    assert state_packets(neighbour.send(1, ping(1, SERVER))) == []
    neighbour.set_cell("swing_mode", 0, IDLE)


def test_a_full_log_parks_no_more_and_breaks_nothing(switches: tuple[Bench, Bench, Bench]) -> None:
    old, neighbour, _ = switches
    old.set_cell("swing_mode", 0, SEND)
    neighbour.set_cell("swing_ends", 0, LOG_CELLS)
    for packet in knock(old, 2):
        assert neighbour.send(LINK, packet) == []
    assert neighbour.cell("swing_ends", 0) == LOG_CELLS
    assert neighbour.ports(1, udp(1, SERVER, 5000)) == [SERVER]


def test_state_packets_that_nobody_sent_do_no_harm(switches: tuple[Bench, Bench, Bench]) -> None:
    _, neighbour, new = switches
    head = THERE.to_bytes(6, "big") + HERE.to_bytes(6, "big") + ETHER_TYPE.to_bytes(2, "big")
    unknown = b"\x00\xff\x00\x00\x00\x00\x02"  # to be parked: component 2 beyond its cells, and one that is none
    for bench in (neighbour, new):
        for rest in (b"\x00" * 46, b"\xff" * 46, b"\x01\x02" + b"\xff" * 44, unknown + b"\xff" * 39):
            assert bench.send(LINK, head + rest) == []
        assert all(frame == head for _, frame in bench.send(LINK, head))  # too short: an unknown frame like any other
        assert bench.ports(1, udp(1, SERVER, 5000)) == [SERVER]


def test_what_cannot_be_followed_is_refused() -> None:
    program = load_program(nfs.program_path("chained"))
    with pytest.raises(UnknownComponent, match="no one register counted_bytes; there are 0"):
        instrument_swing(program, analyse(program, follow=False), HARD)
