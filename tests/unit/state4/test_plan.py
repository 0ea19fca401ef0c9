"""Plans: every component of both programs is named, with its fate and the reason."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

import pytest
from finsy.proto import p4i

import nfs
from p4front.load import load_program, load_text
from p4front.p4info import build_p4info
from state4.analysis.hashes import index_hashes
from state4.cli.main import main
from state4.errors import PlanRefused
from state4.instrumentation.running import added_registers, hashes_of
from state4.plan.compare import make_plan
from state4.plan.components import Fate
from state4.programs import prepare_program
from tests.state4_programs import PROGRAMS, program

PARAMS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"
KINDS = {
    "registers": "register",
    "tables": "table",
    "counters": "counter",
    "direct_counters": "direct counter",
    "meters": "meter",
    "direct_meters": "direct meter",
    "action_profiles": "action profile",
    "value_sets": "value set",
    "digests": "digest",
}


def p4info_of(source: str) -> p4i.P4Info:
    return build_p4info(load_text(source, "test.p4"))


def ingress(declarations: str, apply: str = "") -> p4i.P4Info:
    return p4info_of(program(f"control MyIngress({PARAMS}) {{ {declarations} apply {{ {apply} }} }}\n"))


def declared(p4info: p4i.P4Info) -> set[tuple[str, str]]:
    names = {(kind, item.preamble.name) for field, kind in KINDS.items() for item in getattr(p4info, field)}
    return {(kind, name) for kind, name in names if name not in added_registers(p4info)}


EVERYTHING = Path(__file__).resolve().parents[2] / "switch" / "programs" / "everything.p4"
SOURCES = {
    "everything": build_p4info(load_program(EVERYTHING)),
    **{name: prepare_program(nfs.program_path(name)).p4info for name in ("chained", "chained_v2", "l2")},
    **{name: p4info_of(PROGRAMS[name]) for name in ("structs", "egress", "actions")},
}


@pytest.mark.parametrize(("old", "new"), [*itertools.product(SOURCES, SOURCES)])
def test_every_component_of_both_programs_is_in_the_plan_once(old: str, new: str) -> None:
    before, after = SOURCES[old], SOURCES[new]
    plan = make_plan(before, after)
    from_old = [(c.kind, c.name) for c in plan.components if c.fate is not Fate.NEW]
    assert set(from_old) == declared(before)
    assert max(Counter(from_old).values(), default=1) == 1
    taken = [(c.kind, c.new_name) for c in plan.components if c.new_name]
    assert set(taken) == declared(after)
    assert max(Counter(taken).values(), default=1) == 1
    lost = [c for c in plan.components if c.fate is Fate.DROPPED and c.kind != "digest"]
    assert all(c.why and c.losses for c in lost)
    assert all(c.why for c in plan.components if c.fate not in (Fate.CARRIED, Fate.NEW))


DIRECT = """
    direct_counter(CounterType.packets) hits;
    direct_meter<bit<2>>(MeterType.packets) rate;
    counter(8, CounterType.UNIT) total;
    meter(4, MeterType.bytes) limit;
    action set() { hits.count(); rate.read(meta.noise2); }
    table t { key = { hdr.request.op: exact; } actions = { set; NoAction; } counters = hits; meters = rate;
        default_action = NoAction(); ENTRIES }
"""


def direct(unit: str = "bytes", entries: str = "", *, counted: bool = True) -> p4i.P4Info:
    text = DIRECT.replace("UNIT", unit).replace("ENTRIES", entries)
    if not counted:
        text = text.replace("counters = hits;", "").replace("direct_counter(CounterType.packets) hits;", "")
        text = text.replace("hits.count();", "")
    apply = "t.apply(); total.count(0); bit<2> c; limit.execute_meter<bit<2>>(0, c);"
    body = f"control MyIngress({PARAMS}) {{ {text} apply {{ {apply} }} }}\n"
    return p4info_of(program(body).replace("bit<8> noise;", "bit<8> noise; bit<2> noise2;"))


def fates(old: p4i.P4Info, new: p4i.P4Info, only: list[str] | None = None) -> dict[str, tuple[str, str]]:
    plan = make_plan(old, new, only=only)
    return {f"{c.kind} {c.name.rpartition('.')[2]}": (c.fate.value, c.why) for c in plan.components}


def test_what_becomes_of_counters_and_meters() -> None:
    found = fates(direct(), direct())
    assert found["counter total"] == ("carried", "")
    assert found["meter limit"] == ("carried", "its configurations")
    assert found["direct counter hits"] == ("carried", "with the entries of table MyIngress.t")
    assert found["direct meter rate"] == ("carried", "with the entries of table MyIngress.t")
    found = fates(direct(), direct("packets"))
    assert found["counter total"] == ("dropped", "counts something else in the new program")
    found = fates(direct(), direct(counted=False))
    assert found["direct counter hits"] == ("dropped", "is not in the new program")
    with pytest.raises(PlanRefused, match=r"direct counter MyIngress\.hits is not in the new program"):
        make_plan(direct(), direct(counted=False)).check()


def test_a_table_with_const_entries_has_nothing_to_carry() -> None:
    const = direct(entries="const entries = { 1: set(); }")
    found = fates(const, direct())
    assert found["table t"] == ("empty", "its entries are const in the program")
    assert found["direct counter hits"][0] == "empty"
    assert fates(direct(), const)["table t"] == ("dropped", "has const entries in the new program")


def test_a_list_says_what_it_leaves_behind() -> None:
    two = ingress("register<bit<8>>(1) a; register<bit<8>>(1) b; counter(1, CounterType.bytes) c;")
    found = fates(two, two, only=["a"])
    assert found["register b"] == ("left behind", "--only does not name it")
    assert (found["register a"][0], found["counter c"][0]) == ("carried", "carried")
    found = fates(direct(), direct(), only=["t"])
    assert found["table t"][0] == "carried"
    both = ingress(
        "action nop() { } table s { key = { hdr.request.op: exact; } actions = { nop; } }"
        "table t { key = { hdr.request.op: exact; } actions = { nop; } }",
        "s.apply(); t.apply();",
    )
    assert fates(both, both, only=["s"])["table t"] == ("left behind", "--only does not name it")


def test_a_register_whose_width_p4info_does_not_tell_is_not_passed_over() -> None:
    types = '@p4runtime_translation("x", string) type bit<9> port_t;'
    text = program(f"control MyIngress({PARAMS}) {{ register<port_t>(4) r; apply {{ }} }}\n", globals_=types)
    plan = make_plan(p4info_of(text), p4info_of(text))
    assert plan.losses == ("MyIngress.r has cells whose width P4Info does not tell",)


# ---------------------------------------------------------------- hashes

HASHED = """
control Slot(in headers_t hdr, out bit<32> slot) {
    apply { hash(slot, HashAlgorithm.ALGORITHM, 32w0, { hdr.request.op, hdr.request.value }, 32w64); }
}
"""
INDEXED = f"""
control MyIngress({PARAMS}) {{
    register<bit<8>>(64) direct;
    register<bit<8>>(64) sketch;
    bit<32> slot;
    Slot() chosen;
    action store(bit<32> where) {{ sketch.write(where, 1); }}
    apply {{
        chosen.apply(hdr, slot);
        bit<32> more = slot + 1;
        store(more);
        direct.write((bit<32>)hdr.request.cell, 1);
    }}
}}
"""


def hashed(algorithm: str, modulo: str = "32w64") -> str:
    return program(INDEXED, globals_=HASHED.replace("ALGORITHM", algorithm).replace("32w64", modulo))


def test_a_changed_hash_over_the_same_register_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"{name}.p4" for name in ("crc16", "crc32", "larger")]
    for path, text in zip(paths, (hashed("crc16"), hashed("crc32"), hashed("crc16", "32w32")), strict=True):
        path.write_text(text)
    old, new, larger = (prepare_program(path).p4info for path in paths)
    assert hashes_of(old) == {"MyIngress.sketch": "crc16 of { hdr.request.op, hdr.request.value }, from 0 modulo 64"}
    assert make_plan(old, old).warnings == ()
    (warning,) = make_plan(old, new).warnings
    assert "MyIngress.sketch is indexed by crc16" in warning
    assert "crc32" in warning
    assert "modulo 32" in make_plan(old, larger).warnings[0]
    assert main(["plan", str(paths[0]), str(paths[1])]) == 0
    assert "warning: MyIngress.sketch is indexed by crc16" in capsys.readouterr().out
    assert main(["plan", str(paths[0]), str(paths[1]), "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["warnings"] == [warning]
    assert {c["name"]: c["fate"] for c in reported["components"]} == {
        "MyIngress.direct": "carried",
        "MyIngress.sketch": "carried",
    }


def test_hashes_of_a_program_that_is_not_instrumented() -> None:
    checked = load_text(hashed("csum16"), "test.p4")
    assert set(index_hashes(checked)) == {"MyIngress.sketch"}


def test_an_empty_list_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(nfs.program_path("l2"))
    with pytest.raises(SystemExit) as ended:
        main(["plan", path, path, "--only", " , "])
    assert ended.value.code == 2
    assert "name a component" in capsys.readouterr().err
