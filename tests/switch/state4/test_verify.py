"""Verification of a switch's state: take a snapshot, change something, find the difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from state4.cli.main import main
from state4.entries_file import load_entries, updates
from state4.programs import InstalledProgram, prepare_program
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.values import CellWrites
from state4.verify.compare import Comparison
from state4.verify.expected import against_file, against_snapshot
from state4.verify.snapshot import BadSnapshot, load, save, take
from tests.state4_programs import PARAMS, program, request
from tests.switch.controller import Running
from tests.switch.state4.bench.listening import ListeningTarget, send

INGRESS = f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(40) r;
    counter(4, CounterType.packets_and_bytes) hits;
    direct_counter(CounterType.packets_and_bytes) each;
    action set(bit<9> port) {{ standard_metadata.egress_spec = port; each.count(); }}
    action drop() {{ mark_to_drop(standard_metadata); each.count(); }}
    table t {{
        key = {{ hdr.request.op: exact; }}
        actions = {{ set; drop; }}
        default_action = drop();
        counters = each;
    }}
    apply {{
        t.apply();
        hits.count((bit<32>)hdr.request.op & 3);
        r.write((bit<32>)hdr.request.cell, hdr.request.amount);
    }}
}}
"""
FILE = """
[[entry]]
table = "t"
match = { "hdr.request.op" = 1 }
action = "set"
params = { port = 2 }

[[multicast]]
group = 5
ports = [1, 2, 3]
"""


@pytest.fixture
def programs(tmp_path: Path) -> tuple[InstalledProgram, InstalledProgram]:
    made = []
    texts = {"old": INGRESS, "new": INGRESS.replace("register<bit<16>>(40) r;", "register<bit<32>>(50) r;")}
    texts["new"] = texts["new"].replace("hdr.request.amount)", "(bit<32>)hdr.request.amount)")
    for name, text in texts.items():
        path = tmp_path / f"{name}.p4"
        path.write_text(program(text))
        made.append(prepare_program(path))
    return made[0], made[1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(FILE)
    return path


def write(target: ListeningTarget, installed: InstalledProgram, cells: dict[int, int]) -> None:
    register = next(r for r in installed.registers if r.name == "MyIngress.r")
    values = register.from_integers(list(cells.values()))
    target.write_cells([CellWrites(register, np.array(list(cells), np.uint64), values)])


def lines(comparison: Comparison) -> list[str]:
    return [str(difference) for difference in comparison.listed]


def test_every_kind_of_difference_is_found(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], file: Path, tmp_path: Path
) -> None:
    old, _ = programs
    with ListeningTarget(running.address) as target:
        target.install(old)
        entries = updates(load_entries(file, old.p4info))
        target.write_entities(entries)
        send(running, request(1, 3, 34))
        save(take(target), tmp_path / "before")
        before = load(tmp_path / "before")
        assert against_snapshot(target, before).total == 0
        assert against_file(target, entries).total == 0

        write(target, old, {3: 35, 7: 1})
        send(running, request(1, 9, 0))  # counts, and writes a cell as it was
        other = updates(load_entries(_changed(file, tmp_path, "port = 2", "port = 4"), old.p4info))
        modified = [update for update in other if update.entity.HasField("table_entry")]
        modified[0].type = modified[0].MODIFY
        target.write_entities(modified)
        more = updates(load_entries(_changed(file, tmp_path, "= 1 }", "= 2 }"), old.p4info))
        target.write_entities([update for update in more if update.entity.HasField("table_entry")])

        found = against_snapshot(target, before)
        assert lines(found) == [
            "register MyIngress.r [3]: should be 34, is 35",
            "register MyIngress.r [7]: should be 0, is 1",
            "counter MyIngress.hits [1]: should be 1 packets, 12 bytes, is 2 packets, 24 bytes",
            "table MyIngress.t hdr.request.op=0x1: should be MyIngress.set(0x2), is MyIngress.set(0x4)",
            "table MyIngress.t hdr.request.op=0x1: should be 1 packets, 12 bytes, is 2 packets, 24 bytes",
            "table MyIngress.t hdr.request.op=0x2: should not be there, is MyIngress.set(0x2)",
        ]
        assert found.compared["register MyIngress.r"] == 40
        of_file = against_file(target, entries)
        assert lines(of_file) == [line for line in lines(found) if "MyIngress.set" in line]
        missing = against_file(target, updates(load_entries(_changed(file, tmp_path, "= 1 }", "= 3 }"), old.p4info)))
        assert "table MyIngress.t hdr.request.op=0x3: should be MyIngress.set(0x2), is not there" in lines(missing)
        groups = against_file(target, updates(load_entries(_changed(file, tmp_path, "[1, 2, 3]", "[1]"), old.p4info)))
        assert "multicast group 5 ports: should be as in the file, is other ports" in lines(groups)


def _changed(file: Path, folder: Path, old: str, new: str) -> Path:
    path = folder / "changed.toml"
    path.write_text(file.read_text().replace(old, new))
    return path


def test_a_snapshot_from_before_a_change_of_program(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], file: Path
) -> None:
    """Cells are compared in the form given by the plan; what a strategy loses is found."""
    old, new = programs
    with ListeningTarget(running.address) as target:
        target.install(old)
        target.write_entities(updates(load_entries(file, old.p4info)))
        for cell in range(30):
            send(running, request(1, cell, cell + 1))
        before = take(target)
        reconfigure(load_strategy("state4_exact"), prepare(target, new))
        assert lines(against_snapshot(target, before)) == []
        reconfigure(load_strategy("none"), prepare(target, new))
        found = against_snapshot(target, before, limit=2)
        assert found.differing["register MyIngress.r"] == 30
        assert sum(d.component == "register MyIngress.r" for d in found.listed) == 2
        assert found.differing["table MyIngress.t"] == 1
        only = against_snapshot(target, before, only=["t"])
        assert set(only.compared) == {"counter MyIngress.hits", "table MyIngress.t"}


def test_the_commands(
    running: Running,
    programs: tuple[InstalledProgram, InstalledProgram],
    file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, _ = programs
    snapshot = tmp_path / "switch.snapshot"
    with ListeningTarget(running.address) as target:
        target.install(old)
        target.write_entities(updates(load_entries(file, old.p4info)))
    assert main(["snapshot", "--target", running.address, "-o", str(snapshot)]) == 0
    assert "1 registers with 40 cells, 1 counters" in capsys.readouterr().out
    arguments = ["verify", "--target", running.address, "--snapshot", str(snapshot), "--entries", str(file)]
    assert main(arguments) == 0
    assert capsys.readouterr().out.count("no differences") == 2
    with ListeningTarget(running.address) as target:
        write(target, old, dict.fromkeys(range(20), 5))
    assert main([*arguments, "--limit", "3"]) == 1
    out = capsys.readouterr().out
    assert "register MyIngress.r [0]: should be 0, is 5" in out
    assert "... and 17 more" in out
    assert "20 differences" in out
    assert main([*arguments, "--json"]) == 1
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["snapshot"]["differing"] == {"register MyIngress.r": 20}
    assert found["entries"]["differences"] == 0


def test_wrong_input(running: Running, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--target", running.address]) == 2
    assert "give --snapshot or --entries" in capsys.readouterr().err
    assert main(["verify", "--target", running.address, "--snapshot", str(file)]) == 2
    assert "not a snapshot of a switch" in capsys.readouterr().err
    with pytest.raises(BadSnapshot):
        load(file)


@pytest.mark.parametrize("strategy", ["state4_exact", "controller", "none", "reconcile"])
def test_a_change_that_is_verified_in_its_own_step(
    running: Running, programs: tuple[InstalledProgram, InstalledProgram], file: Path, strategy: str
) -> None:
    """With the real service: registers of both programs are read during the hold, entries afterwards."""
    old, new = programs
    with ListeningTarget(running.address) as target:
        target.install(old)
        target.write_entities(updates(load_entries(file, old.p4info)))
        for cell in range(30):
            send(running, request(1, cell, cell + 1))
        context = prepare(target, old if strategy == "reconcile" else new, verify=True)
        outcome = reconfigure(load_strategy(strategy), context)
        assert outcome.verified is not None
        if strategy == "reconcile":
            assert outcome.verified.unchecked == ["registers: the switch moves the registers in a separate step"]
            return
        assert outcome.verified.compared["register MyIngress.r"] == 50
        assert outcome.verified.differing == ({"register MyIngress.r": 30} if strategy == "none" else {})
        assert outcome.verified.compared.get("table MyIngress.t") == (None if strategy == "none" else 1)
        assert send(running, request(1)) == ([] if strategy == "none" else [2])
