"""Random programs: headers, a parser, tables, registers, counters, both pipelines, and ways for a packet to multiply.

    packet: [ h: op, pick, again, sum, fields ... ][ o, if op is odd ][ s: 1 to 3 segments, in some programs ] payload

`op` and `pick` are small numbers on which much of a program depends.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.bmv2.generator.blocks import Block
from tests.bmv2.generator.entries import table_entries
from tests.bmv2.generator.expressions import Value
from tests.bmv2.generator.packets import Layout, packets
from tests.bmv2.generator.shape import Shape, shape
from tests.bmv2.scenario import CLONE_PORT, CLONE_SESSION, PORTS, Scenario

GROUP = 3
SEGMENTS = 3
_FIRST = "standard_metadata.instance_type == 0"
_LINE = " " * 12
# What a packet can become, and what goes together without a race between bmv2's threads that a test could see.
_TRAFFIC = (
    (),
    ("i2e",),
    ("e2e",),
    ("multicast",),
    ("resubmit",),
    ("recirculate",),
    ("i2e", "e2e"),
    ("i2e", "multicast"),
    ("i2e", "resubmit"),
    ("i2e", "recirculate"),
    ("resubmit", "multicast"),
    ("truncate", "i2e"),
    ("truncate", "multicast"),
    ("truncate", "e2e"),
)


def generate(seed: int) -> Scenario:
    """A program with entries and packets; the same for the same seed."""
    chosen = random.Random(seed)
    made = shape(chosen)
    traffic = chosen.choice(_TRAFFIC)
    ingress, egress = Block(made, "MyIngress", False), Block(made, "MyEgress", True)
    spec = f"{_LINE}standard_metadata.egress_spec = {chosen.choice(PORTS)};\n"
    body = [spec, ingress.block(2, _LINE), *ingress.apply_tables(_LINE), _in_ingress(chosen, traffic)]
    tail = [egress.block(2, _LINE), *egress.apply_tables(_LINE), _in_egress(chosen, traffic)]
    text = _head(made) + ingress.text("".join(body)) + egress.text("".join(tail)) + _tail(made)
    widths = [tuple(value.width for value in fields) for fields in (made.fields, made.optional)]
    rows = "".join(table_entries(chosen, table) for table in ingress.tables + egress.tables)
    group = tuple((chosen.choice(PORTS), instance) for instance in range(1, chosen.randint(2, 4)))
    return Scenario(
        f"generated{seed}",
        text,
        packets(chosen, Layout(widths[0], widths[1], made.stack)),
        rows,
        {GROUP: group},
        {CLONE_SESSION: CLONE_PORT},
    )


# ---- traffic ----


def _when(chosen: random.Random) -> str:
    return f"hdr.h.op[1:0] == {chosen.randrange(4)}"


def _clone(chosen: random.Random, kind: str) -> str:
    if chosen.random() < 0.4:
        return f"clone(CloneType.{kind}, {CLONE_SESSION})"
    return f"clone_preserving_field_list(CloneType.{kind}, {CLONE_SESSION}, 1)"


def _in_ingress(chosen: random.Random, traffic: Sequence[str]) -> str:
    text = ""
    for feature in traffic:
        when = _when(chosen)
        if feature == "i2e":
            text += f"{_LINE}if ({when}) {{ {_clone(chosen, 'I2E')}; }}\n"
        elif feature == "multicast":
            text += f"{_LINE}if ({when}) {{ standard_metadata.mcast_grp = {GROUP}; }}\n"
        elif feature == "resubmit":
            text += f"{_LINE}if ({_FIRST} && {when}) {{ resubmit_preserving_field_list(1); }}\n"
        elif feature == "truncate" and chosen.random() < 0.5:
            text += f"{_LINE}if ({when}) {{ truncate({chosen.choice((0, 1, 10, 20, 60, 1000))}); }}\n"
    return text


def _in_egress(chosen: random.Random, traffic: Sequence[str]) -> str:
    text = f"{_LINE}hdr.h.pick = hdr.h.pick ^ (bit<8>)standard_metadata.instance_type;\n"
    for feature in traffic:
        when = _when(chosen)
        if feature == "e2e":
            text += f"{_LINE}if ({_FIRST} && {when}) {{ {_clone(chosen, 'E2E')}; }}\n"
        elif feature == "recirculate":
            # A recirculated packet is normal again after ingress: `again` tells it from the first pass.
            text += f"{_LINE}if ({_FIRST} && hdr.h.again == 0 && {when}) {{\n"
            text += f"{_LINE}    hdr.h.again = 1;\n{_LINE}    recirculate_preserving_field_list(1);\n{_LINE}}}\n"
        elif feature == "truncate":
            text += f"{_LINE}if ({when}) {{ truncate({chosen.choice((1, 5, 30, 100))}); }}\n"
    return text


# ---- the rest of the program ----


def _header(name: str, fields: Sequence[Value], first: str = "") -> str:
    lines = "".join(f"    {value.type} {value.text.split('.')[-1]};\n" for value in fields)
    pad = -sum(value.width for value in fields) % 8
    return f"header {name} {{\n{first}{lines}" + (f"    bit<{pad}> pad;\n" if pad else "") + "}\n"


def _head(made: Shape) -> str:
    text = "#include <core.p4>\n#include <v1model.p4>\n\n"
    text += _header("h_t", made.fields, "    bit<8> op;\n    bit<8> pick;\n    bit<8> again;\n    bit<16> sum;\n")
    members = "    h_t h;\n"
    if made.optional:
        text += _header("o_t", made.optional)
        members += "    o_t o;\n"
    if made.stack:
        text += "header s_t {\n    bit<1> last;\n    bit<7> tag;\n}\n"
        members += f"    s_t[{SEGMENTS}] s;\n"
    text += f"struct headers_t {{\n{members}}}\nstruct metadata_t {{\n"
    for number, value in enumerate(made.metadata):
        kept = number == 0 or made.random.random() < 0.6
        text += f"    {'@field_list(1) ' if kept else ''}{value.type} {value.text.split('.')[-1]};\n"
    return f"{text}}}\n{_parser(made)}"


def _parser(made: Shape) -> str:
    after = "segments" if made.stack else "accept"
    text = (
        "parser MyParser(packet_in packet, out headers_t hdr, inout metadata_t meta,\n"
        "                inout standard_metadata_t standard_metadata) {\n"
        "    state start {\n        packet.extract(hdr.h);\n"
    )
    if made.optional:
        text += "        transition select(hdr.h.op[0:0]) {\n            1 : more;\n"
        text += f"            default : {after};\n        }}\n    }}\n"
        text += f"    state more {{\n        packet.extract(hdr.o);\n        transition {after};\n    }}\n"
    else:
        text += f"        transition {after};\n    }}\n"
    if made.stack:
        text += "    state segments {\n        packet.extract(hdr.s.next);\n"
        text += (
            "        transition select(hdr.s.last.last) {\n            0 : segments;\n            default : accept;\n"
        )
        text += "        }\n    }\n"
    return text + "}\n"


def _tail(made: Shape) -> str:
    data = ", ".join(["hdr.h.op", "hdr.h.pick", *(v.text for v in made.fields if v.width % 8 == 0)])
    compute = " "
    if made.random.random() < 0.5:
        kind = made.random.choice(("csum16", "crc16"))
        compute = f"\n        update_checksum(hdr.h.isValid(), {{ {data} }}, hdr.h.sum, HashAlgorithm.{kind});\n    "
    emit = "        packet.emit(hdr.h);\n"
    emit += "        packet.emit(hdr.o);\n" if made.optional else ""
    emit += "        packet.emit(hdr.s);\n" if made.stack else ""
    return (
        "control MyVerify(inout headers_t hdr, inout metadata_t meta) { apply { } }\n"
        f"control MyCompute(inout headers_t hdr, inout metadata_t meta) {{ apply {{{compute}}} }}\n"
        f"control MyDeparser(packet_out packet, in headers_t hdr) {{\n    apply {{\n{emit}    }}\n}}\n"
        "V1Switch(MyParser(), MyVerify(), MyIngress(), MyEgress(), MyCompute(), MyDeparser()) main;\n"
    )
