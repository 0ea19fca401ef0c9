"""One forwarding-pipeline config that the device holds: its program, loaded, and what requests need of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from finsy.proto import p4i

from softswitch.build.program import CompiledPipeline
from softswitch.dataplane.pipeline import Pipeline
from softswitch.server.program.controller_header import ControllerHeader
from softswitch.server.program.digests import Digests
from softswitch.server.program.index import P4Index, build_index
from softswitch.server.values.translation import Translations


@dataclass(eq=False)
class Config:
    """`cookie` None: the client set none. `default_notes`: metadata of default entries by table id. `ports`: the
    numbers of the switch's ports now."""

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
    """Raises Refused (INVALID_ARGUMENT) if the P4Info is not the program's."""
    index = build_index(p4info, compiled.info, translations or Translations())
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


def check_config(p4info: p4i.P4Info, compiled: CompiledPipeline) -> None:
    """What `make_config` would refuse."""
    index = build_index(p4info, compiled.info, Translations())
    for name in ("packet_in", "packet_out"):
        ControllerHeader(index, compiled.info, name)
