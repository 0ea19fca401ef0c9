"""A fabric's plan: names, ports, addresses, and entries that fit the chained program."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from finsy.proto import p4i
from hypothesis import given, settings
from hypothesis import strategies as st

import nfs
from p4front.load import load_program
from p4front.p4info import build_p4info
from state4.entries_file import parse, resolve, updates
from topologies.leaf_spine import MAX_HOSTS, MAX_LEAVES, MAX_SPINES, SERVER, Fabric, LeafSpineTopo
from topologies.leaf_spine_entries import KNOCK_MAC, leaf_entries, spine_entries


@cache
def p4info() -> p4i.P4Info:
    return build_p4info(load_program(nfs.program_path("chained")))


@pytest.mark.parametrize(
    "size", [{"leaves": 1}, {"leaves": MAX_LEAVES + 1}, {"spines": 0}, {"spines": MAX_SPINES + 1}, {"hosts": 0}]
)
def test_a_fabric_that_cannot_be_addressed_is_refused(size: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"a fabric has \d+ to \d+ (leaves|spines|hosts), not -?\d+"):
        Fabric(**size)


def test_more_hosts_than_the_program_has_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 999 hosts in all, not 1078"):
        Fabric(leaves=11, hosts=MAX_HOSTS)


@pytest.mark.parametrize("rates", [(32,), (32, 16, 16), (0, 16), (3, 16), (1 << 18, 16)])
def test_rates_of_links_that_hula_cannot_have_are_refused(rates: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"links"):
        Fabric(mbit=rates)


def test_faster_links_take_more_bytes_for_a_step_of_load() -> None:
    fabric = Fabric(mbit=(32, 16))
    assert [fabric.link_shift(spine) for spine in fabric.spine_numbers] == [11, 10]
    assert Fabric().link_shift(2) == 16  # 1 Gbit/s, as in nfs/chained.entries.toml


FABRICS = st.builds(
    Fabric, leaves=st.integers(2, 6), spines=st.integers(1, 4), hosts=st.sampled_from([1, 3, MAX_HOSTS])
)


@settings(max_examples=25, deadline=None)
@given(FABRICS)
def test_addresses_and_ports_are_unique(fabric: Fabric) -> None:
    places = fabric.places.values()
    assert len(places) == fabric.leaves * fabric.hosts + 1
    assert len({place.ip for place in places}) == len({place.mac for place in places}) == len(places)
    for leaf in fabric.leaf_numbers:
        ports = [place.port for place in places if place.leaf == leaf] + list(fabric.uplinks)
        assert len(set(ports)) == len(ports)
        assert max(ports) < 256  # what the program measures
    assert KNOCK_MAC not in {place.mac for place in places}


@settings(max_examples=10, deadline=None)
@given(FABRICS)
def test_the_entries_fit_the_chained_program(fabric: Fabric) -> None:
    texts = [leaf_entries(fabric, leaf) for leaf in fabric.leaf_numbers] + [spine_entries(fabric)]
    for text in texts:
        assert updates(resolve(parse(text, Path("entries.toml")), p4info()))


def test_every_leaf_is_linked_to_every_spine() -> None:
    fabric = Fabric(leaves=3, spines=2, hosts=2)
    topology = LeafSpineTopo(fabric)
    assert set(topology.switches()) == {"leaf1", "leaf2", "leaf3", "spine1", "spine2"}
    assert len(topology.hosts()) == 7
    assert len(topology.links()) == 7 + 6
    assert topology.port("leaf2", "spine1") == (101, 2)
    assert topology.port("leaf3", "spine2") == (102, 3)
    assert topology.port(SERVER, "leaf3") == (0, 3)


def test_probes_end_at_the_leaves() -> None:
    fabric = Fabric()
    rows = resolve(parse(leaf_entries(fabric, 1), Path("x")), p4info()).rows
    assert [row.matches[0].value for row in rows if row.table.endswith(".probes")] == [510]
    rows = resolve(parse(spine_entries(fabric), Path("x")), p4info()).rows
    assert [row.matches[0].value for row in rows if row.table.endswith(".probes")] == [1, 2]


def test_only_data_to_other_leaves_is_balanced() -> None:
    fabric = Fabric(leaves=3)
    rows = resolve(parse(leaf_entries(fabric, 2), Path("x")), p4info()).rows
    balanced = [(row.matches[0].value >> 8 & 0xFF, row.params[0].value) for row in rows if "balance" in row.table]
    assert balanced == [(1, 1), (3, 3)]
