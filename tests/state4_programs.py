"""Small programs that write registers in every way that State4 has to follow.

A packet says what to do: op (8 bits), cell (8), amount (16), value (64). Every packet goes out of port 2.
"""

from __future__ import annotations

import struct

_HEAD = """#include <core.p4>
#include <v1model.p4>

header request_t {
    bit<8>  op;
    bit<8>  cell;
    bit<16> amount;
    bit<64> value;
}

struct headers_t {
    request_t request;  // the only one
}

struct metadata_t {
    bit<8> noise;
}
"""

_PARSER = """
parser MyParser(packet_in packet, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start {
        packet.extract(hdr.request);
        transition accept;
    }
}

control MyVerify(inout headers_t hdr, inout metadata_t meta) { apply { } }
control MyCompute(inout headers_t hdr, inout metadata_t meta) { apply { } }
"""

_TAIL = """
control MyDeparser(packet_out packet, in headers_t hdr) {
    apply { packet.emit(hdr.request); }
}

V1Switch(MyParser(), MyVerify(), MyIngress(), MyEgress(), MyCompute(), MyDeparser()) main;
"""
EMPTY_EGRESS = """
control MyEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata) { apply { } }
"""
PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"


def program(ingress: str, *, egress: str = EMPTY_EGRESS, globals_: str = "") -> str:
    return _HEAD + _PARSER + globals_ + ingress + egress + _TAIL


def request(op: int = 0, cell: int = 0, amount: int = 0, value: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">BBHQ", op, cell, amount, value) + payload


PROGRAMS: dict[str, str] = {}

PROGRAMS["apply"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<64>>(256) a;
    register<bit<5>>(10) b;     /* smaller than what is asked for: cells beyond it are not written */
    apply {{
        standard_metadata.egress_spec = 2;
        a.write((bit<32>)hdr.request.cell, hdr.request.value);  // with a comment behind it
        b.write((bit<32>)hdr.request.cell, (bit<5>)hdr.request.amount);
    }}
}}
"""
)

PROGRAMS["branches"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<64>>(256) a;
    register<int<12>>(256) b;
    apply {{
        standard_metadata.egress_spec = 2;
        bit<32> cell = (bit<32>)hdr.request.cell;
        if (hdr.request.op == 1) a.write(cell, hdr.request.value);
        else if (hdr.request.op == 2) {{ b.write(cell, (int<12>)(bit<12>)hdr.request.amount); }}
        else {{
            a.write(cell, 1);
            b.write(cell, -1);
            a.write(cell, hdr.request.value + 1); a.write(0, 7);
        }}
    }}
}}
"""
)

PROGRAMS["actions"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<64>>(256) a;
    register<bit<16>>(256) b;

    action store(bit<16> more) {{
        a.write((bit<32>)hdr.request.cell, hdr.request.value);
        b.write((bit<32>)hdr.request.cell, hdr.request.amount + more);
    }}
    action leave() {{
        b.write(3, hdr.request.amount);
        exit;
    }}
    table choose {{
        key = {{ hdr.request.op: exact; }}
        actions = {{ store; leave; NoAction; }}
        const entries = {{
            1: store(5);
            2: leave();
        }}
        default_action = NoAction();
    }}
    apply {{
        standard_metadata.egress_spec = 2;
        choose.apply();
        if (hdr.request.op > 2) {{
            store(1);
        }}
        b.write(9, 9);
    }}
}}
"""
)

PROGRAMS["functions"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<32>>(16) local;
    table choose {{
        key = {{ hdr.request.op: exact; }}
        actions = {{ keep(hdr.request.value); nothing; }}
        const entries = {{ 7: keep(hdr.request.value, 3); }}
        default_action = nothing();
    }}
    apply {{
        standard_metadata.egress_spec = 2;
        bit<32> old = bump((bit<32>)hdr.request.cell, (bit<32>)hdr.request.amount);
        local.write(old & 15, old);
        if (hdr.request.op == 1 && bump(1, 1) > 2) {{
            nothing();
        }}
        choose.apply();
    }}
}}
""",
    globals_="""
register<bit<32>>(256) counts;
register<bit<64>>(4) kept;

bit<32> bump(in bit<32> cell, in bit<32> by) {
    bit<32> old;
    counts.read(old, cell);
    counts.write(cell, old + by);
    return old;
}

action keep(in bit<64> value, bit<32> where) {
    kept.write(where, value);
}

action nothing() { }
""",
)

PROGRAMS["controls"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(64) shared;
    Counting(4) one;
    Counting(8) two;
    Passed() passed;
    apply {{
        standard_metadata.egress_spec = 2;
        if (hdr.request.op == 1) {{
            one.apply(hdr.request);
        }} else {{
            two.apply(hdr.request);
            one.apply(hdr.request);
        }}
        passed.apply(hdr, shared);
        Direct.apply(hdr, meta, standard_metadata);
    }}
}}
""",
    globals_=f"""
control Inner(inout request_t r) {{
    register<bit<8>>(256) deep;
    action set() {{ deep.write((bit<32>)r.cell, r.op); }}
    apply {{ set(); }}
}}

control Counting(inout request_t r)(bit<32> size) {{
    register<bit<16>>(size) counted;
    Inner() inner;
    apply {{
        bit<16> n;
        counted.read(n, (bit<32>)r.cell);
        n = n + 1;
        counted.write((bit<32>)r.cell, n);
        inner.apply(r);
    }}
}}

control Passed(inout headers_t hdr, register<bit<16>> r) {{
    apply {{ r.write((bit<32>)hdr.request.cell, hdr.request.amount); }}
}}

control Direct({PARAMS}) {{
    register<bit<64>>(8) own;
    apply {{ own.write(5, hdr.request.value); }}
}}
""",
)

PROGRAMS["aliases"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(64) first;
    register<bit<16>>(64) second;
    Passed() one;
    Passed() two;
    apply {{
        standard_metadata.egress_spec = 2;
        one.apply(hdr, first);
        two.apply(hdr, second);
        if (hdr.request.op == 1) {{
            one.apply(hdr = hdr, r = first);
        }}
    }}
}}
""",
    globals_="""
control Passed(inout headers_t hdr, register<bit<16>> r) {
    apply { r.write((bit<32>)hdr.request.cell, hdr.request.amount); }
}
""",
)

PROGRAMS["egress"] = program(
    f"""
control MyIngress({PARAMS}) {{
    apply {{
        standard_metadata.egress_spec = 2;
        if (hdr.request.op == 3) {{
            mark_to_drop(standard_metadata);
        }}
    }}
}}
""",
    egress=f"""
control MyEgress({PARAMS}) {{
    register<bit<64>>(256) seen;
    apply {{
        seen.write((bit<32>)hdr.request.cell, hdr.request.value);
        hdr.request.amount = hdr.request.amount + 1;
        if (hdr.request.op == 4) {{
            mark_to_drop(standard_metadata);
        }}
    }}
}}
""",
)

PROGRAMS["both_passes"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<32>>(256) before;
    apply {{
        standard_metadata.egress_spec = 2;
        common.write((bit<32>)hdr.request.cell, hdr.request.value);
        before.write((bit<32>)hdr.request.cell, (bit<32>)hdr.request.amount);
        Note.apply(hdr.request);
    }}
}}
""",
    egress=f"""
control MyEgress({PARAMS}) {{
    register<bit<32>>(256) after;
    apply {{
        common.write((bit<32>)hdr.request.cell, hdr.request.value + 1);
        if (hdr.request.op == 1) {{
            after.write((bit<32>)hdr.request.cell, (bit<32>)hdr.request.amount);
        }}
    }}
}}
""",
    globals_="""
register<bit<64>>(256) common;

control Note(inout request_t r) {
    register<bit<8>>(1) last;
    apply { last.write(0, r.op); }
}
""",
)

PROGRAMS["loops_and_switch"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<64>>(256) a;
    action one() {{ a.write(1, hdr.request.value); }}
    action two() {{ a.write(2, hdr.request.value); }}
    table t {{
        key = {{ hdr.request.op: exact; }}
        actions = {{ one; two; }}
        const entries = {{ 1: one(); 2: two(); }}
        default_action = two();
    }}
    apply {{
        standard_metadata.egress_spec = 2;
        for (bit<8> i in 8w0 .. 3) {{
            if (i == hdr.request.op) {{ continue; }}
            a.write((bit<32>)(hdr.request.cell + i), hdr.request.value);
        }}
        for (bit<8> i = 0; i < 2; i = i + 1) {{
            a.write((bit<32>)i, (bit<64>)i);
        }}
        switch (t.apply().action_run) {{
            one: {{ a.write(3, 3); a.write(4, 4); }}
            default: {{ a.write(5, 5); }}
        }}
    }}
}}
"""
)

PROGRAMS["wide"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<128>>(300) wide;
    register<bit<1>>(3) bits;
    apply {{
        standard_metadata.egress_spec = 2;
        wide.write((bit<32>)hdr.request.cell, hdr.request.value ++ ~hdr.request.value);
        bits.write((bit<32>)hdr.request.op, hdr.request.value[0:0]);
    }}
}}
"""
)

PROGRAMS["recirculates"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(256) passes;
    apply {{
        standard_metadata.egress_spec = 2;
        bit<16> n;
        passes.read(n, (bit<32>)hdr.request.cell);
        passes.write((bit<32>)hdr.request.cell, n + 1);
        if (hdr.request.op == 1 && standard_metadata.instance_type == 0) {{
            resubmit_preserving_field_list(1);
        }}
    }}
}}
""",
    egress=f"""
control MyEgress({PARAMS}) {{
    apply {{
        if (hdr.request.op == 2) {{
            hdr.request.op = 0;
            recirculate_preserving_field_list(1);
        }}
    }}
}}
""",
)

PROGRAMS["clones_elsewhere"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(256) r;
    apply {{
        standard_metadata.egress_spec = 2;
        if (hdr.request.op == 1) {{
            clone_preserving_field_list(CloneType.I2E, 32w7, 8w1);  // never on the path of a write
            exit;
        }}
        r.write((bit<32>)hdr.request.cell, hdr.request.amount);
    }}
}}
""",
    egress=f"""
control MyEgress({PARAMS}) {{
    apply {{
        if (standard_metadata.instance_type == 0 && hdr.request.op == 2) {{
            clone(CloneType.E2E, 7);
        }}
        hdr.request.amount = (bit<16>)standard_metadata.instance_type;
    }}
}}
""",
)

PROGRAMS["structs"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<flow_t>(16) flows;
    register<request_t>(4) requests;
    register<tuple<bit<8>, int<12>>>(8) pairs;
    register<colour_t>(4) colours;
    register<port_t>(4) ports;
    apply {{
        standard_metadata.egress_spec = 2;
        bit<32> cell = (bit<32>)hdr.request.cell;
        flow_t flow;
        flows.read(flow, cell);
        if (hdr.request.op == 1) {{
            flow.total.bytes = flow.total.bytes + hdr.request.value[39:0];
            flow.total.delta = (int<12>)hdr.request.amount[11:0];
            flow.seen = true;
            flow.colour = colour_t.RED;
            flow.port = (port_t)hdr.request.amount[8:0];
            flows.write(cell, flow);
        }} else if (hdr.request.op == 2) {{
            flows.write(cell, {{ {{ 5, -7 }}, hdr.request.value > 9, colour_t.GREEN, (port_t)3 }});
        }} else if (hdr.request.op == 3) {{
            flows.write(cell, (flow_t){{ total = {{ delta = (int<12>)hdr.request.amount[11:0], bytes = 1 }},
                port = (port_t)(bit<9>)hdr.request.op, colour = colour_t.RED, seen = false }});
        }} else {{
            flows.write(cell, {{ flow.total, !flow.seen, flow.colour, flow.port }});
        }}
        requests.write(cell & 3, hdr.request);
        tuple<bit<8>, int<12>> pair = {{ hdr.request.op, -1 }};
        pairs.write(cell, pair);
        pairs.write(0, {{ hdr.request.cell, (int<12>)hdr.request.amount[11:0] }});
        colours.write(cell, hdr.request.op == 1 ? colour_t.RED : colour_t.GREEN);
        ports.write(cell, (port_t)hdr.request.amount[8:0]);
    }}
}}
""",
    globals_="""
enum bit<3> colour_t { GREEN = 1, RED = 5 }
@p4runtime_translation("example.org/port", bit<32>)
type bit<9> port_t;
struct total_t { bit<40> bytes; int<12> delta; }
struct flow_t { total_t total; bool seen; colour_t colour; port_t port; }
""",
)

PROGRAMS["shared_code"] = program(
    f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(4) own;
    apply {{
        standard_metadata.egress_spec = 2;
        if (hdr.request.op == 1) {{ note((bit<32>)hdr.request.cell, hdr.request.value); }}
        if (hdr.request.op == 2) {{ bit<16> n = bump((bit<32>)hdr.request.cell); own.write(1, n); }}
        if (hdr.request.op == 3) {{ mark_to_drop(standard_metadata); exit; }}
        Stage.apply(hdr.request);
    }}
}}
""",
    egress=f"""
control MyEgress({PARAMS}) {{
    apply {{
        if (hdr.request.op == 4) {{ note(7, 9); }}
        if (hdr.request.op != 1) {{ hdr.request.amount = bump((bit<32>)hdr.request.op); }}
        if (hdr.request.cell > 3) {{ Stage.apply(hdr.request); }}
    }}
}}
""",
    globals_="""
register<bit<64>>(256) notes;
register<bit<16>>(256) bumps;

action note(in bit<32> cell, in bit<64> value) { notes.write(cell, value); }

bit<16> bump(in bit<32> cell) {
    bit<16> n;
    bumps.read(n, cell);
    bumps.write(cell, n + 1);
    return n + 1;
}

control Stage(inout request_t r) {
    register<bit<8>>(4) kept;
    apply { if (r.op > 3) { kept.write(1, r.op); notes.write(2, r.value); } }
}
""",
)
