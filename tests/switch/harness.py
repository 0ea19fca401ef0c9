"""A switch with memory ports and a clock that stands still: packets in, packets out, registers to inspect."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import TracebackType

import nfs
from softswitch.build.program import CompiledPipeline, compile_program
from softswitch.dataplane import entries as soft
from softswitch.dataplane.externs import Register
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.switch import Switch
from softswitch.model import TableInfo
from state4.entries_file import Entries, Match, TableRow, load_entries, parse, resolve

PORTS = (1, 2, 3, 4, 5, 6)
START_US = 10_000_000  # well after the switch's start: a time of 0 means "never" to some programs


@cache
def compiled(path: Path) -> CompiledPipeline:
    return compile_program(path)


class Bench:
    """A program on a switch. `entries`: the text of a file of entries, or None for the file next to the program.

    `time_us` is the switch's clock; it moves only by assignment.
    """

    def __init__(self, program: str | Path, entries: str | None = None, *, ports: tuple[int, ...] = PORTS) -> None:
        path = nfs.program_path(program) if isinstance(program, str) else program
        self.program = compiled(path)
        self.switch = Switch()
        for port in ports:
            self.switch.add_memory_port(port)
        self.pipeline: Pipeline = self.switch.load(self.program)
        self.switch.commit(self.pipeline)
        if entries is None:
            install(self.switch, self.pipeline, load_entries(nfs.entries_path(path), self.program.p4info))
        else:
            install(self.switch, self.pipeline, resolve(parse(entries, Path("test.toml")), self.program.p4info))
        self.time_us = START_US

    @property
    def time_us(self) -> int:
        return self._time_us

    @time_us.setter
    def time_us(self, value: int) -> None:
        self._time_us = value
        self.switch.set_time(value)

    def send(self, port: int, frame: bytes) -> list[tuple[int, bytes]]:
        """The frames that come out, sorted by port."""
        return sorted(self.switch.inject(port, frame))

    def ports(self, port: int, frame: bytes) -> list[int]:
        """The ports where the frame comes out, unchanged."""
        out = self.send(port, frame)
        assert all(sent == frame for _, sent in out)
        return [number for number, _ in out]

    def register(self, name: str) -> list[int]:
        """All cells of the register of that name, or of the only one whose name ends with it."""
        cells: list[int] = self._register(name).read().tolist()
        return cells

    def cell(self, name: str, index: int) -> int:
        return self._register(name).read_cell(index)

    def set_cell(self, name: str, index: int, value: int) -> None:
        self._register(name).write_cell(index, value)

    def _register(self, name: str) -> Register:
        (full,) = [key for key in self.pipeline.registers if key == name or key.endswith("." + name)]
        return self.pipeline.registers[full]

    def close(self) -> None:
        self.switch.close()

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def install(switch: Switch, pipeline: Pipeline, entries: Entries) -> None:
    """Writes checked entries directly to a switch, without a server."""
    for group in entries.multicast:
        switch.set_multicast_group(group.group, [(replica.port, replica.instance) for replica in group.replicas])
    for clone in entries.clones:
        replicas = [(replica.port, replica.instance) for replica in clone.replicas]
        switch.set_clone_session(clone.session, replicas, clone.truncate)
    for row in entries.rows:
        table = pipeline.tables[row.table]
        if row.is_default:
            table.set_default(row.action, tuple(param.value for param in row.params))
        else:
            table.insert(entry_of(table.info, row))
    for register in entries.registers:
        pipeline.registers[register.register].write(register.index, register.values)


def entry_of(table: TableInfo, row: TableRow) -> soft.Entry:
    """A row that is not a default action, as a softswitch entry."""
    given = {match.name: match for match in row.matches}
    keys = tuple(_key(given.get(key.name), key.match, key.width) for key in table.keys)
    return soft.Entry(keys, row.action, tuple(param.value for param in row.params), row.priority)


def _key(match: Match | None, kind: str, width: int) -> soft.KeyMatch:
    if kind == "exact":
        assert match is not None
        return soft.Exact(match.value)
    if kind == "lpm":
        return soft.Lpm(match.value, match.operand) if match else soft.Lpm(0, 0)
    if kind == "ternary":
        return soft.Ternary(match.value, match.operand) if match else soft.Ternary(0, 0)
    if kind == "range":
        return soft.Range(match.value, match.operand) if match else soft.Range(0, (1 << width) - 1)
    return soft.Optional(match.value if match else None)
