"""Files of entries: the complete messages that they become, and mistakes in groups, sessions and registers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from finsy.proto import p4i, p4r

from p4front.load import load_text
from p4front.p4info import build_p4info
from state4.entries_file import Entries, EntryError, load_entries, parse, resolve, updates
from tests.unit.state4.entries.test_entries import FILE, PROGRAM, entry

TEXT = """
[names]
there = 2
[[multicast]]
group = 65535
replicas = [{ port = "there", instance = "there" }, { port = 1, instance = 65535 }]
[[clone]]
session = 1
ports = [510]
[[clone]]
session = 2
ports = ["there", 1]
truncate = 65535
[[default]]
table = "all_kinds"
action = "set"
params = { a = 3, b = 4 }
[[entry]]
table = "routes"
match = { ip = "10.0.0.0/8", flag = 1 }
action = "set"
params = { a = 1, b = "0x100" }
[[register]]
name = "cells"
values = ["there"]
"""


@cache
def info() -> p4i.P4Info:
    added = "register<int<8>>(4) signed_cells; register<h_t>(4) headers;"
    return build_p4info(load_text(PROGRAM.replace("Other() first;", f"{added} Other() first;")))


def load(text: str) -> Entries:
    return resolve(parse(text, FILE), info())


def problems(text: str) -> list[str]:
    with pytest.raises(EntryError) as caught:
        load(text)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def number(kind: str, alias: str) -> int:
    return next(i.preamble.id for i in getattr(info(), kind) if i.preamble.name in (f"I.{alias}", alias))


def test_the_messages_of_a_file() -> None:
    found = updates(load(TEXT))
    group, one, two, default, route, cell = (update.entity for update in found)
    assert [update.type for update in found] == [p4r.Update.INSERT] * 3 + [
        p4r.Update.MODIFY,
        p4r.Update.INSERT,
        p4r.Update.MODIFY,
    ]
    replicas = [p4r.Replica(port=b"\2", instance=2), p4r.Replica(port=b"\1", instance=65535)]
    wanted = p4r.MulticastGroupEntry(multicast_group_id=65535, replicas=replicas)
    assert group.packet_replication_engine_entry.multicast_group_entry == wanted
    assert one.packet_replication_engine_entry.clone_session_entry == p4r.CloneSessionEntry(
        session_id=1, replicas=[p4r.Replica(port=b"\x01\xfe", instance=1)]
    )
    assert two.packet_replication_engine_entry.clone_session_entry == p4r.CloneSessionEntry(
        session_id=2,
        replicas=[p4r.Replica(port=b"\2", instance=1), p4r.Replica(port=b"\1", instance=2)],
        packet_length_bytes=65535,
    )
    action = p4r.Action(action_id=number("actions", "set"))
    action.params.add(param_id=1, value=b"\3")
    action.params.add(param_id=2, value=b"\4")
    assert default.table_entry == p4r.TableEntry(
        table_id=number("tables", "all_kinds"), action=p4r.TableAction(action=action), is_default_action=True
    )
    action.params[0].value, action.params[1].value = b"\1", b"\1\0"
    match = [
        p4r.FieldMatch(field_id=1, lpm=p4r.FieldMatch.LPM(value=b"\x0a\0\0\0", prefix_len=8)),
        p4r.FieldMatch(field_id=2, exact=p4r.FieldMatch.Exact(value=b"\1")),
    ]
    assert route.table_entry == p4r.TableEntry(
        table_id=number("tables", "routes"), match=match, action=p4r.TableAction(action=action)
    )
    assert cell.register_entry.register_id == number("registers", "cells")
    assert (cell.register_entry.index.index, cell.register_entry.data.bitstring) == (0, b"\2")


def test_rows_say_what_they_are_about() -> None:
    entries = load(TEXT)
    default, route = entries.rows
    assert (default.priority, route.priority, default.is_default, route.is_default) == (0, 0, True, False)
    assert [(p.name, p.id, p.width, p.value) for p in route.params] == [("a", 1, 4, 1), ("b", 2, 128, 256)]
    (register,) = entries.registers
    assert (register.register, register.register_id, register.width, register.index) == (
        "I.cells",
        number("registers", "cells"),
        12,
        0,
    )
    places = [str(row.place) for row in (*entries.multicast, *entries.clones, *entries.rows, *entries.registers)]
    assert places == [f"some.toml:{line}" for line in (4, 7, 10, 14, 18, 23)]


GROUP, CLONE = "[[multicast]]\ngroup = {}\n{}", "[[clone]]\nsession = {}\n{}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GROUP.format(65536, "ports = [1]"), "2: error: `group`: 65536 does not fit 16 bits"),
        (GROUP.format(1, "ports = 5"), "3: error: `ports` has to be a list"),
        (GROUP.format(1, "replicas = []"), "3: error: `replicas` has to be a list"),
        (GROUP.format(1, "replicas = [7]"), "3: error: a replica is { port = ..., instance = ... }"),
        (GROUP.format(1, "replicas = [{ port = 1 }]"), "3: error: a replica is { port = ..., instance = ... }"),
        (
            GROUP.format(1, "replicas = [{ port = 1, instance = 1 }, { port = 1, instance = 65536 }]"),
            "3: error: replica 2: 65536 does not fit 16 bits",
        ),
        (
            GROUP.format(1, "replicas = [{ port = 1, instance = 1 }, { port = 1, instance = 1 }]"),
            "3: error: the same replica twice: give each copy a different instance",
        ),
        (GROUP.format(1, "ports = [1]\nreplicas = []"), "1: error: state either `ports` or `replicas`"),
        (CLONE.format(0, "ports = [1]"), "2: error: number sessions from 1"),
        (CLONE.format(1, "ports = [1]\ntruncate = 65536"), "4: error: `truncate`: 65536 does not fit 16 bits"),
        (
            '[[register]]\nname = "signed_cells"\nvalues = [1]',
            "2: error: the cells of 'I.signed_cells' are no plain bit<> values",
        ),
        (
            '[[register]]\nname = "headers"\nvalues = [1]',
            "2: error: the cells of 'I.headers' are no plain bit<> values",
        ),
        (
            '[[register]]\nname = "cells"\nvalues = 5',
            "3: error: `values` has to be a list of the cells from `index` on",
        ),
        ('[[register]]\nname = "cells"\n', "1: error: `values` has to be a list of the cells from `index` on"),
        (
            '[[register]]\nname = "cells"\nindex = 4294967296\nvalues = [1]',
            "3: error: `index`: 4294967296 does not fit 32 bits",
        ),
        (entry("routes", "7"), "3: error: `match` has to be { name = value, ... }"),
        (
            entry("all_kinds", "{ mac = 1 }", more="priority = 2147483648"),
            "5: error: `priority`: 2147483648 does not fit 31 bits",
        ),
        (
            entry("routes", "{ flag = 1 }", "set", "params = { a = 1 }"),
            "5: error: the parameter 'b' of 'I.set' is missing",
        ),
    ],
)
def test_a_mistake_in_full(text: str, message: str) -> None:
    assert problems(text) == [f"some.toml:{message}"]


def test_a_table_that_is_just_full() -> None:
    two = entry("I.first.t", "{ mac = 1 }", "Other.send", "params = { port = 1 }").replace("Other.send", "I.first.send")
    second = two.replace("mac = 1", "mac = 2")
    assert len(load(two + second).rows) == 2
    third = two.replace("mac = 1", "mac = 3")
    assert problems(two + second + third) == ["some.toml:11: error: 'I.first.t' holds 2 entries, the file has 3"]


def test_groups_and_sessions_of_one_number_are_distinguished() -> None:
    one = GROUP.format(1, "ports = [1]\n") + CLONE.format(1, "ports = [1]\n")
    assert len(load(one).multicast) == 1
    assert problems(one + GROUP.format(1, "ports = [2]\n")) == [
        "some.toml:7: error: the same multicast group 1 is at some.toml:1"
    ]
    assert problems(one + CLONE.format(1, "ports = [2]\n")) == [
        "some.toml:7: error: the same clone session 1 is at some.toml:4"
    ]


def test_a_program_without_tables_names_none() -> None:
    empty: Any = p4i.P4Info()
    with pytest.raises(EntryError, match=r"no table named 'routes'; known: none$"):
        resolve(parse(entry("routes"), FILE), empty)


def test_a_file_with_words_of_other_alphabets(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[names]\n"größe" = 5\n' + entry("routes", '{ flag = "größe" }'), encoding="utf-8")
    assert load_entries(path, info()).rows[0].matches[0].value == 5


KEYLESS = PROGRAM.replace(
    "apply {\n        bit<12> cell;",
    "table bare { actions = { NoAction; } }\n    apply {\n        bare.apply();\n        bit<12> cell;",
)


def test_a_table_without_fields_and_an_action_without_parameters_name_none() -> None:
    bare = build_p4info(load_text(KEYLESS))
    for more, message in (
        ("match = { x = 1 }", "'I.bare' has no field 'x'; its fields: none"),
        ("match = { }\nparams = { y = 1 }", "'NoAction' has no parameter 'y'; its parameters: none"),
    ):
        with pytest.raises(EntryError, match=f"{message}$"):
            resolve(parse(f'[[entry]]\ntable = "bare"\naction = "NoAction"\n{more}\n', FILE), bare)


def test_the_fields_of_a_table_are_listed() -> None:
    assert problems(entry("routes", "{ flag = 1, pi = 2 }")) == [
        "some.toml:3: error: 'I.routes' has no field 'pi'; its fields: ip, flag"
    ]


def test_a_match_kind_that_nobody_knows() -> None:
    strange = p4i.P4Info()
    strange.CopyFrom(info())
    table = next(t for t in strange.tables if t.preamble.name == "I.routes")
    table.match_fields[0].other_match_type = "fuzzy"
    with pytest.raises(EntryError, match=r"^some.toml:3: error: the match kind of field 'ip' is not supported$"):
        resolve(parse(entry("routes", "{ flag = 1 }"), FILE), strange)


def test_words_stand_for_numbers_everywhere() -> None:
    text = '[names]\nnine = 9\n[[multicast]]\ngroup = "nine"\nports = ["nine"]\n'
    (group,) = load(text).multicast
    assert (group.group, group.replicas[0].port) == (9, 9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[names]\na = 1\n\nb = [1,\n", "some.toml:5: error: not TOML: "),  # the end is missing
        ("a = 1\nb = = 2\n", "some.toml:2: error: not TOML: "),
        ("names = 3\n", "some.toml:1: error: `names` has to be a [names] table of words and their values"),
    ],
)
def test_what_is_no_toml_has_its_line(text: str, message: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(message) and "(at line" not in problem
    assert problem == message or problem[len(message)].isupper()


def test_all_that_is_wrong_in_a_file_and_in_those_that_it_includes(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("[[entries]]\n[[wrong]]\n")
    (tmp_path / "two.toml").write_text("[[other]]\n")
    main = tmp_path / "main.toml"
    main.write_text('include = ["missing.toml", "one.toml", "two.toml"]\n[[mine]]\n[names]\nx = 1.5\n')
    with pytest.raises(EntryError) as caught:
        load_entries(main, info())
    text = str(caught.value)
    for part in ("missing.toml", "'entries'", "'wrong'", "'other'", "'mine'", "the name 'x'"):
        assert part in text, text
