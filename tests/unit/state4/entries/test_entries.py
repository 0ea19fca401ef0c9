"""Files of entries: what can be written in them, and how mistakes are reported."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from finsy.proto import p4i, p4r
from hypothesis import given
from hypothesis import strategies as st

from p4front.load import load_text
from p4front.match_kinds import MATCHED
from p4front.p4info import build_p4info
from state4.entries_file import Entries, EntryError, Match, Replica, load_entries, parse, resolve, updates
from state4.entries_file.updates import encode
from state4.entries_file.values import BadValue, read_match, read_value

PROGRAM = """
#include <core.p4>
#include <v1model.p4>
header h_t { bit<48> mac; bit<32> ip; bit<16> port; bit<8> kind; bit<8> flag; bit<128> wide; }
struct headers_t { h_t h; }
struct metadata_t { }
parser P(packet_in p, out headers_t hdr, inout metadata_t m, inout standard_metadata_t s) {
    state start { p.extract(hdr.h); transition accept; }
}
control C(inout headers_t hdr, inout metadata_t m) { apply { } }
control E(inout headers_t hdr, inout metadata_t m, inout standard_metadata_t s) { apply { } }
control D(packet_out p, in headers_t hdr) { apply { p.emit(hdr.h); } }
control Other(inout headers_t hdr, inout standard_metadata_t s) {
    action send(bit<9> port) { s.egress_spec = port; }
    table t { key = { hdr.h.mac: exact @name("mac"); } actions = { send; } size = 2; }
    apply { t.apply(); }
}
control I(inout headers_t hdr, inout metadata_t m, inout standard_metadata_t s) {
    register<bit<12>>(8) cells;
    Other() first;
    Other() second;
    action set(bit<4> a, bit<128> b) { s.priority = (bit<3>)a; hdr.h.wide = b; }
    action drop() { mark_to_drop(s); }
    table all_kinds {
        key = {
            hdr.h.mac: exact @name("mac");
            hdr.h.ip: ternary @name("ip");
            hdr.h.port: range @name("port");
            hdr.h.kind: optional @name("kind");
        }
        actions = { set; @defaultonly drop; @tableonly NoAction; }
        default_action = drop();
    }
    table routes {
        key = { hdr.h.ip: lpm @name("ip"); hdr.h.flag: exact @name("flag"); }
        actions = { set; NoAction; }
        const default_action = NoAction();
    }
    table fixed {
        key = { hdr.h.kind: exact @name("kind"); }
        actions = { drop; NoAction; }
        const entries = { 1: drop(); }
    }
    apply {
        bit<12> cell;
        cells.read(cell, 0);
        cells.write(1, cell);
        all_kinds.apply();
        routes.apply();
        fixed.apply();
        first.apply(hdr, s);
        second.apply(hdr, s);
    }
}
V1Switch(P(), C(), I(), E(), C(), D()) main;
"""

FILE = Path("some.toml")


@cache
def info() -> p4i.P4Info:
    return build_p4info(load_text(PROGRAM))


def load(text: str) -> Entries:
    return resolve(parse(text, FILE), info())


def problems(text: str) -> list[str]:
    with pytest.raises(EntryError) as caught:
        load(text)
    return list(caught.value.problems)


GOOD = """
[names]
me = "00:00:00:00:00:01"
tcp = 6

[[entry]]
table = "all_kinds"
match = { mac = "me", ip = "10.1.0.0/16", port = "100..0x3ff", kind = "tcp" }
action = "set"
params = { a = 0b101, b = "2001:db8::1" }
priority = 7
"""


def test_every_kind_of_match_by_name() -> None:
    (row,) = load(GOOD).rows
    assert (row.table, row.action, row.priority) == ("I.all_kinds", "I.set", 7)
    assert row.matches == (
        Match("mac", 1, 48, "exact", 1),
        Match("ip", 2, 32, "ternary", 0x0A010000, 0xFFFF0000),
        Match("port", 3, 16, "range", 100, 1023),
        Match("kind", 4, 8, "optional", 6),
    )
    assert [param.value for param in row.params] == [5, 0x20010DB8 << 96 | 1]
    assert str(row.place) == "some.toml:6"


def test_the_same_as_a_message() -> None:
    (update,) = updates(load(GOOD))
    assert update.type == p4r.Update.INSERT
    entry = update.entity.table_entry
    assert entry.priority == 7
    exact, ternary, port_range, optional = entry.match
    assert exact.exact.value == b"\x01"
    assert (ternary.ternary.value, ternary.ternary.mask) == (b"\x0a\x01\x00\x00", b"\xff\xff\x00\x00")
    assert (port_range.range.low, port_range.range.high) == (b"\x64", b"\x03\xff")
    assert optional.optional.value == b"\x06"
    assert [param.value for param in entry.action.action.params] == [
        b"\x05",
        (0x20010DB8 << 96 | 1).to_bytes(16, "big"),
    ]


def test_what_matches_everything_is_left_out() -> None:
    text = """
[[entry]]
table = "all_kinds"
match = { mac = 1, ip = "*", port = "0..65535" }
action = "NoAction"
priority = 1
[[entry]]
table = "routes"
match = { ip = "0.0.0.0/0", flag = 1 }
action = "NoAction"
"""
    assert [[match.name for match in row.matches] for row in load(text).rows] == [["mac"], ["flag"]]


def test_defaults_groups_sessions_and_registers() -> None:
    text = """
[[multicast]]
group = 3
ports = [1, 2]
[[clone]]
session = 5
replicas = [{ port = 510, instance = 9 }]
truncate = 64
[[default]]
table = "all_kinds"
action = "drop"
[[register]]
name = "cells"
index = 6
values = [1, "0xfff"]
"""
    entries = load(text)
    assert entries.multicast[0].replicas == (Replica(1, 1), Replica(2, 2))
    assert (entries.clones[0].session, entries.clones[0].truncate) == (5, 64)
    assert entries.registers[0].values == (1, 4095)
    group, session, default, first, second = updates(entries)
    assert len(group.entity.packet_replication_engine_entry.multicast_group_entry.replicas) == 2
    assert session.entity.packet_replication_engine_entry.clone_session_entry.replicas[0].port == b"\x01\xfe"
    assert (default.type, default.entity.table_entry.is_default_action) == (p4r.Update.MODIFY, True)
    assert [cell.entity.register_entry.index.index for cell in (first, second)] == [6, 7]
    assert second.entity.register_entry.data.bitstring == b"\x0f\xff"


def entry(table: str, match: str = "{ }", action: str = "NoAction", more: str = "") -> str:
    return f'[[entry]]\ntable = "{table}"\nmatch = {match}\naction = "{action}"\n{more}\n'


ROUTE = '{ ip = "10.0.0.0/8", flag = 1 }'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (entry("rotes", ROUTE), "some.toml:2: error: no table named 'rotes'; known: I.all_kinds, I.first.t"),
        (entry("t", "{ mac = 1 }"), "some.toml:2: error: the table 't' could be I.first.t or I.second.t"),
        (entry("routes", ROUTE, "send"), "some.toml:4: error: no action of 'I.routes' named 'send'; known: I.set, No"),
        (entry("routes", "{ flag = 1, pi = 2 }"), "some.toml:3: error: 'I.routes' has no field 'pi'; its fields: ip"),
        (
            entry("routes", '{ ip = "10.0.0.0/8" }'),
            "some.toml:3: error: the exact field 'flag' of 'I.routes' is missing",
        ),
        (entry("routes", "{ flag = 256 }"), "some.toml:3: error: field 'flag' (exact): 256 does not fit 8 bits"),
        (entry("routes", "{ flag = -1 }"), "some.toml:3: error: field 'flag' (exact): -1 is negative"),
        (entry("routes", "{ flag = true }"), "some.toml:3: error: field 'flag' (exact): True is no number or address"),
        (entry("routes", '{ flag = "*" }'), "some.toml:3: error: field 'flag' (exact): '*' in an exact field"),
        (
            entry("routes", '{ flag = "1..2" }'),
            "some.toml:3: error: field 'flag' (exact): '1..2' is a range, the field",
        ),
        (entry("routes", '{ flag = "blue" }'), "some.toml:3: error: field 'flag' (exact): 'blue' is neither a number"),
        (
            entry("routes", '{ flag = 1, ip = "10.0.0.1/8" }'),
            "some.toml:3: error: field 'ip' (lpm): '10.0.0.1/8' has bits",
        ),
        (
            entry("routes", '{ flag = 1, ip = "1 &&& 1" }'),
            "some.toml:3: error: field 'ip' (lpm): '1 &&& 1' is a value with",
        ),
        (entry("routes", '{ flag = 1, ip = "10.0.0.0/33" }'), "some.toml:3: error: field 'ip' (lpm): the prefix of"),
        (
            entry("routes", '{ flag = 1, ip = "::1" }'),
            "some.toml:3: error: field 'ip' (lpm): '::1' is an address of 128",
        ),
        (entry("routes", ROUTE, more="priority = 3"), "some.toml:5: error: 'I.routes' has only exact and lpm fields"),
        (entry("all_kinds", "{ mac = 1 }"), "some.toml:1: error: 'I.all_kinds' has a ternary, range or optional field"),
        (entry("all_kinds", "{ mac = 1 }", more="priority = 0"), "some.toml:5: error: a priority is at least 1"),
        (entry("all_kinds", "{ mac = 1 }", "drop", "priority = 1"), "some.toml:4: error: 'I.drop' can only be the def"),
        (entry("fixed", "{ kind = 2 }"), "some.toml:1: error: 'I.fixed': the table's entries are const"),
        (entry("routes", ROUTE, "set"), "some.toml:1: error: the parameter 'a' of 'I.set' is missing"),
        (
            entry("routes", ROUTE, "set", "params = { a = 16, b = 0 }"),
            "some.toml:5: error: parameter 'a': 16 does not fit 4 bits",
        ),
        (
            entry("routes", ROUTE, "set", "params = { a = 1, b = 0, c = 0 }"),
            "some.toml:5: error: 'I.set' has no parameter 'c'; its parameters: a, b",
        ),
        (
            '[[default]]\ntable = "routes"\naction = "set"',
            "some.toml:1: error: the default action of 'I.routes' is const",
        ),
        (
            '[[default]]\ntable = "all_kinds"\naction = "NoAction"',
            "some.toml:3: error: 'NoAction' can't be the default",
        ),
        (
            '[[register]]\nname = "cells"\nindex = 7\nvalues = [1, 2]',
            "some.toml:4: error: 'I.cells' has 8 cells, up to 7",
        ),
        (
            '[[register]]\nname = "cells"\nvalues = [4096]',
            "some.toml:3: error: register 'I.cells': 4096 does not fit 12",
        ),
        ('[[register]]\nname = "pk"\nvalues = [1]', "some.toml:2: error: no register named 'pk'; known: I.cells"),
        ("[[multicast]]\ngroup = 0\nports = [1]", "some.toml:2: error: group 0 means no multicast"),
        ("[[multicast]]\ngroup = 1\n", "some.toml:1: error: state either `ports` or `replicas`"),
        ("[[clone]]\nports = [1]\n", "some.toml:1: error: `session` is missing in [[clone]]"),
        ("[[entry]]\ntable = 5\n", "some.toml:2: error: `table` (a name) is missing in [[entry]]"),
        ("[[entry]]\ntabel = 'x'\n", "some.toml:2: error: unknown key 'tabel'; known: table, match"),
        ("\n[[entries]]\n", "some.toml:2: error: unknown block 'entries'; known: entry, default"),
        ("entry = [{ table = 'routes' }]\n", "some.toml:1: error: write every 'entry' as a separate block [[entry]]"),
        ("[names]\nx = 1.5\n", "some.toml:1: error: the name 'x' has to stand for a number or a string"),
        ("[[entry]]\ntable = \n", "some.toml:2: error: not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, expected: str) -> None:
    assert problems(text)[0].startswith(expected), problems(text)[0]


def test_all_mistakes_of_a_file_at_once() -> None:
    found = problems(entry("nothing") + entry("routes", "{ flag = 999 }") + entry("routes", ROUTE, "other"))
    assert [line.split(":")[1] for line in found] == ["2", "8", "14"]


def test_the_same_entry_twice_and_too_many() -> None:
    assert (
        "some.toml:6: error: the same entry of 'I.routes' is at some.toml:1" in problems(entry("routes", ROUTE) * 2)[0]
    )
    three = "".join(entry("first.t", f"{{ mac = {number} }}", "send", "params = { port = 1 }") for number in range(3))
    assert problems(three) == ["some.toml:11: error: 'I.first.t' holds 2 entries, the file has 3"]


@given(st.integers(1, 200), st.data())
def test_numbers_in_every_notation(width: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, (1 << width) - 1))
    for text in (number, str(number), hex(number), bin(number)):
        assert read_value(text, width, {}) == number
    with pytest.raises(BadValue):
        read_value(number + (1 << width), width, {})
    assert int.from_bytes(encode(number), "big") == number
    assert len(encode(number)) == 1 or encode(number)[0] != 0


@given(st.text(max_size=20), st.sampled_from(["exact", "lpm", "ternary", "range", "optional"]))
def test_any_text_is_a_value_or_refused(text: str, kind: str) -> None:
    try:
        found = read_match(text, MATCHED[kind], 16, {})
    except BadValue:
        return
    assert found is None or 0 <= found[0] < 1 << 16


def test_an_included_file_comes_first_and_lends_its_words(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(GOOD)
    more = 'include = ["base.toml"]\n\n[[entry]]\ntable = "all_kinds"\nmatch = { mac = "me" }\naction = "set"\n'
    more += "params = { a = 1, b = 2 }\npriority = 6\n"
    file = tmp_path / "more.toml"
    file.write_text(more)
    rows = load_entries(file, info()).rows
    assert [row.priority for row in rows] == [7, 6]
    assert [str(row.place) for row in rows] == [f"{tmp_path}/base.toml:6", f"{file}:3"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('include = ["gone.toml"]', "more.toml:1: error: cannot read 'gone.toml': No such file or directory"),
        ('\ninclude = ["more.toml"]', "more.toml:2: error: 'more.toml' includes itself"),
        ('include = "base.toml"', 'more.toml:1: error: `include` has to be a list of files: include = ["other'),
        ('include = ["base.toml"]\n[names]\ntcp = 7', "more.toml:1: error: the name 'tcp' stands for another value in"),
        ('include = ["bad.toml"]', "bad.toml:1: error: unknown block 'nothing'"),
    ],
)
def test_wrong_includes(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text("[[nothing]]\n")
    file = tmp_path / "more.toml"
    file.write_text(text)
    with pytest.raises(EntryError) as caught:
        load_entries(file, info())
    [found] = caught.value.problems
    assert found.startswith(f"{tmp_path}/{problem}")
