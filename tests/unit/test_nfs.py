"""Properties of the programs in nfs/ that the experiments rely on."""

from __future__ import annotations

import re

import pytest
from finsy.proto import p4i

import nfs
from p4front.load import load_program
from p4front.p4info import build_p4info
from state4.entries_file import load_entries, updates

HULA = {
    "link_load": (256, 32),
    "link_time": (256, 48),
    "path_util": (128, 8),
    "best_hop": (128, 9),
    "path_time": (128, 48),
    "flowlet_hop": (1024, 9),
    "flowlet_time": (1024, 48),
}


def p4info(name: str) -> p4i.P4Info:
    return build_p4info(load_program(nfs.program_path(name)))


def registers(info: p4i.P4Info) -> dict[str, tuple[int, int]]:
    """Name to (cells, width), in the order of declaration."""
    return {
        register.preamble.alias: (register.size, register.type_spec.bitstring.bit.bitwidth)
        for register in info.registers
    }


@pytest.mark.parametrize("name", nfs.PROGRAMS)
def test_each_program_checks_without_a_warning_and_its_entries_fit(name: str) -> None:
    program = load_program(nfs.program_path(name))
    assert program.warnings == []
    entries = load_entries(nfs.entries_path(nfs.program_path(name)), build_p4info(program))
    assert len(updates(entries)) == len(entries.rows) + len(entries.multicast)


def test_hula_has_seven_registers() -> None:
    assert registers(p4info("hula")) == HULA


def test_chained_is_the_program_of_the_paper() -> None:
    info = p4info("chained")
    assert len(info.tables) == 7
    found = registers(info)
    assert found == {**HULA, "pk_reg": (460_798, 4)}
    assert list(found).index("pk_reg") + 1 == 8
    size = sum(cells * width for cells, width in found.values()) / 8
    assert abs(size - 236 * 1024) <= 1024


@pytest.mark.parametrize("name", ["chained", "chained_counting"])
def test_the_second_version_has_a_place_for_all_that_the_first_keeps(name: str) -> None:
    old, new = p4info(name), p4info(f"{name}_v2")

    def names(info: p4i.P4Info) -> set[tuple[object, ...]]:
        kept: set[tuple[object, ...]] = {
            (register.preamble.name, register.size, register.type_spec.bitstring.bit.bitwidth)
            for register in info.registers
        }
        for table in info.tables:
            fields = tuple((field.name, field.bitwidth, field.match_type) for field in table.match_fields)
            kept.add((table.preamble.name, table.size, fields))
        return kept

    more = names(new) - names(old)
    assert names(old) <= names(new)
    assert {str(item[0]) for item in more} == {"MyIngress.access.acl", "MyIngress.flows.flow_bytes"}


def test_chained_counting_is_chained_with_one_stage_more() -> None:
    old, new = registers(p4info("chained")), registers(p4info("chained_counting"))
    assert list(new.items()) == [*old.items(), ("counted_bytes", (256, 64))]


def test_the_names_of_the_paper_network_are_the_same_in_all_entries() -> None:
    lines: dict[str, str] = {}
    for name in nfs.PROGRAMS:
        text = nfs.entries_path(nfs.program_path(name)).read_text(encoding="utf-8")
        for word, value in re.findall(r'^(\w+) = ("[0-9a-f.:]+")$', text, re.MULTILINE):
            assert lines.setdefault(word, value) == value
