"""One forwarding-pipeline config that the device holds: its loaded program, and what requests need of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from finsy.proto import p4i

from softswitch.build.program import CompiledPipeline
from softswitch.dataplane.pipeline import Pipeline
from softswitch.server.program.controller_header import ControllerHeader
from softswitch.server.program.digests import Digests
from softswitch.server.program.index import P4Index, build_index
from softswitch.server.values.translation import Translations


def _new_number() -> int:
    """A number that no other program gets, neither on this switch nor on an earlier one at the same address."""
    return secrets.randbits(63) | 1


@dataclass(eq=False)
class Config:
    """`cookie` None: the client set none. `default_notes`: metadata of default entries, by table id. `ports`: the
    numbers of the switch's current ports. `number`: by which requests name the program that they are for."""

    p4info: p4i.P4Info
    device_config: bytes
    cookie: int | None
    compiled: CompiledPipeline
    pipeline: Pipeline
    index: P4Index
    digests: Digests
    packet_in: ControllerHeader
    packet_out: ControllerHeader
    ports: Callable[[], Collection[int]]
    default_notes: dict[int, bytes] = field(default_factory=dict)
    number: int = field(default_factory=_new_number)


def make_config(
    p4info: p4i.P4Info,
    device_config: bytes,
    cookie: int | None,
    compiled: CompiledPipeline,
    pipeline: Pipeline,
    *,
    translations: Translations | None = None,
    ports: Callable[[], Collection[int]] = lambda: (),
) -> Config:
    """`p4info`: from the client, or the program's own; `check_p4info` has verified that they are equivalent. The index
    is built from the program's own."""
    index = build_index(compiled.p4info, compiled.info, translations or Translations())
    return Config(
        p4info,
        device_config,
        cookie,
        compiled,
        pipeline,
        index,
        Digests(index),
        ControllerHeader(index, compiled.info, "packet_in"),
        ControllerHeader(index, compiled.info, "packet_out"),
        ports,
    )
