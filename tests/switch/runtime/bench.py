"""Helpers of the runtime's own tests: tables to look up, scripts to run."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.switch import Switch
from softswitch.model import (
    ActionInfo,
    ActionParam,
    CounterInfo,
    DigestInfo,
    KeyField,
    PipelineInfo,
    RegisterInfo,
    TableInfo,
    ValueSetInfo,
    words,
)
from tests.switch.handmade import build

ACTIONS = (
    ActionInfo("set", 0, (ActionParam("value", 32),)),
    ActionInfo("wide", 1, (ActionParam("a", 128), ActionParam("b", 9))),
    ActionInfo("NoAction", 2, ()),
    ActionInfo("entries_only", 3, (), "tableonly"),
    ActionInfo("default_only", 4, (), "defaultonly"),
)

NO_FIELDS = 255
"""A frame that asks for no field list."""


def table(name: str, index: int, *keys: tuple[int, str], size: int = 1024, **options: object) -> TableInfo:
    fields = tuple(KeyField(f"k{i}", width, match) for i, (width, match) in enumerate(keys))
    return TableInfo(
        name=name,
        index=index,
        keys=fields,
        actions=ACTIONS,
        size=size,
        default_action=2,
        **{"const_default": False, "const_entries": False, **options},  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Answer:
    hit: bool
    action: int
    slot: int
    colour: int
    data: tuple[int, ...]

    @property
    def value(self) -> int | None:
        """The parameter of action `set` of a hit."""
        return self.data[0] if self.hit and self.action == 0 else None


class Prober:
    """A switch whose packets each look up one table."""

    def __init__(self, *tables: TableInfo, const_entries: str = "", **objects: object) -> None:
        info = PipelineInfo("prober", tables=tables, **objects)  # type: ignore[arg-type]
        self.switch = Switch()
        self.switch.set_time(1_000_000)
        self.pipeline: Pipeline = self.switch.load(build("prober", info, const_entries))
        self.switch.commit(self.pipeline)

    def ask(self, table: TableInfo, key: Sequence[int], selector: int = 0, pad: int = 0) -> Answer:
        fields = [field for field in table.keys if field.match != "selector"]
        return self._ask(table.index, [field.width for field in fields], key, selector, pad)

    def in_set(self, value_set: ValueSetInfo, key: Sequence[int]) -> bool:
        return self._ask(256 + value_set.index, [field.width for field in value_set.keys], key, 0, 0).hit

    def _ask(self, number: int, widths: Sequence[int], key: Sequence[int], selector: int, pad: int) -> Answer:
        packet = struct.pack("<QQ", number, selector)
        packet += b"".join(v.to_bytes(8 * words(w), "little") for v, w in zip(key, widths, strict=True))
        ((port, out),) = self.switch.inject(1, packet + bytes(pad))
        assert port == 1
        answer = struct.unpack("<12Q", out)
        return Answer(bool(answer[0]), answer[1], answer[2], answer[3], answer[4:])

    def close(self) -> None:
        self.switch.close()


SCRIPTED = PipelineInfo(
    "scripted",
    registers=(RegisterInfo("ingress", 0, 8, 32, False, 4), RegisterInfo("egress", 1, 8, 32, False, 4)),
    counters=(CounterInfo("packets", 0, 16, 2),),
    meters=(CounterInfo("limit", 0, 16, 0),),
    digests=(DigestInfo("seen", 0, (("meta", 8), ("long", 128))),),
)
CLONE, AGAIN, MULTICAST, DROP, DIGEST, TRUNCATE, ABORT, ALWAYS = (1 << i for i in range(8))


@dataclass(frozen=True)
class Seen:
    """What egress saw of a packet that was sent."""

    port: int
    instance_type: int
    egress_port: int
    rid: int
    meta: int
    packet_length: int
    ingress_port: int
    egress_passes: int
    frame: bytes


class Scripted:
    """A switch whose packets contain the requests to the runtime."""

    def __init__(self) -> None:
        self.switch = Switch()
        self.pipeline = self.load()

    def load(self) -> Pipeline:
        pipeline = self.switch.load(build("scripted", SCRIPTED))
        self.switch.commit(pipeline)
        return pipeline

    def send(self, *, ingress_port: int = 1, **script: int) -> list[Seen]:
        return [seen(port, frame) for port, frame in self.switch.inject(ingress_port, script_frame(**script))]

    def passes(self, which: str) -> dict[int, int]:
        """How often ingress or egress ran, by instance type."""
        return {kind: int(count) for kind, count in enumerate(self.pipeline.registers[which].read()) if count}

    def close(self) -> None:
        self.switch.close()


def script_frame(
    *,
    port: int = 2,
    ingress: int = 0,
    egress: int = 0,
    session: int = 0,
    group: int = 0,
    fields: int = NO_FIELDS,
    truncate: int = 0,
    meta: int = 0,
    rounds: int = 0,
    size: int = 40,
) -> bytes:
    head = bytes((port, ingress, egress, session, group, fields, truncate, meta)).ljust(15, b"\0")
    return head + bytes((rounds, *range(16, size)))


def seen(port: int, frame: bytes) -> Seen:
    head = frame.ljust(16, b"\0")
    return Seen(port, head[8], head[9], head[10], head[11], head[12], head[13], head[14], frame)
