"""Programs that preserve metadata as programs of before 2021 do: as a whole, in a list, in a list of lists."""

from __future__ import annotations

from tests.state4_programs import EMPTY_EGRESS, PARAMS, program

OLD_PROGRAMS: dict[str, str] = {}
"""Programs that preserve metadata as programs of before 2021 do, which p4c for bmv2 takes no longer."""

_KEPT = "struct metadata_t {\n    bit<8> noise;\n    bit<16> kept;\n}"


def _old(ingress: str, egress: str = EMPTY_EGRESS) -> str:
    text = program(ingress, egress=egress)
    return text.replace("struct metadata_t {\n    bit<8> noise;\n}", _KEPT)


def _counting(more: str) -> str:
    return f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(256) passes;
    apply {{
        standard_metadata.egress_spec = 2;
        bit<16> n;
        passes.read(n, (bit<32>)hdr.request.cell);
        passes.write((bit<32>)hdr.request.cell, n + 1 + meta.kept);
        meta.kept = hdr.request.amount;
        {more}
    }}
}}
"""


for _name, _data in {
    "alone": "meta",
    "listed": "{ meta }",
    "nested": "{ { meta, standard_metadata.ingress_port }, hdr.request }",
}.items():
    OLD_PROGRAMS[f"resubmits_{_name}"] = _old(
        _counting(f"if (standard_metadata.instance_type == 0) {{ resubmit({_data}); }}")
    )
    _egress = f"""
control MyEgress({PARAMS}) {{
    register<bit<16>>(4) leaving;
    apply {{
        if (hdr.request.op < 3) {{ leaving.write((bit<32>)hdr.request.op, meta.kept); }}
        if (hdr.request.op < 100) {{
            hdr.request.op = hdr.request.op + 100;
            recirculate({_data});
        }}
    }}
}}
"""
    OLD_PROGRAMS[f"recirculates_{_name}"] = _old(_counting(""), _egress)
    _mirror = f"""
control MyEgress({PARAMS}) {{
    apply {{
        if (standard_metadata.instance_type == 0 && hdr.request.op < 3) {{ clone3(CloneType.E2E, 7, {_data}); }}
        hdr.request.value = (bit<64>)meta.kept;
    }}
}}
"""
    OLD_PROGRAMS[f"mirrors_{_name}"] = _old(_counting(""), _mirror)

OLD_PROGRAMS["resubmits_by_type"] = _old(
    _counting("if (standard_metadata.instance_type == 0) { resubmit<metadata_t>(meta); }")
)
