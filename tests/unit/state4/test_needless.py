"""--only auto: registers whose contents no packet of the new program can see, rule by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from p4front.load import load_text
from state4.analysis.needless import NEVER_READ, WRITTEN_FIRST, needless_registers
from state4.cli.main import main
from tests.state4_programs import PARAMS, program

WRITE, READ = "r.write({}, hdr.request.amount);", "r.read(hdr.request.amount, {});"
CELL = "(bit<32>)hdr.request.cell"


def needless(body: str, *, declared: str = "", globals_: str = "", egress: str | None = None) -> dict[str, str]:
    ingress = f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(256) r;
    {declared}
    apply {{
        standard_metadata.egress_spec = 2;
        {body}
    }}
}}
"""
    more = {} if egress is None else {"egress": egress}
    found = needless_registers(load_text(program(ingress, globals_=globals_, **more), "prog.p4"))
    return {name.removeprefix("MyIngress."): why for name, why in found.items()}


def test_what_no_packet_reads_need_not_be_carried() -> None:
    assert needless(WRITE.format(CELL)) == {"r": NEVER_READ}
    assert needless("") == {"r": NEVER_READ}
    assert "a control plane may" in NEVER_READ


def test_code_that_cannot_run_reads_nothing() -> None:
    assert needless(f"if (false) {{ {READ.format(0)} }}") == {"r": NEVER_READ}


def test_what_is_read_is_carried() -> None:
    assert needless(READ.format(0)) == {}
    assert needless(READ.format(0) + WRITE.format(0)) == {}


@pytest.mark.parametrize("index", ["0", CELL, "(bit<32>)hdr.request.cell + 1"])
def test_a_cell_that_is_written_first(index: str) -> None:
    assert needless(WRITE.format(index) + READ.format(index)) == {"r": WRITTEN_FIRST}


def test_a_read_deeper_inside_than_the_write() -> None:
    body = (
        WRITE.format(CELL) + f"if (hdr.request.op == 1) {{ if (hdr.request.op[0:0] == 1) {{ {READ.format(CELL)} }} }}"
    )
    assert needless(body) == {"r": WRITTEN_FIRST}


@pytest.mark.parametrize(
    "body",
    [
        f"if (hdr.request.op == 1) {{ {WRITE.format(CELL)} }} {READ.format(CELL)}",  # not on every path
        f"if (hdr.request.op == 1) {{ {WRITE.format(0)} }} else {{ {READ.format(0)} }}",
        WRITE.format(0) + READ.format(1),
        WRITE.format(0) + READ.format(CELL),
        WRITE.format(CELL) + READ.format("(bit<32>)hdr.request.op"),
        WRITE.format(CELL) + READ.format(CELL) + READ.format(3),  # one of two
    ],
)
def test_a_cell_that_may_be_another_or_not_written(body: str) -> None:
    assert needless(body) == {}


@pytest.mark.parametrize(
    "between",
    [
        "hdr.request.cell = hdr.request.cell + 1;",
        "if (hdr.request.op == 1) { hdr.request.cell = 0; }",
        "other.read(hdr.request.cell, 0);",
        "hdr.request.setInvalid();",
        "change(hdr);",
        "act();",
        "t.apply();",
    ],
)
def test_an_index_that_may_have_changed_between(between: str) -> None:
    declared = """
    register<bit<8>>(1) other;
    action act() { hdr.request.cell = 9; }
    table t { actions = { act; } default_action = act(); }
    """
    globals_ = "void change(inout headers_t h) { h.request.cell = 3; }\n"
    made = needless(WRITE.format(CELL) + between + READ.format(CELL), declared=declared, globals_=globals_)
    assert "r" not in made
    constant = needless(WRITE.format(5) + between + READ.format(5), declared=declared, globals_=globals_)
    assert constant["r"] == WRITTEN_FIRST


def test_a_loop_that_moves_the_index_on() -> None:
    inside = f"for (bit<8> i = 0; i < 2; i = i + 1) {{ {READ.format(CELL)} hdr.request.cell = hdr.request.cell + 1; }}"
    assert needless(WRITE.format(CELL) + inside) == {}
    both = WRITE.format("(bit<32>)i") + READ.format("(bit<32>)i")
    assert needless(f"for (bit<8> i = 0; i < 2; i = i + 1) {{ {both} }}") == {"r": WRITTEN_FIRST}


def test_another_field_may_change_between() -> None:
    body = WRITE.format(CELL) + "hdr.request.amount = 7; standard_metadata.egress_spec = 3;" + READ.format(CELL)
    assert needless(body) == {"r": WRITTEN_FIRST}


def test_a_read_into_its_own_index_counts_where_it_comes_again() -> None:
    read = "s.read(hdr.request.cell, (bit<32>)hdr.request.cell);"
    declared = "register<bit<8>>(256) s;"
    write = "s.write((bit<32>)hdr.request.cell, 1);"
    assert needless(write + read, declared=declared)["s"] == WRITTEN_FIRST
    loop = f"{write} for (bit<8> i = 0; i < 2; i = i + 1) {{ {read} }}"
    assert "s" not in needless(loop, declared=declared)


def test_a_write_in_another_piece_of_code_is_not_looked_for() -> None:
    declared = f"action put() {{ {WRITE.format(0)} }}"
    assert needless("put();" + READ.format(0), declared=declared) == {}
    declared = f"action both() {{ {WRITE.format(0)} {READ.format(0)} }}"
    assert needless("both();", declared=declared) == {"r": WRITTEN_FIRST}


def test_each_pass_writes_before_it_reads_for_itself() -> None:
    """Egress reads what ingress wrote: a clone, or a packet for which ingress wrote nothing, gets there as well."""
    shared = "register<bit<16>>(4) s;\n"
    egress = f"control MyEgress({PARAMS}) {{ apply {{ s.read(hdr.request.amount, 0); }} }}\n"
    assert "s" not in needless("s.write(0, 1);", globals_=shared, egress=egress)
    body = WRITE.format(0) + READ.format(0) + "recirculate_preserving_field_list(1);"
    assert needless(body.replace("recirculate", "resubmit")) == {"r": WRITTEN_FIRST}


def test_a_register_of_two_instances_is_judged_for_each() -> None:
    globals_ = """
control Counting(inout headers_t hdr, in bit<8> op) {
    register<bit<16>>(4) c;
    apply { if (op == 1) { c.read(hdr.request.amount, 0); } }
}
"""
    found = needless(
        "one.apply(hdr, 1); other.apply(hdr, 2);", declared="Counting() one; Counting() other;", globals_=globals_
    )
    assert "one.c" not in found


def test_the_plan_says_which_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingress = f"""
control MyIngress({PARAMS}) {{
    register<bit<16>>(4) kept;
    register<bit<16>>(4) seen;
    register<bit<16>>(4) fresh;
    apply {{
        standard_metadata.egress_spec = 2;
        kept.read(hdr.request.amount, 0);
        seen.write(0, hdr.request.amount);
        fresh.write(1, hdr.request.amount);
        fresh.read(hdr.request.amount, 1);
    }}
}}
"""
    path = tmp_path / "prog.p4"
    path.write_text(program(ingress))
    assert main(["plan", str(path), str(path)]) == 0
    assert "left behind" not in capsys.readouterr().out  # never the default
    assert main(["plan", str(path), str(path), "--only", "auto"]) == 0
    lines = {
        line.split()[-1 if "carried" in line else 3]: line
        for line in capsys.readouterr().out.splitlines()
        if "register" in line
    }
    assert NEVER_READ in lines["MyIngress.seen"]
    assert WRITTEN_FIRST in lines["MyIngress.fresh"]
    assert "carried" in lines["MyIngress.kept"]
