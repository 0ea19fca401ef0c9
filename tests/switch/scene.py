"""Small v1model programs around one piece of P4, on a switch with memory ports.

The program of a scene parses one header `h` with the fields that the test gives, runs the test's ingress and egress,
and sends the packet to port 1 unless it says otherwise:

    packet ->  port 0  [ h | payload ] -> parser -> ingress -> egress -> deparser -> port 1
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from softswitch.build.program import compile_text
from softswitch.dataplane.pipeline import Pipeline
from softswitch.dataplane.switch import Switch

PORTS = range(0, 8)

_PROGRAM = """
#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>
{declarations}
header h_t {{ {fields} }}
struct headers_t {{ h_t h; {headers} }}
struct metadata_t {{ {metadata} }}
parser TestParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {{
    {parser}
}}
control Verify(inout headers_t hdr, inout metadata_t meta) {{ apply {{ {verify} }} }}
control TestIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {{
    {locals}
    apply {{ std.egress_spec = 1; {ingress} }}
}}
control TestEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {{
    apply {{ {egress} }}
}}
control Compute(inout headers_t hdr, inout metadata_t meta) {{ apply {{ {compute} }} }}
control TestDeparser(packet_out packet, in headers_t hdr) {{ apply {{ {deparser} }} }}
V1Switch(TestParser(), Verify(), TestIngress(), TestEgress(), Compute(), TestDeparser()) main;
"""

EXTRACT = "state start { packet.extract(hdr.h); transition accept; }"


def program(
    *,
    fields: str = "bit<8> a; bit<8> b; bit<8> c; bit<8> d;",
    ingress: str = "",
    egress: str = "",
    locals: str = "",
    declarations: str = "",
    headers: str = "",
    metadata: str = "bit<8> unused;",
    parser: str = EXTRACT,
    deparser: str = "packet.emit(hdr);",
    verify: str = "",
    compute: str = "",
) -> str:
    """The text of a scene's program."""
    return _PROGRAM.format(**vars())


@dataclass
class Scene:
    switch: Switch
    pipeline: Pipeline

    def send(self, frame: bytes | str, port: int = 0) -> list[tuple[int, str]]:
        """(port, frame in hexadecimal) of everything that is sent."""
        data = bytes.fromhex(frame) if isinstance(frame, str) else frame
        return [(number, sent.hex()) for number, sent in self.switch.inject(port, data)]

    def out(self, frame: bytes | str, port: int = 0) -> str:
        """The only frame that is sent, in hexadecimal."""
        ((_, sent),) = self.send(frame, port)
        return sent

    def log(self) -> list[str]:
        """The log messages so far."""
        lines: list[str] = []
        while (line := self.switch.next_log(0)) is not None:
            lines.append(line.text)
        return lines


@contextmanager
def scene(**parts: str) -> Iterator[Scene]:
    """A switch that runs a program made of the given parts (see `program`)."""
    with running(program(**parts)) as started:
        yield started


@contextmanager
def running(text: str) -> Iterator[Scene]:
    """A switch that runs a complete program."""
    with Switch() as switch:
        for port in PORTS:
            switch.add_memory_port(port)
        pipeline = switch.load(compile_text(text, "scene.p4"))
        switch.commit(pipeline)
        switch.set_time(1_000_000)
        yield Scene(switch, pipeline)
