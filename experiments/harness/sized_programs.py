"""Generated programs: a chosen number of registers of a chosen size, and a state write per packet.

The packets are those of the flow tool (traffic/flow.c), which have their sequence number in the payload. It determines
where a packet is counted, so that the state shows which packets were counted. Only forwarded packets are counted, so
that those that arrive and those that are counted are the same:

    component = sequence mod components
    cell      = (sequence div components) * step mod cells

or, with `writes` "all", every component, and in each of them

    cell      = sequence * step mod cells

The step is odd and the number of cells a power of two, so a flow with no more packets than there are cells never uses a
cell twice. A cell holds the bytes of its packets, as in nfs/byte_counter.p4.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.traffic.flow import HEADER_BYTES
from softswitch.build.cache import cached_directory, content_key
from topologies.paper import HOSTS, PORTS, SERVER, mac_of

PORT = 5000  # destination port of the datagrams that are counted
REGISTER_PREFIX = "state_"
_GOLDEN = 0.6180339887498949  # successive packets are far from each other in the array


@dataclass(frozen=True)
class StateProgram:
    """`components` registers of `cells` cells of `width` bits each. `writes`: "one" component per packet, or "all".

    Both numbers are powers of two. Raises ValueError otherwise.
    """

    components: int
    cells: int
    width: int = 64
    writes: str = "one"

    def __post_init__(self) -> None:
        for name in ("components", "cells"):
            number = getattr(self, name)
            if number < 1 or number & (number - 1):
                raise ValueError(f"{name} must be a power of two, not {number}")
        if self.writes not in ("one", "all"):
            raise ValueError(f"writes must be one or all, not {self.writes}")
        if not 8 <= self.width <= 64:
            raise ValueError(f"width must be 8 to 64 bits, not {self.width}")

    @property
    def name(self) -> str:
        every = "_all" if self.writes == "all" else ""
        return f"state_{self.components}x{self.cells}x{self.width}{every}"

    @property
    def registers(self) -> tuple[str, ...]:
        """Names of the registers, by component."""
        return tuple(f"{REGISTER_PREFIX}{number}" for number in range(self.components))

    @property
    def state_bytes(self) -> int:
        """Bytes of all registers, with each cell rounded up to whole bytes."""
        return self.components * self.cells * -(-self.width // 8)

    @property
    def step(self) -> int:
        return int(_GOLDEN * self.cells) | 1

    def places(self, sequences: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Component (from 0) and cell of packets, by sequence number, for programs that write one component per
        packet."""
        numbers = np.asarray(sequences, np.int64)
        return numbers % self.components, (numbers // self.components) * self.step % self.cells

    def files(self) -> tuple[Path, Path]:
        """The program and its entries as files, in the cache of built files."""
        folder = cached_directory("generated", content_key(self.name, self.source(), _entries()), self.store)
        return folder / f"{self.name}.p4", folder / f"{self.name}.entries.toml"

    def store(self, folder: Path) -> None:
        """Writes the program and its entries to a folder."""
        (folder / f"{self.name}.p4").write_text(self.source())
        (folder / f"{self.name}.entries.toml").write_text(_entries())

    def source(self) -> str:
        """The program, complete except for the architecture's own files."""
        registers = "\n".join(f"    register<bit<{self.width}>>({self.cells}) {name};" for name in self.registers)
        bits = 0 if self.writes == "all" else self.components.bit_length() - 1
        cell = f"((number >> {bits}) * {self.step}) & {self.cells - 1}"
        return _SOURCE.format(port=PORT, registers=registers, cell=cell, width=self.width, counts=self._counts())

    def _counts(self) -> str:
        def count(name: str, indent: int) -> str:
            lines = (
                f"{name}.read(bytes, cell);",
                f"bytes = bytes + (bit<{self.width}>)standard_metadata.packet_length;",
                f"{name}.write(cell, bytes);",
            )
            return "\n".join(" " * indent + line for line in lines)

        if self.components == 1 or self.writes == "all":
            return "\n".join(count(name, 12) for name in self.registers)
        parts = []
        for number, name in enumerate(self.registers):
            test = f"if ((number & {self.components - 1}) == {number}) {{" if number < self.components - 1 else "{"
            parts.append(f"{test}\n{count(name, 16)}\n            }}")
        return " " * 12 + " else ".join(parts)


def missing_updates(
    program: StateProgram, sequences: npt.ArrayLike, frame_bytes: int, contents: dict[str, npt.NDArray[Any]]
) -> npt.NDArray[np.bool_]:
    """The packets that went through but are missing in the state. Shape: (packets,).

    `contents`: cells by the register's name, or a name that ends with it. Raises ValueError if a cell was used by two
    packets or has a value that no packet can have written: then the state does not show which packets are missing.
    """
    components, cells = program.places(sequences)
    missing = np.zeros(len(components), np.bool_)
    for number, name in enumerate(program.registers):
        values = register(contents, name).astype(np.int64)
        own = components == number
        if len(np.unique(cells[own])) != int(own.sum()):
            raise ValueError(f"{name} has too few cells: two packets used the same one")
        odd = np.flatnonzero((values != 0) & (values != frame_bytes))
        if len(odd):
            raise ValueError(
                f"{name}[{odd[0]}] is {values[odd[0]]}, which no packet of {frame_bytes} bytes can have written"
            )
        missing[own] = values[cells[own]] == 0
    return missing


def counted_bytes(program: StateProgram, contents: dict[str, npt.NDArray[Any]]) -> int:
    """The bytes counted in all cells together."""
    return sum(int(register(contents, name).astype(np.uint64).sum()) for name in program.registers)


def register(contents: dict[str, npt.NDArray[Any]], name: str) -> npt.NDArray[Any]:
    """A register's cells, by the end of its name. Raises KeyError if there is none."""
    for full, values in contents.items():
        if full == name or full.endswith("." + name):
            return values
    raise KeyError(name)


def payload_for(frame_bytes: int) -> int:
    """The UDP payload of a frame of that many bytes."""
    return frame_bytes - HEADER_BYTES


def _entries() -> str:
    lines = ["# The hosts' ports in the paper's network; all other destinations are dropped."]
    for name in (*HOSTS, SERVER):
        lines += [
            "\n[[entry]]",
            'table = "places"',
            f'match = {{ mac = "{mac_of(name)}" }}',
            'action = "forward"',
            f"params = {{ port = {PORTS[name]} }}",
        ]
    return "\n".join(lines) + "\n"


_SOURCE = """\
#include <core.p4>
#include <v1model.p4>

header ethernet_t {{
    bit<48> dstAddr;
    bit<48> srcAddr;
    bit<16> etherType;
}}

header ipv4_t {{
    bit<72>  start;
    bit<8>   protocol;
    bit<80>  rest;
}}

header udp_t {{
    bit<16> srcPort;
    bit<16> dstPort;
    bit<32> rest;
}}

/* The payload of the flow tool begins so; the lowest byte of the number comes first. */
header mark_t {{
    bit<32> magicAndFlow;
    bit<8>  byte0;
    bit<8>  byte1;
    bit<8>  byte2;
    bit<8>  byte3;
}}

struct headers_t {{
    ethernet_t ethernet;
    ipv4_t     ipv4;
    udp_t      udp;
    mark_t     mark;
}}

struct metadata_t {{
}}

parser PacketParser(packet_in packet, out headers_t hdr, inout metadata_t meta,
                    inout standard_metadata_t standard_metadata) {{
    state start {{
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.etherType) {{
            0x0800: ipv4;
            default: accept;
        }}
    }}

    state ipv4 {{
        packet.extract(hdr.ipv4);
        transition select(hdr.ipv4.protocol) {{
            17: udp;
            default: accept;
        }}
    }}

    state udp {{
        packet.extract(hdr.udp);
        transition select(hdr.udp.dstPort) {{
            {port}: mark;
            default: accept;
        }}
    }}

    state mark {{
        packet.extract(hdr.mark);
        transition accept;
    }}
}}

control NoCheck(inout headers_t hdr, inout metadata_t meta) {{
    apply {{ }}
}}

control MyIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {{
{registers}

    action drop() {{
        mark_to_drop(standard_metadata);
    }}

    action forward(bit<9> port) {{
        standard_metadata.egress_spec = port;
    }}

    table places {{
        key = {{ hdr.ethernet.dstAddr: exact @name("mac"); }}
        actions = {{ forward; drop; }}
        default_action = drop();
        size = 64;
    }}

    apply {{
        if (places.apply().hit && hdr.mark.isValid()) {{
            bit<32> number = hdr.mark.byte3 ++ hdr.mark.byte2 ++ hdr.mark.byte1 ++ hdr.mark.byte0;
            bit<32> cell = {cell};
            bit<{width}> bytes;
{counts}
        }}
    }}
}}

control NoEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) {{
    apply {{ }}
}}

control PacketDeparser(packet_out packet, in headers_t hdr) {{
    apply {{
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.udp);
        packet.emit(hdr.mark);
    }}
}}

V1Switch(PacketParser(), NoCheck(), MyIngress(), NoEgress(), NoCheck(), PacketDeparser()) main;
"""
