"""RSSM and the plan: which of the old state reaches the new program, and where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from finsy.proto import p4i, p4r
from hypothesis import given
from hypothesis import strategies as st

import nfs
from p4front.load import load_text
from p4front.p4info import build_p4info
from state4.cli.main import main
from state4.clones.header import CloneLayout, LayoutComponent
from state4.clones.look_ahead import look_ahead
from state4.clones.updates import Updates
from state4.entries_file import load_entries, updates
from state4.errors import PlanRefused, State4Error, UnknownComponent
from state4.events import EventLog
from state4.pacing import NATIVE, PAPER, Pacer
from state4.plan.carried import Carried
from state4.plan.compare import make_plan
from state4.plan.components import Fate
from state4.plan.entities import merge
from state4.plan.translator import Translator
from state4.programs import prepare_program
from state4.rssm import cell_writes
from state4.strategies import load_strategies, load_strategy, strategy_names
from state4.strategies.swing_state import window_s
from state4.values import RegisterSpec
from tests.state4_programs import program

INGRESS = "inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t standard_metadata"


def p4info(registers: str, *, tables: str = "", applied: str = "") -> p4i.P4Info:
    text = f"control MyIngress({INGRESS}) {{\n{registers}\n{tables}\n    apply {{ {applied} }}\n}}\n"
    return build_p4info(load_text(program(text), "test.p4"))


OLD = p4info("register<bit<16>>(8) a; register<bit<8>>(4) b; register<int<8>>(4) c; register<bit<8>>(4) d;")


def carried(old: RegisterSpec, new: RegisterSpec) -> list[Carried]:
    return [Carried(old, new)]


@given(
    st.integers(1, 100),
    st.integers(1, 100),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, (1 << 100) - 1)), max_size=30),
)
def test_updates_land_where_the_old_program_wrote_them(
    old_bits: int, new_bits: int, written: list[tuple[int, int]]
) -> None:
    """Writing the latest updates to the new register gives the same result as all the writes there."""
    old, new = RegisterSpec("r", 8, old_bits), RegisterSpec("r", 6, new_bits)
    layout = CloneLayout((LayoutComponent("r", 8, old_bits),), 1, 250)
    rows = b"".join((v % (1 << old_bits)).to_bytes(layout.value_bytes, "little") for _, v in written)
    updates = Updates(
        np.ones(len(written), np.uint32),
        np.array([i for i, _ in written], np.uint64),
        np.frombuffer(rows, np.uint8).reshape(-1, layout.value_bytes),
    )
    found: dict[int, int] = {}
    for write in cell_writes(look_ahead(updates), layout, carried(old, new)):
        assert write.register == new
        found |= dict(zip(write.indices.tolist(), new.integers(write.values), strict=True))
    mask = (1 << min(old_bits, new_bits)) - 1
    assert found == {i: v & mask for i, v in written if i < 6}


def test_registers_that_stay_and_go() -> None:
    new = p4info("register<bit<16>>(16) a; register<bit<16>>(4) b; register<int<8>>(4) c; register<bit<8>>(1) e;")
    plan = make_plan(OLD, new)
    assert {c.old.name.rpartition(".")[2]: c.changes for c in plan.registers} == {
        "a": ("8 -> 16 cells",),
        "b": ("8 -> 16 bits",),
        "c": (),
    }
    assert plan.names("register", Fate.NEW) == ("MyIngress.e",)
    assert plan.losses == ("MyIngress.d is not in the new program",)
    with pytest.raises(PlanRefused, match="--allow-loss"):
        plan.check()
    plan.check(allow_loss=True)


@pytest.mark.parametrize(
    ("new", "loss"),
    [
        ("register<bit<16>>(7) a;", "the cells from 7 on"),
        ("register<bit<15>>(8) a;", "the bits above 15"),
        ("register<int<16>>(8) a;", "the sign"),
        ("register<int<17>>(8) a;", ""),
    ],
)
def test_what_a_change_of_a_register_loses(new: str, loss: str) -> None:
    plan = make_plan(p4info("register<bit<16>>(8) a;"), p4info(new))
    assert [c.loses for c in plan.registers] == [loss]


def test_a_renamed_register_finds_its_place() -> None:
    new = p4info("register<bit<16>>(8) a2;")
    plan = make_plan(p4info("register<bit<16>>(8) a;"), new, renames={"MyIngress.a": "MyIngress.a2"})
    assert [(c.old.name, c.new.name) for c in plan.registers] == [("MyIngress.a", "MyIngress.a2")]
    assert not plan.losses
    assert not plan.names("register", Fate.NEW)


def test_only_some_components() -> None:
    plan = make_plan(OLD, OLD, only=["a", "MyIngress.c"])
    assert [c.old.name for c in plan.registers] == ["MyIngress.a", "MyIngress.c"]
    assert plan.names("register", Fate.LEFT_BEHIND) == ("MyIngress.b", "MyIngress.d")
    with pytest.raises(UnknownComponent, match=r"'x' is no register or table.*MyIngress\.a, MyIngress\.b"):
        make_plan(OLD, OLD, only=["x"])


TABLE = """
    action set(bit<8> v) {{ hdr.request.op = v; }}
    action other() {{ }}
    table t {{
        key = {{ {key} }}
        actions = {{ {actions} }}
        default_action = other();
    }}
"""
EXACT = "hdr.request.op: exact; hdr.request.cell: exact;"


def table(key: str = EXACT, actions: str = "set; other;", before: str = "") -> p4i.P4Info:
    return p4info("", tables=before + TABLE.format(key=key, actions=actions), applied="t.apply();")


def entry(info: p4i.P4Info) -> p4r.TableEntry:
    (found,) = [t for t in info.tables if t.preamble.alias == "t"]
    action = next(a for a in info.actions if a.preamble.alias == "set")
    result = p4r.TableEntry(table_id=found.preamble.id)
    for number, field in enumerate(found.match_fields):
        match = result.match.add(field_id=field.id)
        match.exact.value = bytes([number + 1])
    result.action.action.action_id = action.preamble.id
    result.action.action.params.add(param_id=1, value=b"\x09")
    return result


def test_entries_keep_their_meaning_under_other_numbers() -> None:
    old, new = table(), table(key="hdr.request.cell: exact; hdr.request.op: exact;")
    (update,) = Translator(old, new).translate([p4r.Entity(table_entry=entry(old))]).updates
    names = {f.id: f.name for f in next(t for t in new.tables).match_fields}
    found = {names[m.field_id]: m.exact.value for m in update.entity.table_entry.match}
    assert found == {"hdr.request.op": b"\x01", "hdr.request.cell": b"\x02"}
    assert update.type == p4r.Update.INSERT


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (table(key="hdr.request.op: exact; hdr.request.cell: lpm;"), "another key"),
        (table(key="hdr.request.op: exact;"), "another key"),
        (table(actions="other;"), "no action MyIngress.set"),
        (p4info(""), "not in the new program"),
    ],
)
def test_entries_without_a_place_are_reported(new: p4i.P4Info, reason: str) -> None:
    translation = Translator(table(), new).translate([p4r.Entity(table_entry=entry(table()))])
    assert not translation.updates
    assert reason in translation.left[0]
    assert reason in make_plan(table(), new).losses[0]


def test_what_is_carried_over_comes_before_the_programs_own_entries() -> None:
    program_ = prepare_program(nfs.program_path("l2"))
    own = updates(load_entries(nfs.entries_path(nfs.program_path("l2")), program_.p4info))
    entries = [u for u in own if u.entity.HasField("table_entry")]
    changed = p4r.Update()
    changed.CopyFrom(entries[0])
    changed.entity.table_entry.action.action.params[0].value = b"\x05"
    merged = merge([changed], own)
    assert merged == [changed, *entries[1:]]


def test_strategies_are_the_files_of_the_folder() -> None:
    assert {"none", "controller", "swing_state", "state4"} <= set(strategy_names())
    for name, strategy in load_strategies().items():
        assert strategy.name == name
        assert strategy.summary
    with pytest.raises(State4Error, match="choose one of"):
        load_strategy("magic")


def test_pacing_takes_as_long_as_the_rate_says() -> None:
    now = [0.0]
    pacer = Pacer(1000, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
    parts = list(pacer.chunks(105))
    assert sum(count for _, count in parts) == 105
    assert [start for start, _ in parts][:2] == [0, 10]
    assert now[0] == pytest.approx(0.105)
    assert list(Pacer(None).chunks(5)) == [(0, 5)]
    assert list(Pacer(None).chunks(0)) == []


def test_the_paper_s_profile_takes_the_published_time() -> None:
    cells = sum(r.cells for r in prepare_program(nfs.program_path("chained")).registers)
    assert window_s(cells, PAPER) == pytest.approx(1.78, abs=0.01)
    assert window_s(cells, NATIVE) < 0.1


def test_events_have_both_ends_and_errors(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = EventLog(path=path)
    with pytest.raises(ValueError, match="no"), events.phase("save", program="x") as result:
        result["entries"] = 3
        raise ValueError("no")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["phase"], line["what"]) for line in lines] == [("save", "begin"), ("save", "end")]
    assert lines[1]["error"] == "no"
    assert lines[1]["entries"] == 3
    assert lines[0]["t"] <= lines[1]["t"]
    assert events.span("save") is None  # it was never completed


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chained, second = str(nfs.program_path("chained")), str(nfs.program_path("chained_v2"))
    assert main(["analyse", chained, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["components"][7]["name"] == "MyIngress.knocking.pk_reg"
    assert main(["analyse", chained]) == 0
    assert "235.6 KiB packed" in capsys.readouterr().out
    out = tmp_path / "out.p4"
    assert main(["instrument", chained, "-o", str(out)]) == 0
    assert main(["analyse", str(out)]) == 0
    assert main(["plan", chained, second]) == 0
    assert main(["plan", second, chained, "--allow-loss"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "chained_v2", "chained"], "--allow-loss"),
        (["plan", "chained", "chained_v2", "--only", "nothing"], "'nothing' is no register or table"),
        (["analyse", "missing"], "cannot read"),
        (["reconfigure", "chained", "--target", "unix:/nowhere/s.sock"], "the socket does not exist"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(nfs.program_path(w)) if w in (*nfs.PROGRAMS, "missing") else w for w in arguments]
    assert main(words) == 2
    assert message in capsys.readouterr().err


def test_syntax_errors_are_located(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.p4"
    path.write_text("#include <core.p4>\nstruct {\n")
    assert main(["analyse", str(path)]) == 2
    assert f"{path}:2:8: error:" in capsys.readouterr().err
