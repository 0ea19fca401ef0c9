"""Names for numbers: types that are translated to strings, wider ones, and controller headers with them (8.5.6)."""

from __future__ import annotations

from functools import partial

import pytest
from finsy.proto import p4r

from softswitch.build.program import compile_program
from softswitch.server.errors import Code, Refused
from softswitch.server.values.translation import NameTable
from tests.switch.controller import PROGRAMS, Config, Controller, Running, codes, status

PROGRAM = PROGRAMS / "named.p4"


def named(name: bytes) -> p4r.FieldMatch:
    return p4r.FieldMatch(field_id=1, exact=p4r.FieldMatch.Exact(value=name))


def to_zone(c: Controller, name: bytes) -> p4r.Action:
    return p4r.Action(action_id=c.id("to_zone"), params=[p4r.Action.Param(param_id=1, value=name)])


def test_names_in_keys_and_parameters_read_back(running: Running, c: Controller) -> None:
    entry = c.entry("zones", named(b"inside"), action=to_zone(c, "außen".encode()))
    plain = c.entry("zones", named(b"5"), action=to_zone(c, b"inside"))
    c.insert(table_entry=entry)
    c.insert(table_entry=plain)
    assert c.read(table_entry=c.entry("zones")) == [entry, plain]
    assert c.read(table_entry=c.entry("zones", named(b"inside"))) == [entry]
    assert c.read(table_entry=c.entry("zones", named(b"never written"))) == []
    assert running.switch.inject(1, bytes([255, 0])) == [(2, bytes([254, 0]))]  # the largest numbers are given first
    assert running.switch.inject(1, bytes([5, 0])) == [(2, bytes([255, 0]))]  # decimal numbers mean themselves


def test_wrong_names(c: Controller) -> None:
    for name, code in ((b"", "INVALID_ARGUMENT"), (b"\xff", "INVALID_ARGUMENT"), (b"256", "OUT_OF_RANGE")):
        entry = c.entry("zones", named(name), action=to_zone(c, b"x"))
        assert codes(partial(c.insert, table_entry=entry)) == [code]
    c.insert(table_entry=c.entry("zones", named(b"a"), action=to_zone(c, b"a")))
    taken = c.entry("zones", named(b"255"), action=to_zone(c, b"a"))
    assert status(lambda: c.insert(table_entry=taken)) == "INVALID_ARGUMENT"  # 255 is called "a"


def test_names_match_as_a_whole(c: Controller) -> None:
    match = p4r.FieldMatch(field_id=1, ternary=p4r.FieldMatch.Ternary(value=b"a", mask=b"\xff"))
    entry = c.entry("areas", match, action=c.action("to_port", port=3), priority=1)
    c.insert(table_entry=entry)
    assert c.read(table_entry=c.entry("areas")) == [entry]
    entry.match[0].ternary.mask = b"\xf0"
    assert status(lambda: c.insert(table_entry=entry)) == "INVALID_ARGUMENT"


def test_names_in_registers_and_digests(running: Running, c: Controller) -> None:
    cell = p4r.RegisterEntry(register_id=c.id("last_zone"))
    cell.index.index = 0
    cell.data.bitstring = b"lobby"
    c.modify(register_entry=cell)
    assert c.read(register_entry=cell) == [cell]
    cell.data.bitstring = b"300"
    assert status(lambda: c.modify(register_entry=cell)) == "OUT_OF_RANGE"
    c.insert(digest_entry=p4r.DigestEntry(digest_id=c.id("seen_t"), config={"max_list_size": 1}))
    running.switch.submit(1, bytes([255, 9]))
    (item,) = c.next("digest").data
    assert [m.bitstring for m in item.struct.members] == [b"lobby", b"\x09"]


def test_structs_in_registers_with_members_of_every_kind(running: Running, c: Controller) -> None:
    c.insert(table_entry=c.entry("zones", named(b"hall"), action=to_zone(c, b"hall")))
    running.switch.inject(1, bytes([255, 9]))
    cell = p4r.RegisterEntry(register_id=c.id("records"))
    cell.index.index = 1
    (read,) = c.read(register_entry=cell)
    members = [getattr(m, m.WhichOneof("data")) for m in read.data.struct.members]
    assert members == [b"\5", b"\1\x2c", b"hall", True, b"\xfd"]
    read.index.index = 2
    read.data.struct.members[2].bitstring = b"loft"
    c.modify(register_entry=read)
    cell.index.index = 2
    assert c.read(register_entry=cell) == [read]
    assert running.device.active is not None
    assert running.device.active.pipeline.registers["MyIngress.records"].read_cell(2) >> 8 & 0xFF == 254
    read.data.struct.members[1].bitstring = b"\2\0"  # 512 does not fit the 9 bits of the data plane
    assert status(lambda: c.modify(register_entry=read)) == "OUT_OF_RANGE"


def test_controller_headers_with_translated_and_hidden_fields(running: Running, c: Controller) -> None:
    c.insert(table_entry=c.entry("zones", named(b"hall"), action=to_zone(c, b"hall")))
    (header,) = [h for h in c.p4info.controller_packet_metadata if h.preamble.name == "packet_in"]
    assert [(m.name, m.bitwidth) for m in header.metadata] == [("zone", 0), ("port", 32)]
    running.switch.submit(3, bytes([255, 0xC0, 7]))
    packet = c.next("packet")
    assert [m.value for m in packet.metadata] == [b"hall", b"\x03"] and packet.payload == bytes([255, 0xC0, 7])
    (header,) = [h for h in c.p4info.controller_packet_metadata if h.preamble.name == "packet_out"]
    ids = {m.name: m.id for m in header.metadata}
    out = p4r.PacketOut(payload=bytes([0, 1, 2]))
    out.metadata.add(metadata_id=ids["port"], value=b"\0\0\0\4")
    out.metadata.add(metadata_id=ids["zone"], value=b"hall")
    c.send(packet=out)
    while (sent := running.switch.take(4)) is None:
        pass
    assert sent == bytes([255, 1, 2])
    out.metadata[0].value = b"\2\0"  # 512 does not fit the 9 bits of the data plane
    c.send(packet=out)
    assert c.next("error").canonical_code == Code.OUT_OF_RANGE


def test_names_outlive_the_program(running: Running, c: Controller) -> None:
    c.insert(table_entry=c.entry("zones", named(b"first"), action=to_zone(c, b"first")))
    c.set_config(Config.VERIFY_AND_COMMIT, compile_program(PROGRAM), PROGRAM.read_bytes())
    c.insert(table_entry=c.entry("zones", named(b"second"), action=to_zone(c, b"first")))
    assert running.switch.inject(1, bytes([254, 0])) == [(2, bytes([255, 0]))]


def test_a_type_has_no_more_names_than_numbers() -> None:
    names = NameTable(reserved=(2,))
    assert names.decode(b"1", 2, "zone") == 1
    assert names.decode(b"a", 2, "zone") == 3
    with pytest.raises(Refused) as caught:  # 2 is reserved, 1 in use, and 0 is often "none"
        names.decode(b"b", 2, "zone")
    assert caught.value.code == Code.RESOURCE_EXHAUSTED
    wider = NameTable()
    number = wider.decode(b"007", 12, "zone")
    assert number != 7 and wider.encode(number) == b"007"
