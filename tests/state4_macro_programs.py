"""Programs whose writes come from macros, in every way that a macro can hide one."""

from __future__ import annotations

from tests.state4_programs import EMPTY_EGRESS, PARAMS, program

MACRO_PROGRAMS: dict[str, str] = {}


def with_macros(macros: str, text: str) -> str:
    """A program with #define lines after its includes."""
    return text.replace("#include <v1model.p4>\n", f"#include <v1model.p4>\n{macros}", 1)


def _ingress(body: str, locals_: str = "") -> str:
    start = "standard_metadata.egress_spec = 2;"
    return f"control MyIngress({PARAMS}) {{\n{locals_}    apply {{\n        {start}\n        {body}\n    }}\n}}\n"


MACRO_PROGRAMS["sketch"] = with_macros(
    """#define ROW(n) register<bit<32>>(64) row_##n;
#define COUNT(n, algorithm) \\
    hash(at, HashAlgorithm.algorithm, (bit<32>)0, { hdr.request.cell }, (bit<32>)64); \\
    row_##n.read(seen, at); \\
    row_##n.write(at, seen + 1);
""",
    program(
        _ingress(
            "COUNT(0, crc16)\n        COUNT(1, crc32)  // the second row",
            "    ROW(0)\n    ROW(1)\n    bit<32> at;\n    bit<32> seen;\n",
        )
    ),
)

MACRO_PROGRAMS["nested_macros"] = with_macros(
    """#define CELL (bit<32>)hdr.request.cell  // an argument that is a macro stays one
#define SET(r, v) r.write(CELL, v)
#define BOTH(v) SET(a, v); if (hdr.request.op == 1) SET(b, v ++ v); else { SET(b, 0); }
#define TIMES(x, n) log_msg(#x); x(n) BOTH(32w1)
""",
    program(
        _ingress(
            "if (hdr.request.op > 2) SET(a, hdr.request.value[31:0]);\n"
            "        TIMES(BOTH, /* a comment in the call */ hdr.request.value[31:0]);\n        a.write(CELL, 7);",
            "    register<bit<32>>(256) a;\n    register<bit<64>>(256) b;\n",
        )
    ),
)

MACRO_PROGRAMS["macros_of_blocks"] = with_macros(
    """#define CONTROL(name, width) \\
control name(inout request_t r) { \\
    register<bit<width>>(16) kept; \\
    action keep(bit<width> more) { kept.write((bit<32>)r.cell, (bit<width>)r.amount + more); } \\
    table choose { \\
        key = { r.op : exact; } \\
        actions = { keep; NoAction; } \\
        const entries = { 1 : keep(5); 2 : keep(6); } \\
        default_action = NoAction(); \\
    } \\
    apply { choose.apply(); } \\
}
#define ACTION(name, n) action name() { last.write(n, hdr.request.value); }
#define BODY apply { standard_metadata.egress_spec = 2; first(); one.apply(REQUEST); two.apply(REQUEST); }
#define REQUEST hdr.request
#define EGRESS { apply { leaving.write(0, hdr.request.op); } }
""",
    program(
        f"""CONTROL(Narrow, 8)
CONTROL(Wide, 16)
control MyIngress({PARAMS}) {{
    register<bit<64>>(4) last;
    ACTION(first, 2)
    Narrow() one;
    Wide() two;
    BODY
}}
""",
        globals_="register<bit<8>>(1) leaving;\n",
        egress=EMPTY_EGRESS.replace("{ apply { } }", "EGRESS"),
    ),
)

MACRO_PROGRAMS["macros_of_pieces"] = with_macros(
    """#define INTO(r) r.write(
#define WITH , hdr.request.value[15:0])
#define PAIR 3, hdr.request.amount
#define VALUES hdr.request.op, hdr.request.cell
#define END ; }
""",
    program(
        _ingress(
            "INTO(r) 1 WITH;\n        r.write(PAIR);\n        s.write(0, { VALUES });\n"
            "        if (hdr.request.op == 1) { r.write(2, hdr.request.amount) END\n        r.write(4, 9);",
            "    register<bit<16>>(8) r;\n    register<pair_t>(1) s;\n",
        ),
        globals_="struct pair_t { bit<8> x; bit<8> y; }\n",
    ),
)
