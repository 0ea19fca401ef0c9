"""Runs one .stf file against a program in a switch with memory ports.

bmv2's own test driver is the reference: names are matched by suffix, the larger priority wins, fields that an entry
does not name are wildcards (ternary, lpm) or 0 (exact), packets are compared in order per port, and a port named in the
file must not send more packets than expected.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from conformance.stf import (
    ActionCall,
    Add,
    CheckCounter,
    Command,
    Expect,
    Packet,
    SetDefault,
    Statement,
    mask,
    number,
    parse_stf,
    prefix_length,
)
from p4front.match_kinds import EXACT, LPM, MATCH_KINDS, RANGE, TERNARY, need_priority
from softswitch.build.program import compile_program
from softswitch.dataplane.entries import Entry, Exact, Lpm, Match, Optional, Range, Ternary
from softswitch.dataplane.externs import Register
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.switch import Switch
from softswitch.model import KeyField, TableInfo

T = TypeVar("T")

_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


def run_stf(program: Path, stf: Path) -> list[str]:
    """Returns the problems as text; empty if the test passed.

    Raises P4Error if the program is rejected, StfError if the file is invalid.
    """
    statements = parse_stf(stf)
    bench = StfBench(program, {s.port for s in statements if isinstance(s, (Packet, Expect))})
    try:
        return bench.execute(statements)
    finally:
        bench.close()


class StfBench:
    """A program on a switch with the memory ports named in a file, ready for its statements. Raises P4Error."""

    def __init__(self, program: Path, ports: Iterable[int]) -> None:
        compiled = compile_program(program)
        self.switch = Switch()
        self.ports = set(ports)
        for port in sorted(self.ports):
            self.switch.add_memory_port(port)
        self.pipeline: Pipeline = self.switch.load(compiled)
        self.switch.commit(self.pipeline)
        self.sent: dict[int, list[bytes]] = defaultdict(list)
        self.expected: dict[int, list[Expect]] = defaultdict(list)
        self.labels: dict[str, tuple[str, Entry]] = {}
        self.nodes: list[tuple[int, list[int]]] = []
        self.groups: dict[int, list[tuple[int, int]]] = {}
        self.problems: list[str] = []

    def close(self) -> None:
        self.switch.close()

    def execute(self, statements: Iterable[Statement]) -> list[str]:
        """Executes the statements in order, and compares at the end; returns the problems as text."""
        for statement in statements:
            if isinstance(statement, Packet):
                for port, frame in self.switch.inject(statement.port, statement.data):
                    self.sent[port].append(frame)
            elif isinstance(statement, Expect):
                self.expected[statement.port].append(statement)
            elif isinstance(statement, Add):
                self._add(statement)
            elif isinstance(statement, SetDefault):
                info = self._table(statement.table)
                action, params = self._action(info, statement.action)
                self.pipeline.tables[info.name].set_default(action, params)
            elif isinstance(statement, CheckCounter):
                self._check_counter(statement)
            else:
                self._command(statement)
        self._compare()
        return self.problems

    # ------------------------------------------------------------ tables

    def _table(self, name: str) -> TableInfo:
        tables = self.pipeline.info.tables
        return _by_suffix({t.name: t for t in tables}, name, "table")

    def _action(self, table: TableInfo, call: ActionCall) -> tuple[str, tuple[int, ...]]:
        action = _by_suffix({a.name: a for a in table.actions}, call.name, f"action of {table.name}")
        given = dict(call.args)
        return action.name, tuple(number(given[param.name]) for param in action.params)

    def _add(self, add: Add) -> None:
        info = self._table(add.table)
        action, params = self._action(info, add.action)
        given: dict[str, str] = {}
        keys = [key for key in info.keys if MATCH_KINDS[key.match].matched]
        for field, value in add.matches:
            given[_key(keys, field).name] = value
        matches = tuple(_match(key, given.get(key.name)) for key in keys)
        ordered = need_priority(key.match for key in keys)
        # A P4Runtime priority starts at 1; only the order matters.
        entry = Entry(keys=matches, action=action, params=params, priority=1 + (add.priority or 0) if ordered else 0)
        self.pipeline.tables[info.name].insert(entry)
        if add.label:
            self.labels[add.label] = (info.name, entry)

    # ------------------------------------------------------------ all other statements

    def _check_counter(self, check: CheckCounter) -> None:
        if check.unit is None:
            return
        if check.index in self.labels:
            table, entry = self.labels[check.index]
            count = self.pipeline.tables[table].direct_counter(entry)
        else:
            info = _by_suffix({c.name: c for c in self.pipeline.info.counters}, check.counter, "counter")
            count = self.pipeline.counters[info.name].read_cell(number(check.index))
        value = count.packets if check.unit == "packets" else count.bytes
        # Some files count the 4-byte frame check sequence, which bmv2 never sees (its driver skips these checks).
        allowed = {value, value + 4 * count.packets} if check.unit == "bytes" else {value}
        if not any(_COMPARE[check.operator](one, check.value) for one in allowed):
            self.problems.append(
                f"counter {check.counter}({check.index}) has {value} {check.unit}, not {check.operator} {check.value}"
            )

    def _command(self, command: Command) -> None:
        name, words = command.name, command.words
        if name == "mirroring_add":
            self.switch.set_clone_session(int(words[0]), replicas=[(int(words[1]), 0)])
        elif name == "mirroring_add_mc":
            self.switch.set_clone_session(int(words[0]), replicas=self.groups.get(int(words[1]), []))
        elif name == "mirroring_delete":
            self.switch.delete_clone_session(int(words[0]))
        elif name == "mc_mgrp_create":
            self.groups[int(words[0])] = []
        elif name == "mc_node_create":
            self.nodes.append((int(words[0]), [int(port) for port in words[1:]]))
        elif name == "mc_node_associate":
            group, (instance, ports) = int(words[0]), self.nodes[int(words[1])]
            self.groups[group] += [(port, instance) for port in ports]
            self.switch.set_multicast_group(group, replicas=self.groups[group])
        elif name == "register_write":
            self._register(words[0]).write_cell(int(words[1]), number(words[2]))
        elif name == "register_reset":
            self._register(words[0]).reset()
        elif name in ("meter_set_rates", "meter_array_set_rates"):
            self._meter(name, words)
        elif name == "no_packet":
            self.expected.clear()
        elif name not in ("wait", "register_read", "mirroring_get", "meter_get_rates", "counter_read", "remove"):
            self.problems.append(f"unknown command {name}")

    def _register(self, name: str) -> Register:
        info = _by_suffix({r.name: r for r in self.pipeline.info.registers}, name, "register")
        return self.pipeline.registers[info.name]

    def _meter(self, command: str, words: tuple[str, ...]) -> None:
        """`rate:burst` pairs; bmv2's rates are in packets or bytes per microsecond."""
        info = _by_suffix({m.name: m for m in self.pipeline.info.meters}, words[0], "meter")
        rates = [word.split(":") for word in words[1 if command == "meter_array_set_rates" else 2 :]]
        (cir, cburst), (pir, pburst) = [(round(float(rate) * 1e6), int(burst)) for rate, burst in rates]
        cells = range(info.cells) if command == "meter_array_set_rates" else [int(words[1])]
        for cell in cells:
            self.pipeline.meters[info.name].configure(cell, cir=cir, cburst=cburst, pir=pir, pburst=pburst)

    # ------------------------------------------------------------ comparison

    def _compare(self) -> None:
        for port in sorted(self.ports):
            sent, expected = self.sent[port], self.expected[port]
            if len(sent) != len(expected):
                frames = ", ".join(frame.hex() for frame in sent[:4])
                self.problems.append(f"port {port}: {len(expected)} packets expected, {len(sent)} sent: {frames}")
                continue
            for index, (frame, expect) in enumerate(zip(sent, expected, strict=True)):
                if not _equal(frame.hex().upper(), expect):
                    self.problems.append(
                        f"port {port}, packet {index}: expected {expect.pattern}{'$' if expect.exact else ''}, "
                        f"got {frame.hex().upper()}"
                    )


def _equal(hex_digits: str, expect: Expect) -> bool:
    if expect.pattern is None:
        return True
    if len(hex_digits) < len(expect.pattern) or (expect.exact and len(hex_digits) > len(expect.pattern)):
        return False
    return all(want in ("*", got) for want, got in zip(expect.pattern, hex_digits, strict=False))


def _by_suffix(known: dict[str, T], name: str, what: str) -> T:
    """The exact name, else the one ending with it (as in bmv2's driver); names from p4_14 have `_` in place of `.`."""
    if name in known:
        return known[name]
    ends = {key for key in known if key.endswith("." + name)} or {key for key in known if key.endswith(name)}
    if not ends:
        ends = {key for key in known if key.replace(".", "_").endswith(name.replace(".", "_"))}
    if len(ends) != 1:
        raise LookupError(f"{what} {name}: {'ambiguous' if ends else 'not found'} among {sorted(known)}")
    return known[ends.pop()]


def _key(keys: list[KeyField], field: str) -> KeyField:
    valid = "$valid$"  # the name of a key on isValid(); some files write "h.valid" or only the header's name
    wanted = field
    if field == "valid" or field.endswith(".valid"):
        wanted = field.removesuffix("valid") + valid
    base, mark, rest = wanted.partition("$")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    if mark and digits:  # extra$0.h is extra[0].h
        wanted = f"{base}[{rest[:digits]}]{rest[digits:]}"
    for key in keys:
        if key.name == wanted or key.name.removesuffix("$") == wanted:
            return key
    for suffix in ("." + wanted, wanted, f"{wanted}.{valid}"):
        for key in keys:
            if key.name.endswith(suffix):
                return key
    raise LookupError(f"key field {field} not found among {[key.name for key in keys]}")


def _match(key: KeyField, text: str | None) -> Match:
    every = (1 << key.width) - 1
    if key.match == EXACT.name:
        return Exact(number(text or "0") & every)
    if key.match == LPM.name:
        if text is None:
            return Lpm(0, 0)
        length = prefix_length(text)
        return Lpm(number(text.split("/")[0]) & every, key.width if length is None else min(length, key.width))
    if key.match == TERNARY.name:
        return Ternary(0, 0) if text is None else Ternary(number(text) & mask(text) & every, mask(text) & every)
    if key.match == RANGE.name:
        low, high = (text.split("..") if text and ".." in text else (text, text)) if text else ("0", str(every))
        return Range(number(low or "0"), number(high or "0"))
    return Optional(None if text is None else number(text) & every)
