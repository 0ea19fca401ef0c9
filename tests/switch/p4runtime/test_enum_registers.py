"""Registers of enums and errors: values without a name are never written, and a value's name never changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from finsy.proto import p4r

from tests.switch.controller import Config, Controller, Running, status

SOURCE = """
#include <core.p4>
#include <v1model.p4>
enum colour_t { RED, GREEN, BLUE }
struct pair_t { bit<4> number; colour_t colour; error problem; }
struct headers_t {}
struct metadata_t {}
parser P(packet_in p, out headers_t h, inout metadata_t m, inout standard_metadata_t s) {
    state start { transition accept; }
}
control V(inout headers_t h, inout metadata_t m) { apply {} }
control I(inout headers_t h, inout metadata_t m, inout standard_metadata_t s) {
    register<colour_t>(4) one;
    register<pair_t>(4) two;
    apply {
        one.write(0, colour_t.GREEN);
        two.write(0, {1, colour_t.BLUE, error.NoError});
    }
}
control E(inout headers_t h, inout metadata_t m, inout standard_metadata_t s) { apply {} }
control D(packet_out p, in headers_t h) { apply {} }
V1Switch(P(), V(), I(), E(), V(), D()) main;
"""


@pytest.fixture
def c(tmp_path: Path) -> Iterator[Controller]:
    path = tmp_path / "enums.p4"
    path.write_text(SOURCE)
    with Running(path) as running, running.controller(1) as made:
        yield made


def test_a_value_without_a_name_is_refused(c: Controller) -> None:
    colour = 2
    c.write_array("one", colour.to_bytes(4, "little"))
    assert status(lambda: c.write_array("one", (3).to_bytes(4, "little"))) == "OUT_OF_RANGE"
    cells = c.read(register_entry=p4r.RegisterEntry(register_id=c.id("one")))
    assert [cell.data.enum for cell in cells] == ["BLUE", "RED", "RED", "RED"]

    def pair(number: int, colour: int, problem: int) -> bytes:
        return (number << 64 | colour << 32 | problem).to_bytes(16, "little")

    c.write_array("two", pair(15, 1, 2))
    for bad in (pair(1, 3, 0), pair(1, 0, 1000), pair(16, 0, 0)):
        assert status(lambda bad=bad: c.write_array("two", bad)) == "OUT_OF_RANGE"
    first = c.read(register_entry=p4r.RegisterEntry(register_id=c.id("two")))[0].data.struct.members
    assert (first[0].bitstring, first[1].enum) == (b"\x0f", "GREEN")


def reconcile(c: Controller, source: str) -> str:
    request = Config(device_id=1, action=Config.RECONCILE_AND_COMMIT, election_id={"low": 1})
    request.config.p4_device_config = source.encode()
    return status(lambda: c.stub.SetForwardingPipelineConfig(request))


def test_reconcile_keeps_what_still_has_its_name(c: Controller) -> None:
    """A cell is a number, to which another order of the members would give a different name."""
    c.write_array("one", (1).to_bytes(4, "little"))
    later = SOURCE.replace("register<pair_t>(4) two;", "register<pair_t>(4) two; register<bit<8>>(4) three;")
    assert reconcile(c, later) == "OK"
    (first, *_) = c.read(register_entry=p4r.RegisterEntry(register_id=c.id("one")))
    assert first.data.enum == "GREEN"
    assert reconcile(c, later.replace("RED, GREEN, BLUE", "GREEN, RED, BLUE")) == "INVALID_ARGUMENT"
    renamed = later.replace("RED, GREEN, BLUE", "RED, LIME, BLUE").replace(".GREEN", ".LIME")
    assert reconcile(c, renamed) == "INVALID_ARGUMENT"
    (first, *_) = c.read(register_entry=p4r.RegisterEntry(register_id=c.id("one")))
    assert first.data.enum == "GREEN"
