"""The entries of every program, by P4Runtime: the same state of the switch as when they are set directly."""

from __future__ import annotations

from pathlib import Path

import pytest
from finsy.proto import p4r

import nfs
from softswitch.server.device.batches import Batches
from softswitch.server.entities.pre import ReplicationEngine
from softswitch.server.program.config import make_config
from state4.entries_file import load_entries, parse, resolve, updates
from tests.switch.harness import Bench


def tables(bench: Bench) -> dict[str, tuple[set[str], str]]:
    """Of each table, its entries and its default action, as text."""
    return {
        name: ({str(entry) for entry in table.entries()}, str(table.default()))
        for name, table in bench.pipeline.tables.items()
    }


@pytest.mark.parametrize("program", nfs.PROGRAMS)
def test_p4runtime_sets_what_the_file_says(program: str) -> None:
    with Bench(program) as direct, Bench(program, "") as empty:
        assert tables(empty) != tables(direct)
        compiled = empty.program
        config = make_config(compiled.p4info, b"", None, compiled, empty.pipeline)
        entries = load_entries(nfs.entries_path(nfs.program_path(program)), compiled.p4info)
        batches = Batches(empty.switch, ReplicationEngine(empty.switch))
        batches.write(config, p4r.WriteRequest(updates=updates(entries)))
        assert tables(empty) == tables(direct)
        assert empty.switch.multicast_groups() == direct.switch.multicast_groups()


def test_register_cells_and_clone_sessions_too() -> None:
    text = """
[[clone]]
session = 5
replicas = [{ port = 6, instance = 2 }]
truncate = 64
[[register]]
name = "pk_reg"
index = 100
values = [1, 2, 3]
[[default]]
table = "dmac"
action = "forward"
params = { port = 3 }
"""
    with Bench("port_knocking", text) as direct, Bench("port_knocking", "") as empty:
        compiled = empty.program
        config = make_config(compiled.p4info, b"", None, compiled, empty.pipeline)
        entries = resolve(parse(text, Path("some.toml")), compiled.p4info)
        batches = Batches(empty.switch, ReplicationEngine(empty.switch))
        batches.write(config, p4r.WriteRequest(updates=updates(entries)))
        for bench in (direct, empty):
            assert bench.register("pk_reg")[99:104] == [0, 1, 2, 3, 0]
        assert tables(empty) == tables(direct)
        assert empty.switch.clone_sessions() == direct.switch.clone_sessions()
