"""`softswitch stats` against a running switch."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from softswitch.__main__ import main
from softswitch.cli import stats_command
from softswitch.dataplane.entries import Entry, Lpm
from softswitch.proto import bulk_pb2
from tests.switch.controller import Running, body, frame


def fill(running: Running) -> None:
    """One route; two packets that match, one that does not, and a packet with a digest that is dropped."""
    active = running.switch.active
    assert active is not None
    active.tables["MyIngress.routes"].insert(Entry((Lpm(0x0A000000, 8),), "MyIngress.forward", (2,)))
    for address in (0x0A000001, 0x0A000002, 0x0B000001):
        running.switch.submit(1, frame(body=body(address)))
    running.switch.submit(1, frame(0xD1D1))


def test_ports_tables_and_drops_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with Running() as running:
        fill(running)
        assert main(["stats", running.address]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:4] == ["program", "everything,", "4", "packets"]
    size = str(len(frame(body=body(0))))
    assert ["2", "yes", "0", "0", "2", str(2 * int(size)), "0"] in lines
    assert ["MyIngress.routes", "1", "64", "2", "1"] in lines
    assert ["MyIngress.fixed", "2", "1,024", "0", "3"] in lines
    assert ["marked", "to", "drop", "in", "ingress", "2"] in lines


def test_as_json_and_reset(capsys: pytest.CaptureFixture[str]) -> None:
    with Running() as running:
        fill(running)
        assert main(["stats", running.address, "--json", "--reset"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["program"] == "everything" and found["drops"]["ingress"] == 2
        (routes,) = [table for table in found["tables"] if table["name"] == "MyIngress.routes"]
        assert routes == {"name": "MyIngress.routes", "entries": 1, "size": 64, "hits": 2, "misses": 1}
        assert main(["stats", running.address, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["drops"]["ingress"] == 0


def test_a_switch_without_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    with Running(None) as running:
        assert main(["stats", running.address]) == 0
    assert capsys.readouterr().out.startswith("program (none), 0 packets")


def test_every_frame_that_a_port_lost_is_among_the_dropped() -> None:
    answer = bulk_pb2.StatsResponse()
    answer.ports.add(port=3, rx_ring_drops=1, rx_oversize=20, rx_unsplit=300, tx_drops=4000)
    console = Console(record=True, width=120, file=io.StringIO())
    stats_command.show(answer, console)
    assert ["3", "no", "0", "0", "0", "0", "4,321"] in [line.split() for line in console.export_text().splitlines()]


def test_super_frames_are_shown_for_the_ports_that_had_any() -> None:
    answer = bulk_pb2.StatsResponse()
    answer.ports.add(port=1, rx_packets=90, rx_superframes=2000, rx_unsplit=5)
    answer.ports.add(port=2, tx_packets=90, tx_superframes=3000)
    answer.ports.add(port=3, rx_packets=7)
    console = Console(record=True, width=120, file=io.StringIO())
    stats_command.show(answer, console)
    lines = [line.split() for line in console.export_text().splitlines()]
    assert ["1", "2,000", "5", "0"] in lines and ["2", "0", "0", "3,000"] in lines
    assert [line[0] for line in lines if len(line) == 4 and line[0].isdigit()] == ["1", "2"]
    ports = stats_command.as_dict(answer)["ports"]
    assert [(port["rx_superframes"], port["tx_superframes"]) for port in ports] == [(2000, 0), (0, 3000), (0, 0)]


def test_ports_without_super_frames_have_no_table_of_them() -> None:
    answer = bulk_pb2.StatsResponse()
    answer.ports.add(port=3, rx_packets=7)
    console = Console(record=True, width=120, file=io.StringIO())
    stats_command.show(answer, console)
    assert "super-frames" not in console.export_text()


def test_the_server_tells_what_ports_could_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    with Running() as running:
        stats = running.switch.stats()
        port = replace(stats.ports[1], rx_oversize=1, rx_unsplit=2, rx_superframes=3, tx_superframes=4)
        monkeypatch.setattr(running.switch, "stats", lambda: replace(stats, ports={1: port}))
        (reported,) = stats_command.fetch(running.address).ports
    assert (reported.rx_oversize, reported.rx_unsplit, reported.rx_superframes, reported.tx_superframes) == (1, 2, 3, 4)


def test_nobody_answers() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "softswitch", "stats", "unix:/nowhere/switch.sock"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("softswitch: no switch answers at unix:/nowhere/switch.sock")
