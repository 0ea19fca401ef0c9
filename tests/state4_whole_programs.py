"""Programs that give all of their metadata a value at once, between writes that State4 follows."""

from __future__ import annotations

from tests.state4_programs import PARAMS, program

_RESETS = f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(256) seen;
    register<bit<8>>(4) last;
    apply {{
        standard_metadata.egress_spec = 2;
        metadata_t before = {{ 9 }};
        seen.write((bit<32>)hdr.request.cell, hdr.request.amount);
        if (hdr.request.op == 0) {{ meta = {{ 1 }}; }}
        else if (hdr.request.op == 1) {{ meta = {{ noise = 2 }}; }}
        else if (hdr.request.op == 2) {{ meta = {{ ... }}; }}
        else if (hdr.request.op == 3) meta = before;
        else {{ before = meta; meta = hdr.request.value[0:0] == 1 ? before : meta; }}
        last.write((bit<32>)hdr.request.op[1:0], meta.noise);
        hdr.request.value[7:0] = meta.noise;
    }}
}}
"""
_LEAVING = f"""
control MyEgress({PARAMS}) {{
    register<bit<8>>(4) leaving;
    action reset() {{ meta = {{ meta.noise + 1 }}; }}
    apply {{
        leaving.write(0, meta.noise);
        reset();
        if (meta.noise != 2) {{ leaving.write(1, meta.noise); }}
    }}
}}
"""
WHOLE_PROGRAMS = {
    "sets_all_metadata": program(_RESETS, egress=_LEAVING),
    "sets_all_metadata_in_the_parser": program(_RESETS, egress=_LEAVING).replace(
        "packet.extract(hdr.request);", "meta = { 7 }; packet.extract(hdr.request); metadata_t m = meta; meta = m;"
    ),
}
