"""Runs a scenario on softswitch and on bmv2."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nfs
from softswitch.build.cache import cached_directory, content_key
from softswitch.build.program import CompiledPipeline, compile_program, compile_text
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.switch import Switch
from state4.entries_file import Entries, TableRow, parse, resolve
from state4.instrumentation.running import all_registers
from tests.bmv2.bench import Bmv2
from tests.bmv2.scenario import START_US, Scenario, Seen, ordered
from tests.switch.harness import entry_of, install

_MAX_CELL = (1 << 63) - 1  # what a signed 64-bit number of Thrift can hold


def compiled(scenario: Scenario) -> CompiledPipeline:
    """The program compiled for softswitch."""
    if isinstance(scenario.source, Path):
        return compile_program(scenario.source)
    return compile_text(scenario.source, f"{scenario.name}.p4")


def entries_of(scenario: Scenario) -> Entries:
    return resolve(parse(scenario.entries, Path(f"{scenario.name}.toml")), compiled(scenario).p4info)


def counted(pipeline: Pipeline, row: TableRow) -> bool:
    return not row.is_default and bool(pipeline.tables[row.table].info.direct_counter)


def on_softswitch(scenario: Scenario) -> Seen:
    seen = Seen()
    program = compiled(scenario)
    entries = entries_of(scenario)
    with Switch() as switch:
        for port in scenario.ports:
            switch.add_memory_port(port)
        pipeline = switch.load(program)
        switch.commit(pipeline)
        install(switch, pipeline, entries)
        for group, replicas in scenario.groups.items():
            switch.set_multicast_group(group, list(replicas))
        for session, port in scenario.sessions.items():
            switch.set_clone_session(session, [(port, 0)])
        time_us = START_US
        for port, frame, wait_us in scenario.packets:
            time_us += wait_us
            switch.set_time(time_us)
            out = switch.inject(port, frame)  # also what goes to a port that is not there
            seen.frames.append(ordered([(number, sent) for number, sent in out if number in scenario.ports]))
        for spec in all_registers(program.p4info):
            values = [value % (1 << spec.width) for value in spec.integers(pipeline.registers[spec.name].read())]
            seen.registers[spec.name] = [min(value, _MAX_CELL) for value in values]
        for name, counter in pipeline.counters.items():
            seen.counters[name] = [(packets, octets) for packets, octets in counter.read().tolist()]
        for number, row in enumerate(entries.rows):
            if counted(pipeline, row):
                table = pipeline.tables[row.table]
                value = table.direct_counter(entry_of(table.info, row))
                seen.direct[number] = (value.packets, value.bytes)
    return seen


def on_bmv2(scenario: Scenario) -> Seen:
    seen = Seen()
    program = compiled(scenario)
    entries = entries_of(scenario)
    keys = {table.name: [(key.match, key.width) for key in table.keys] for table in program.info.tables}
    time_us = START_US
    with Bmv2(compile_bmv2(scenario.source).json, scenario.ports, time_us=time_us) as switch:
        handles = switch.install(entries, keys)
        for group, replicas in scenario.groups.items():
            switch.set_multicast_group(group, replicas)
        for session, port in scenario.sessions.items():
            switch.set_clone_session(session, [port])
        for port, frame, wait_us in scenario.packets:
            time_us += wait_us
            switch.set_time(time_us)
            seen.frames.append(ordered(switch.send(port, frame)))
        for spec in all_registers(program.p4info):
            cells = switch.register(spec.name)
            seen.registers[spec.name] = [v % (1 << spec.width) if spec.width <= 64 else v for v in cells]
        for counter in program.info.counters:
            seen.counters[counter.name] = switch.counter(counter.name, counter.cells)
        direct = {table.name for table in program.info.tables if table.direct_counter}
        for number, (row, handle) in enumerate(zip(entries.rows, handles, strict=True)):
            if handle is not None and row.table in direct:
                seen.direct[number] = switch.direct_counter(row.table, handle)
    return seen


# ---- p4c ----


class Refused(Exception):
    """p4c rejects a program; the message is p4c's."""


@dataclass(frozen=True)
class CompiledJson:
    """`warnings`: what p4c printed."""

    json: Path
    warnings: str


@cache
def _p4c() -> tuple[str, str]:
    path = shutil.which("p4c-bm2-ss") or "p4c-bm2-ss"
    return path, subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout


def compile_bmv2(source: str | Path) -> CompiledJson:
    """Compiled by p4c-bm2-ss, or found in the cache. Raises Refused."""
    tool, version = _p4c()
    if isinstance(source, Path):
        texts = [path.read_text() for path in (source, *sorted((nfs.FOLDER / "include").glob("*.p4")))]
    else:
        texts = [source]

    def build(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            path = source if isinstance(source, Path) else Path(scratch) / "program.p4"
            if isinstance(source, str):
                path.write_text(source)
            argv = [tool, "--arch", "v1model", "-o", str(folder / "program.json"), str(path)]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            message = (done.stdout + done.stderr).replace(f"{path.parent}/", "")
        if done.returncode != 0:
            raise Refused(message)
        (folder / "warnings").write_text(message)

    folder = cached_directory("bmv2-json", content_key(version, *texts), build)
    return CompiledJson(folder / "program.json", (folder / "warnings").read_text())
