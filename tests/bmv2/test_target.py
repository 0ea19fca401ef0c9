"""The bmv2 target against a Thrift server of our own: what is asked of bmv2, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bm_runtime.standard.ttypes import BmMatchParamType
from finsy.proto import p4i, p4r
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nfs
from experiments.control import programs
from state4.cli.main import main
from state4.entries_file import load_entries, updates
from state4.errors import BadAddress, PlanRefused, TargetError, Unsupported
from state4.instrumentation.programs import InstalledProgram, prepare_program
from state4.instrumentation.running import all_registers
from state4.plan.translator import Translator
from state4.reconfigure import prepare, reconfigure
from state4.strategies import load_strategy
from state4.targets.bmv2 import client as bmv2_client
from state4.targets.bmv2 import program as bmv2_program
from state4.targets.bmv2.client import Bmv2Client
from state4.targets.bmv2.keys import key_of, matches_of, member_bytes, member_of, options_of, priority_of
from state4.targets.bmv2.program import missing_line, p4info_of
from state4.targets.bmv2.target import Bmv2Target
from state4.values import CellWrites, RegisterSpec
from tests.bmv2.entities import STATE, everything, text_of
from tests.bmv2.fake_bmv2 import FakeBmv2, serving
from tests.state4_programs import program

_COMPILER = """#!/bin/sh
case "$1" in --version) echo fake; exit 0;; esac
for last; do :; done
while [ "$1" != -o ]; do shift; done
if grep -q refuse_me "$last"; then echo "$last(1): error: no" >&2; exit 1; fi
echo '{"tables": []}' > "$2"
echo "$last" >> "$STATE4_CACHE/compiled"
"""


@pytest.fixture(autouse=True)
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A p4c-bm2-ss that takes anything but `refuse_me`; returns the file that lists what it compiled."""
    tool = tmp_path / "bin" / "p4c-bm2-ss"
    tool.parent.mkdir()
    tool.write_text(_COMPILER)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    monkeypatch.setenv("STATE4_CACHE", str(tmp_path))
    bmv2_program._compiler_version.cache_clear()
    return tmp_path / "compiled"


@dataclass
class Bench:
    fake: FakeBmv2
    target: Bmv2Target


@pytest.fixture
def bench() -> Iterator[Bench]:
    fake = FakeBmv2()
    with serving(fake) as address, Bmv2Target(address) as target:
        yield Bench(fake, target)


@pytest.fixture(scope="module")
def chained() -> InstalledProgram:
    return prepare_program(nfs.program_path("chained"))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> InstalledProgram:
    path = tmp_path_factory.mktemp("programs") / "state.p4"
    path.write_text(program(STATE))
    return prepare_program(path)


# ---------------------------------------------------------------- programs


def test_an_installed_program_is_found_by_a_controller_that_never_saw_it(
    bench: Bench, chained: InstalledProgram
) -> None:
    bench.target.install(chained)
    with serving(bench.fake) as address, Bmv2Target(address) as other:
        assert other.running() == chained.p4info


def test_a_program_is_compiled_once(bench: Bench, chained: InstalledProgram, compiler: Path) -> None:
    bench.target.verify(chained)
    bench.target.install(chained)
    assert len(compiler.read_text().splitlines()) == 1


def test_the_compilers_message_comes_with_the_refusal(bench: Bench, state: InstalledProgram) -> None:
    refused = InstalledProgram("refused", state.text + "// refuse_me\n", state.p4info, state.layout)
    with pytest.raises(TargetError, match=r"p4c-bm2-ss refused refused.p4: refused.p4\(1\): error: no"):
        bench.target.verify(refused)


def test_an_original_is_compiled_as_it_is_and_anew_when_it_changes(
    bench: Bench, tmp_path: Path, compiler: Path
) -> None:
    source = tmp_path / "plain.p4"
    texts = []
    for number, cells in enumerate((8, 16)):
        source.write_text(program(STATE.replace("(100) small", f"({cells}) small")))
        folder = tmp_path / str(number)
        folder.mkdir()
        programs._prepared.cache_clear()
        original = programs.load_prepared(programs.store_original(source, folder))
        bench.target.install(original)
        assert {spec.name for spec in all_registers(original.p4info)} == {spec.name for spec in original.registers}
        texts.append(original.text)
    assert texts[0] != texts[1] and all(f'#include "{source}"' in text for text in texts)
    assert len(compiler.read_text().splitlines()) == 2


def test_nothing_runs_yet(bench: Bench) -> None:
    with pytest.raises(TargetError, match="no program is running"):
        bench.target.running()


def test_a_program_of_somebody_else_needs_its_source(bench: Bench, chained: InstalledProgram) -> None:
    bench.fake.forwarding = bench.fake.addressed = type(bench.fake.forwarding)('{"tables": []}')
    with pytest.raises(TargetError, match="--running"):
        bench.target.running()
    with serving(bench.fake) as address, Bmv2Target(address, running=chained.p4info) as told:
        assert told.running() == chained.p4info


def test_reads_stay_with_the_forwarding_program_or_say_why_not(bench: Bench, state: InstalledProgram) -> None:
    target, small = bench.target, state.registers[0]
    target.install(state)
    target.save(state)
    for read in (
        lambda: target.read_register(small),
        lambda: target.read_entities(),
        lambda: target.read_counter("MyIngress.seen"),
        lambda: target.read_sequences(state.layout),
    ):
        with pytest.raises(Unsupported, match="while a program is saved"):
            read()
    assert target.running() == state.p4info
    target.commit()
    assert len(target.read_register(small)) == small.cells


def test_a_saved_program_cannot_be_forgotten_but_installing_clears_it_away(
    bench: Bench, state: InstalledProgram
) -> None:
    bench.target.install(state)
    bench.target.save(state)
    with pytest.raises(TargetError, match="saved and never committed"):
        bench.target.discard_saved()
    with serving(bench.fake) as address, Bmv2Target(address) as other:
        with pytest.raises(TargetError, match="saved and never committed"):
            other.save(state)
        other.install(state)
        assert bench.fake.forwarding is bench.fake.addressed


def test_without_the_switches_for_it_nothing_can_be_swapped(bench: Bench, state: InstalledProgram) -> None:
    from bm_runtime.standard.ttypes import InvalidSwapOperation, SwapOperationErrorCode

    def refuse(_config: str) -> None:
        raise InvalidSwapOperation(code=SwapOperationErrorCode.CONFIG_SWAP_DISABLED)

    bench.fake.bm_load_new_config = refuse  # type: ignore[method-assign]
    with pytest.raises(TargetError, match="--enable-swap"):
        bench.target.install(state)


def test_addresses() -> None:
    for wrong in ("", "host:", ":80", "host:http", "host:70000"):
        with pytest.raises(BadAddress):
            Bmv2Client(wrong)
    with pytest.raises(TargetError, match="no bmv2 answers"):
        Bmv2Client("127.0.0.1:1")


def test_a_switch_that_is_just_starting_is_waited_for(bench: Bench) -> None:
    with serving(bench.fake, last_service_after_s=0.2) as address:
        Bmv2Client(address).close()


def test_what_is_not_a_simple_switch_is_said(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bmv2_client, "_SERVICES_S", 0.1)
    with (
        serving(bench.fake, last_service_after_s=100) as address,
        pytest.raises(TargetError, match=r"is not simple_switch .*Unknown service"),
    ):
        Bmv2Client(address)


def test_missing_programs_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    assert main(["reconfigure", str(nfs.program_path("l2")), "--target", "bmv2"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "p4c-bm2-ss" in line and "softswitch" in line
    assert "simple_switch and p4c-bm2-ss" in missing_line(("simple_switch", "p4c-bm2-ss"))


# ---------------------------------------------------------------- registers and counters


def _register(state: InstalledProgram, name: str) -> RegisterSpec:
    return next(spec for spec in state.registers if spec.name == f"MyIngress.{name}")


def test_only_cells_that_change_are_written(bench: Bench, state: InstalledProgram) -> None:
    target, small = bench.target, _register(state, "small")
    target.install(state)
    target.save(state)
    values = small.zeros()
    values[[3, 50, 51, 52, 99]] = 7, 9, 9, 9, 1
    target.write_register(small, values)
    cells = bench.fake.addressed.registers[small.name]
    assert cells == values.tolist()
    assert bench.fake.calls["bm_register_write"] == 2  # and the three equal ones as a range
    assert bench.fake.calls["bm_register_write_range"] == 1
    target.write_register(small, values)  # as a second round of reading would
    values[50] = 0
    target.write_register(small, values)
    assert cells == values.tolist()
    assert bench.fake.calls["bm_register_write"] == 3


def test_cells_of_a_forwarding_program_are_all_written(bench: Bench, state: InstalledProgram) -> None:
    target, small = bench.target, _register(state, "small")
    target.install(state)
    bench.fake.forwarding.registers[small.name][5] = 40
    target.write_register(small, small.zeros())  # packets may write at any time: nothing is taken for known
    assert bench.fake.forwarding.registers[small.name] == [0] * small.cells
    assert bench.fake.calls["bm_register_write_range"] == 1


def test_a_register_is_read_as_a_whole_also_in_parts(bench: Bench, state: InstalledProgram) -> None:
    target, small = bench.target, _register(state, "small")
    target.install(state)
    bench.fake.forwarding.registers[small.name][:] = range(100)
    parts = [target.read_register(small, start, 70 if start == 0 else 30) for start in (0, 70)]
    assert np.concatenate(parts).tolist() == list(range(100))
    assert bench.fake.calls["bm_register_read_all"] == 1 and "bm_register_read" in bench.fake.calls  # a few: one by one
    bench.fake.forwarding.registers[small.name][0] = 1000
    assert target.read_register(small)[0] == 1000  # nothing is kept for longer than one pass


@pytest.mark.parametrize("number", [0, 5, (1 << 63) - 2, (1 << 64) - 1, 1 << 63])
def test_64_bits_are_written_whole_and_read_as_far_as_they_can_be(
    bench: Bench, state: InstalledProgram, number: int
) -> None:
    target, large = bench.target, _register(state, "large")
    target.install(state)
    target.write_cells([CellWrites(large, np.array([2]), large.from_integers([number]))])
    assert bench.fake.forwarding.registers[large.name][2] == number
    if number < (1 << 63) - 1:
        assert target.read_register(large).tolist() == [0, 0, number, 0]
    else:
        with pytest.raises(TargetError, match=r"large: cell 2 may hold 2\^63 or more"):
            target.read_register(large)


def test_wider_values_are_refused_and_never_cut(bench: Bench, state: InstalledProgram) -> None:
    target, wide = bench.target, _register(state, "wide")
    target.install(state)
    fits = [7, (1 << 80) - 1]
    target.write_cells([CellWrites(wide, np.array([0, 1]), wide.from_integers(fits))])
    assert bench.fake.forwarding.registers[wide.name][:2] == fits
    with pytest.raises(TargetError, match="wide: cell 3 needs more than 63 bits"):
        target.write_cells([CellWrites(wide, np.array([3]), wide.from_integers([1 << 70]))])
    assert bench.fake.forwarding.registers[wide.name][3] == 0


def test_signed_cells_keep_their_sign(bench: Bench, state: InstalledProgram) -> None:
    target, signed = bench.target, _register(state, "signed_ones")
    target.install(state)
    target.write_register(signed, signed.from_integers([-1, 5, -128, 0]))
    assert bench.fake.forwarding.registers[signed.name] == [255, 5, 128, 0]
    assert signed.integers(target.read_register(signed)) == [-1, 5, -128, 0]


def test_an_error_among_many_writes_is_raised_and_leaves_the_connection_usable(
    bench: Bench, state: InstalledProgram
) -> None:
    target, small = bench.target, _register(state, "small")
    target.install(state)
    indices = np.arange(5000) * 7 % 101  # now and then 100, which is not there
    values = (indices + 1).astype(small.dtype)
    with pytest.raises(TargetError, match=r"writing MyIngress\.small: bmv2 says INVALID_INDEX"):
        target.write_cells([CellWrites(small, indices, values)])
    assert target.read_register(small)[:100].tolist() == list(range(1, 101))


def test_a_missing_register_is_said_by_name(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    with pytest.raises(TargetError, match="reading none: bmv2 says INVALID_REGISTER_NAME"):
        bench.target.read_register(RegisterSpec("none", 300, 8))


def test_counters_go_there_and_back(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    values = np.array([[n, 100 * n] for n in range(8)], np.uint64)
    bench.target.write_counter("MyIngress.seen", values)
    assert bench.fake.calls["bm_counter_write"] == 7  # the first is 0 anyway
    assert (bench.target.read_counter("MyIngress.seen") == values).all()


# ---------------------------------------------------------------- entries


def _table(p4info: p4i.P4Info, name: str) -> p4i.Table:
    return next(table for table in p4info.tables if table.preamble.name == f"MyIngress.{name}")


def _matches(bits: tuple[int, ...], data: st.DataObject, table: p4i.Table) -> list[p4r.FieldMatch]:
    found = []
    for declared, width in zip(table.match_fields, bits, strict=True):
        if data.draw(st.booleans()):
            continue
        match = p4r.FieldMatch(field_id=declared.id)
        first, second = (data.draw(st.integers(1, (1 << width) - 1)) for _ in range(2))
        packed = [n.to_bytes((n.bit_length() + 7) // 8, "big") for n in (first, second)]
        if declared.match_type == p4i.MatchField.TERNARY:
            match.ternary.value, match.ternary.mask = packed
        elif declared.match_type == p4i.MatchField.LPM:
            match.lpm.value, match.lpm.prefix_len = packed[0], data.draw(st.integers(1, width))
        elif declared.match_type == p4i.MatchField.RANGE:
            match.range.low, match.range.high = sorted(packed)
        else:
            match.optional.value = packed[0]
        found.append(match)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_keys_go_there_and_back(state: InstalledProgram, data: st.DataObject) -> None:
    table = _table(state.p4info, "ternaries")
    matches = _matches((64, 16, 8, 8), data, table)
    key = key_of(table, matches)
    assert [len(key[0].ternary.key), len(key[1].lpm.key), len(key[2].range.end_)] == [8, 2, 1]
    assert matches_of(table, key) == [m for m in matches if m.range.high != b"\xff" or m.range.low != b"\x00"]


@given(st.lists(st.integers(1, (1 << 31) - 1), min_size=2, max_size=2, unique=True))
def test_the_larger_priority_becomes_the_smaller_number(state: InstalledProgram, priorities: list[int]) -> None:
    table = _table(state.p4info, "ternaries")
    options = [options_of(table, priority) for priority in priorities]
    assert (priorities[0] > priorities[1]) == (options[0].priority < options[1].priority)
    assert [priority_of(table, o) for o in options] == priorities
    assert all(0 <= o.priority < 1 << 31 for o in options)


def test_optional_fields_are_ternary_and_need_every_bit(state: InstalledProgram) -> None:
    table = _table(state.p4info, "ternaries")
    key = key_of(
        table, [p4r.FieldMatch(field_id=table.match_fields[3].id, optional=p4r.FieldMatch.Optional(value=b"\5"))]
    )
    assert [param.type for param in key] == [
        BmMatchParamType.TERNARY,
        BmMatchParamType.LPM,
        BmMatchParamType.RANGE,
        BmMatchParamType.TERNARY,
    ]
    assert (key[3].ternary.key, key[3].ternary.mask) == (b"\5", b"\xff")


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0)), min_size=1, max_size=4))
def test_members_of_value_sets_go_there_and_back(fields: list[tuple[int, int]]) -> None:
    declared = [p4i.MatchField(id=n, bitwidth=bits) for n, (bits, _) in enumerate(fields, 1)]
    values = [value % (1 << bits) for bits, value in fields]
    member = p4r.ValueSetMember()
    for n, value in enumerate(values, 1):
        packed = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
        member.match.append(p4r.FieldMatch(field_id=n, exact=p4r.FieldMatch.Exact(value=packed)))
    packed = member_bytes(declared, member)
    assert len(packed) == -(-sum(bits for bits, _ in fields) // 8)
    assert member_of(declared, packed) == member


def test_everything_that_is_written_is_read_again(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    written = everything(state.p4info)
    translation = Translator(state.p4info, state.p4info).translate(written)
    assert not translation.left
    bench.target.write_entities(translation.updates)
    assert text_of(bench.target.read_entities()) == text_of(written)


def test_members_and_groups_of_others_get_numbers(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    for entity in everything(state.p4info)[:2]:
        bench.target.write_entities([p4r.Update(type=p4r.Update.INSERT, entity=entity)])
    with serving(bench.fake) as address, Bmv2Target(address) as other:
        member, group = other.read_entities()
    assert group.action_profile_group.members[0].member_id == member.action_profile_member.member_id > 0


def test_entries_are_changed_and_deleted_by_their_key(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    entity = everything(state.p4info)[5]
    bench.target.write_entities([p4r.Update(type=p4r.Update.INSERT, entity=entity)])
    with pytest.raises(TargetError, match=r"writing an entry of MyIngress\.ternaries: bmv2 says DUPLICATE_ENTRY"):
        bench.target.write_entities([p4r.Update(type=p4r.Update.INSERT, entity=entity)])
    entity.table_entry.action.action.params[0].value = b"\7"
    bench.target.write_entities([p4r.Update(type=p4r.Update.MODIFY, entity=entity)])
    (row,) = bench.fake.forwarding.entries["MyIngress.ternaries"].values()
    assert row.action_entry.action_data == [b"\0\7"]
    bench.target.write_entities([p4r.Update(type=p4r.Update.DELETE, entity=entity)])
    assert not bench.fake.forwarding.entries["MyIngress.ternaries"]


def test_multicast_groups_and_entries_of_the_chained_program(bench: Bench, chained: InstalledProgram) -> None:
    bench.target.install(chained)
    wanted = updates(load_entries(nfs.entries_path(nfs.program_path("chained")), chained.p4info))
    bench.target.write_entities(wanted)
    nodes = [bench.fake.nodes[node] for node in bench.fake.groups[1]]
    assert [ports[::-1].index("1") for _, ports in nodes] and all(set(ports) <= {"0", "1"} for _, ports in nodes)
    inserted = [u.entity for u in wanted if u.entity.HasField("table_entry") and u.type == p4r.Update.INSERT]
    read = [e for e in bench.target.read_entities() if not e.table_entry.is_default_action]
    assert text_of(read) == text_of(inserted)
    with pytest.raises(TargetError, match="it exists already"):
        bench.target.write_entities(wanted[:1])


def test_a_multicast_group_has_one_bit_per_port(bench: Bench, chained: InstalledProgram) -> None:
    bench.target.install(chained)
    update = p4r.Update(type=p4r.Update.INSERT)
    group = update.entity.packet_replication_engine_entry.multicast_group_entry
    group.multicast_group_id = 77
    for port, instance in ((1, 0), (4, 0), (2, 5)):
        group.replicas.add(port=bytes([port]), instance=instance)
    bench.target.write_entities([update])
    assert [bench.fake.nodes[node] for node in bench.fake.groups[77]] == [(0, "10010"), (5, "100")]
    update.type = p4r.Update.DELETE
    bench.target.write_entities([update])
    assert 77 not in bench.fake.groups and not bench.fake.nodes


def test_clone_sessions_belong_to_the_switch_and_get_a_long_queue(bench: Bench, state: InstalledProgram) -> None:
    target, layout = bench.target, state.layout
    target.install(state)
    assert bench.fake.queue_depths == {"others": 1024}
    target.configure_clone_session(layout.session, 510)
    target.set_clone_flag(layout, True)
    assert bench.fake.forwarding.registers[layout.flag_register] == [1]
    assert bench.fake.sessions == {layout.session: 510} and bench.fake.queue_depths == {"others": 1024, 510: 65536}
    target.save(state)
    target.set_clone_flag(layout, False)  # the flag is out of reach: the session ends the cloning
    assert not bench.fake.sessions


# ---------------------------------------------------------------- reconfigurations


def test_the_controller_approach_carries_everything(bench: Bench, state: InstalledProgram) -> None:
    target = bench.target
    target.install(state)
    target.write_entities(Translator(state.p4info, state.p4info).translate(everything(state.p4info)).updates)
    before = text_of(target.read_entities())
    cells = bench.fake.forwarding.registers
    cells["MyIngress.small"][3:6] = 1, 2, 2
    cells["MyIngress.large"][1] = 1 << 50
    cells["MyIngress.signed_ones"][0] = 200
    bench.fake.forwarding.counters["MyIngress.seen"][4] = [9, 900]
    old = bench.fake.forwarding
    context = prepare(target, state, only=["small", "large", "signed_ones"])
    reconfigure(load_strategy("controller"), context)
    assert bench.fake.forwarding is not old
    for name in ("small", "large", "signed_ones"):
        assert bench.fake.forwarding.registers[f"MyIngress.{name}"] == cells[f"MyIngress.{name}"]
    assert text_of(target.read_entities()) == before


def test_wide_registers_are_refused_before_anything_happens(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    with pytest.raises(PlanRefused, match=r"MyIngress.wide has 80 bits, and the control interface of bmv2 carries 64"):
        prepare(bench.target, state)
    context = prepare(bench.target, state, allow_loss=True)
    assert "MyIngress.wide" not in [item.old.name for item in context.carried]


def test_reconcile_is_not_there(bench: Bench, state: InstalledProgram) -> None:
    bench.target.install(state)
    with pytest.raises(Unsupported, match="RECONCILE"):
        reconfigure(load_strategy("reconcile"), prepare(bench.target, state, allow_loss=True))


def test_what_goes_wrong_leaves_the_old_program_forwarding_and_nothing_cloned(
    bench: Bench, state: InstalledProgram
) -> None:
    bench.target.install(state)
    old, layout = bench.fake.forwarding, state.layout
    bench.target.configure_clone_session(layout.session, 510)
    context = prepare(bench.target, state, allow_loss=True)

    def fail(*_: object) -> None:
        raise TargetError("no more")

    bench.target.write_counter = fail  # type: ignore[method-assign]
    with pytest.raises(TargetError, match="no more"):
        reconfigure(load_strategy("controller"), context)
    assert bench.fake.forwarding is old and not bench.fake.sessions
    with pytest.raises(TargetError, match="saved and never committed"):
        prepare(bench.target, state)


def test_the_configuration_carries_the_p4info(state: InstalledProgram) -> None:
    assert p4info_of(bmv2_program.bmv2_config(state)) == state.p4info
    assert p4info_of("{}") is None and p4info_of("no json") is None
