"""One forwarding-pipeline config that the device holds: its program, loaded, and what requests need of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from finsy.proto import p4i

from softswitch.pipeline import CompiledPipeline
from softswitch.server.digests import Digests
from softswitch.server.index import P4Index, build_index
from softswitch.server.packet_io import ControllerHeader
from softswitch.switch import Pipeline


@dataclass(eq=False)
class Config:
    """`cookie` None: the client set none. `default_notes`: metadata of default entries by table id."""

    p4info: p4i.P4Info
    device_config: bytes
    cookie: int | None
    compiled: CompiledPipeline
    pipeline: Pipeline
    index: P4Index
    digests: Digests
    packet_in: ControllerHeader
    packet_out: ControllerHeader
    default_notes: dict[int, bytes] = field(default_factory=dict)


def make_config(
    p4info: p4i.P4Info, device_config: bytes, cookie: int | None, compiled: CompiledPipeline, pipeline: Pipeline
) -> Config:
    """Raises Refused (INVALID_ARGUMENT) if the P4Info is not the program's."""
    index = build_index(p4info, compiled.info)
    return Config(
        p4info,
        device_config,
        cookie,
        compiled,
        pipeline,
        index,
        Digests(index),
        ControllerHeader(p4info, "packet_in"),
        ControllerHeader(p4info, "packet_out"),
    )
