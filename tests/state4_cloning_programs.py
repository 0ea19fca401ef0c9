"""Programs that clone packets themselves in passes that also write registers.

Session 7 has one replica, 8 has two, 9 is not there. What a copy preserves, its replica number and its type leave in
the packet.
"""

from __future__ import annotations

from tests.state4_programs import EMPTY_EGRESS, PARAMS, program

CLONING_PROGRAMS: dict[str, str] = {}
OLD_CLONING_PROGRAMS: dict[str, str] = {}
"""With clone3, which p4c takes no longer."""

SESSIONS = {7: [(6, 3)], 8: [(5, 1), (4, 2)]}
"""Sessions of the program's own, as the operator sets them: (port, replica number)."""

_META = """struct metadata_t {
    bit<8> noise;
    @field_list(1, 2) bit<16> kept;
    @field_list(0, 2) bit<8> other;
}"""
_SHOW = """
        hdr.request.value = standard_metadata.instance_type ++ standard_metadata.egress_rid ++ meta.kept;
        hdr.request.cell = meta.other;"""
_EGRESS = EMPTY_EGRESS.replace("{ apply { } }", f"{{\n    apply {{{_SHOW}\n    }}\n}}")


def _program(body: str, egress: str = _EGRESS, locals_: str = "    register<bit<16>>(256) r;\n") -> str:
    ingress = f"""control MyIngress({PARAMS}) {{
{locals_}    apply {{
        standard_metadata.egress_spec = 2;
        bit<32> cell = (bit<32>)hdr.request.cell;
        {body}
        meta.kept = hdr.request.amount + 1;
        meta.other = hdr.request.op;
    }}
}}
"""
    return program(ingress, egress=egress).replace("struct metadata_t {\n    bit<8> noise;\n}", _META)


CLONING_PROGRAMS["conditions_that_exclude"] = _program(
    """bool c = hdr.request.op == 1;
        if (c) { clone(CloneType.I2E, 7); }
        if (!c) { r.write(cell, hdr.request.amount); }"""
)

CLONING_PROGRAMS["clone_then_write"] = _program(
    """if (hdr.request.op < 3) clone_preserving_field_list(CloneType.I2E, 7, 1);
        if (hdr.request.op != 1) r.write(cell, hdr.request.amount);
        if (hdr.request.op == 3) { mark_to_drop(standard_metadata); }"""
)

CLONING_PROGRAMS["write_then_clone"] = _program(
    """if (hdr.request.op != 1) r.write(cell, hdr.request.amount);
        if (hdr.request.op < 3) clone_preserving_field_list(CloneType.I2E, 8, 0);
        if (hdr.request.op == 2) { mark_to_drop(standard_metadata); exit; }
        r.write(0, hdr.request.amount);"""
)

CLONING_PROGRAMS["the_last_clone_counts"] = _program(
    """clone(CloneType.I2E, 8);
        r.write(cell, hdr.request.amount);
        if (hdr.request.op == 1) { clone_preserving_field_list(type = CloneType.I2E, session = 7, index = 2); }
        if (hdr.request.op == 2) { clone(CloneType.I2E, 9); }"""
)

CLONING_PROGRAMS["sessions_of_packets"] = _program(
    """r.write(cell, hdr.request.amount);
        if (hdr.request.op != 1) {
            clone_preserving_field_list(CloneType.I2E, 7 + ((bit<32>)hdr.request.op & 1), 2);
        }"""
)

CLONING_PROGRAMS["clones_in_actions"] = _program(
    """mirror.apply();
        r.write(cell, hdr.request.amount);
        notify(7);""",
    locals_="""    register<bit<16>>(256) r;
    action to(bit<32> session) { clone_preserving_field_list(CloneType.I2E, session, 2); }
    action notify(in bit<32> session) { if (hdr.request.op == 3) clone(CloneType.I2E, session); }
    table mirror {
        key = { hdr.request.op : exact; }
        actions = { to; NoAction; }
        const entries = { 1 : to(7); 2 : to(8); }
        default_action = NoAction();
    }
""",
)

CLONING_PROGRAMS["both_passes_clone"] = _program(
    """r.write(cell, hdr.request.amount);
        if (hdr.request.op == 1) { clone_preserving_field_list(CloneType.I2E, 8, 1); }
        if (hdr.request.op == 2 && standard_metadata.instance_type == 0) { resubmit_preserving_field_list(1); }""",
    egress=f"""
control MyEgress({PARAMS}) {{
    register<bit<64>>(256) seen;
    apply {{{_SHOW}
        seen.write((bit<32>)hdr.request.op, hdr.request.value);
        if (standard_metadata.instance_type != 2) {{
            clone_preserving_field_list(CloneType.E2E, 7, 1);
        }} else {{
            truncate(13);
        }}
        if (hdr.request.op == 4) {{
            hdr.request.op = 1;
            recirculate_preserving_field_list(1);
        }}
    }}
}}
""",
)

CLONING_PROGRAMS["clones_in_egress_only"] = _program(
    "meta.noise = 1;",
    egress=f"""
control MyEgress({PARAMS}) {{
    register<bit<64>>(256) seen;
    apply {{{_SHOW}
        if (standard_metadata.instance_type == 0 && hdr.request.op < 3) {{ clone(CloneType.E2E, 8); }}
        if (hdr.request.op != 1) {{ seen.write((bit<32>)hdr.request.op, hdr.request.value); }}
    }}
}}
""",
)

_ALL_LISTS = ", ".join(map(str, range(256)))
CLONING_PROGRAMS["no_free_field_list"] = _program(
    """r.write(cell, hdr.request.amount);
        if (hdr.request.op == 1 && standard_metadata.instance_type == 0) { resubmit_preserving_field_list(255); }
        if (hdr.request.op == 2) { clone_preserving_field_list(CloneType.I2E, 7, 255); }"""
).replace("@field_list(1, 2) bit<16>", f"@field_list({_ALL_LISTS}) bit<16>")

for _name, _data in {"alone": "meta", "listed": "{ meta.kept, meta }", "by_type": "meta", "nothing": "{ }"}.items():
    _call = "clone3<metadata_t>" if _name == "by_type" else "clone3"
    OLD_CLONING_PROGRAMS[f"clone3_{_name}"] = _program(
        f"""r.write(cell, hdr.request.amount);
        if (hdr.request.op < 3) {{ {_call}(CloneType.I2E, 8, {_data}); }}"""
    )
