"""Registers, counters and meters: one message per cell through P4Runtime, whole arrays through the bulk service."""

from __future__ import annotations

import struct

import grpc
import numpy as np
import pytest
from finsy.proto import p4d, p4r

from softswitch.proto import bulk_pb2
from tests.switch.controller import (
    EVERYTHING,
    Config,
    Controller,
    Running,
    compile_program,
    frame,
    status,
)


def cell(c: Controller, name: str, index: int | None = None, value: bytes | None = None) -> p4r.RegisterEntry:
    entry = p4r.RegisterEntry(register_id=c.id(name))
    if index is not None:
        entry.index.index = index
    if value is not None:
        entry.data.bitstring = value
    return entry


def values(c: Controller, name: str, index: int | None = None) -> list[bytes]:
    return [e.data.bitstring for e in c.read(register_entry=cell(c, name, index))]


def test_packets_and_controllers_see_the_same_cells(running: Running, c: Controller) -> None:
    c.modify(register_entry=cell(c, "small", 1, b"\x09"))
    running.switch.inject(1, frame(0x9999, src=0xABCDEF012345))
    assert values(c, "small", 1) == [b"\x0a"]
    assert values(c, "wide", 0) == [bytes.fromhex("ABCDEF012345")]
    assert values(c, "signed_cells", 0) == [b"\xfe"]
    assert values(c, "signed_cells", 1) == [b"\0"]
    assert values(c, "flags") == [b"\1", b"\0", b"\0", b"\0"]


def test_cells_of_every_width(c: Controller) -> None:
    c.modify(register_entry=cell(c, "wide", 3, b"\x12" * 10))
    c.modify(register_entry=cell(c, "signed_cells", 2, b"\xff\xff\xff\x80\x00"))
    assert values(c, "wide", 3) == [b"\x12" * 10]
    assert values(c, "signed_cells") == [b"\0", b"\0", b"\x80\x00", b"\0"]
    c.modify(register_entry=cell(c, "small", None, b"\x07"))  # no index: every cell
    assert set(values(c, "small")) == {b"\x07"} and len(values(c, "small")) == 1024
    everything = c.read(register_entry=p4r.RegisterEntry())
    assert len(everything) == 1024 + 4 + 4 + 4


def test_what_is_refused_of_registers(c: Controller) -> None:
    assert status(lambda: c.insert(register_entry=cell(c, "small", 0, b"\1"))) == "INVALID_ARGUMENT"
    assert status(lambda: c.delete(register_entry=cell(c, "small", 0, b"\1"))) == "INVALID_ARGUMENT"
    assert status(lambda: c.modify(register_entry=cell(c, "small", -1, b"\1"))) == "INVALID_ARGUMENT"
    assert status(lambda: c.modify(register_entry=cell(c, "small", 1024, b"\1"))) == "OUT_OF_RANGE"
    assert status(lambda: c.modify(register_entry=cell(c, "small", 0, b"\1\0"))) == "OUT_OF_RANGE"
    assert status(lambda: c.modify(register_entry=cell(c, "small", 0, b""))) == "OUT_OF_RANGE"
    assert status(lambda: c.modify(register_entry=cell(c, "signed_cells", 0, b"\0\x80\0"))) == "OUT_OF_RANGE"
    assert status(lambda: c.modify(register_entry=cell(c, "small", 0))) == "INVALID_ARGUMENT"
    wrong = p4r.RegisterEntry(register_id=c.id("small"), data=p4d.P4Data(bool=True))
    assert status(lambda: c.modify(register_entry=wrong)) == "INVALID_ARGUMENT"
    assert status(lambda: c.read(register_entry=cell(c, "small", 1024))) == "OUT_OF_RANGE"
    assert status(lambda: c.read(register_entry=p4r.RegisterEntry(register_id=77))) == "NOT_FOUND"


def test_counters(running: Running, c: Controller) -> None:
    running.switch.inject(1, frame(0x9999))
    running.switch.inject(1, frame(0x9999))
    entry = p4r.CounterEntry(counter_id=c.id("per_port"))
    entry.index.index = 1
    (read,) = c.read(counter_entry=entry)
    assert (read.data.packet_count, read.data.byte_count) == (2, 28)
    entry.data.packet_count = 10
    c.modify(counter_entry=entry)
    counts = [(e.index.index, e.data.packet_count) for e in c.read(counter_entry=p4r.CounterEntry())]
    assert counts == [(n, 10 if n == 1 else 0) for n in range(8)]
    entry.index.index = 8
    assert status(lambda: c.modify(counter_entry=entry)) == "OUT_OF_RANGE"
    entry.index.index = -1
    assert status(lambda: c.modify(counter_entry=entry)) == "INVALID_ARGUMENT"
    assert status(lambda: c.insert(counter_entry=entry)) == "INVALID_ARGUMENT"


def test_meters(c: Controller) -> None:
    entry = p4r.MeterEntry(meter_id=c.id("port_rate"))
    entry.index.index = 2
    entry.config.CopyFrom(p4r.MeterConfig(cir=100, cburst=10, pir=200, pburst=20))
    c.modify(meter_entry=entry)
    assert c.read(meter_entry=p4r.MeterEntry(meter_id=entry.meter_id, index=entry.index)) == [entry]
    all_cells = c.read(meter_entry=p4r.MeterEntry(meter_id=entry.meter_id))
    assert [e.HasField("config") for e in all_cells] == [n == 2 for n in range(8)]
    entry.config.eburst = 1
    assert status(lambda: c.modify(meter_entry=entry)) == "INVALID_ARGUMENT"
    entry.ClearField("config")
    c.modify(meter_entry=entry)  # back to green
    assert not any(e.HasField("config") for e in c.read(meter_entry=p4r.MeterEntry()))
    assert status(lambda: c.insert(meter_entry=entry)) == "INVALID_ARGUMENT"


# ---- the bulk service ----


def read_array(c: Controller, name: str, **more: int) -> bytes:
    request = bulk_pb2.ReadArrayRequest(name=name, **more)
    return b"".join(chunk.cells for chunk in c.bulk.ReadArray(request))


def test_arrays_are_listed(c: Controller) -> None:
    arrays = {a.name: a for a in c.bulk.ListArrays(bulk_pb2.ListArraysRequest(device_id=1)).arrays}
    wide = arrays["MyIngress.wide"]
    assert (wide.cells, wide.width_bits, wide.cell_bytes, wide.id) == (4, 80, 16, c.id("wide"))
    assert arrays["MyIngress.signed_cells"].is_signed
    assert arrays["MyIngress.per_port"].kind == bulk_pb2.COUNTER
    assert arrays["MyIngress.port_rate"].kind == bulk_pb2.METER


def test_whole_arrays_there_and_back(c: Controller) -> None:
    content = bytes(n % 251 for n in range(1024))
    assert c.write_array("small", content) == 1024
    assert read_array(c, "MyIngress.small") == content
    assert read_array(c, "small", start=1000, count=4) == content[1000:1004]
    assert values(c, "small", 5) == [b"\5"]
    wide = struct.pack("<QQ", 7, 0xFFFF) * 2
    c.write_array("wide", wide, start=1)
    assert values(c, "wide")[1] == (0xFFFF << 64 | 7).to_bytes(10, "big")
    assert read_array(c, "wide", start=1, count=2) == wide
    counts = struct.pack("<QQ", 3, 300)
    c.write_array("per_port", counts, kind=bulk_pb2.COUNTER, start=7)
    assert read_array(c, "per_port", kind=bulk_pb2.COUNTER, start=7) == counts
    meter = struct.pack("<5Q", 1, 1, 2, 3, 4)
    c.write_array("port_rate", meter, kind=bulk_pb2.METER)
    assert read_array(c, "port_rate", kind=bulk_pb2.METER, count=2) == meter + bytes(40)


def test_single_cells(c: Controller) -> None:
    indices = np.array([3, 1000, 3], dtype="<u8").tobytes()
    small = bulk_pb2.CellWrites(name="small", indices=indices, cells=bytes([1, 2, 3]))
    wide = bulk_pb2.CellWrites(name="wide", indices=struct.pack("<Q", 2), cells=struct.pack("<QQ", 9, 0))
    assert c.write_cells(small, wide) == 4
    assert (values(c, "small", 3), values(c, "small", 1000), values(c, "wide", 2)) == ([b"\3"], [b"\2"], [b"\x09"])


def test_a_snapshot_of_everything(running: Running, c: Controller) -> None:
    running.switch.inject(1, frame(0x9999, src=5))
    chunks = list(c.bulk.ReadAll(bulk_pb2.ReadAllRequest()))
    found = {(chunk.kind, chunk.name): chunk for chunk in chunks}
    assert len({chunk.snapshot_ns for chunk in chunks}) == 1
    assert found[bulk_pb2.REGISTER, "MyIngress.small"].cells[1] == 1
    assert found[bulk_pb2.REGISTER, "MyIngress.wide"].cells[0] == 5
    assert struct.unpack_from("<QQ", found[bulk_pb2.COUNTER, "MyIngress.per_port"].cells, 16) == (1, 14)
    some = list(c.bulk.ReadAll(bulk_pb2.ReadAllRequest(names=["small"])))
    assert [chunk.name for chunk in some] == ["MyIngress.small"]


def test_ranges_of_registers_come_singly_or_joined(c: Controller) -> None:
    c.write_array("small", bytes(range(200)))
    wide = struct.pack("<QQ", 7, 0) * 2
    c.write_array("wide", wide)
    places = [("small", 3, 2), ("small", 100, 1), ("wide", 0, 2), ("small", 7, 3), ("small", 1020, 0), ("small", 5, 2)]
    ranges = [bulk_pb2.CellRange(name=name, start=start, count=count) for name, start, count in places]
    singly = [(chunk.start, chunk.cells) for chunk in c.bulk.ReadAll(bulk_pb2.ReadAllRequest(ranges=ranges))]
    assert singly == [(3, b"\3\4"), (100, b"d"), (0, wide), (7, b"\7\b\t"), (1020, bytes(4)), (5, b"\5\6")]
    joined = list(c.bulk.ReadAll(bulk_pb2.ReadAllRequest(ranges=ranges, joined=True)))
    assert [(chunk.name.split(".")[1], chunk.start, chunk.cells) for chunk in joined] == [
        ("small", 3, b"\3\4d"),
        ("wide", 0, wide),
        ("small", 7, b"\7\b\t" + bytes(4) + b"\5\6"),
    ]
    refused = bulk_pb2.ReadAllRequest(
        ranges=[*ranges, bulk_pb2.CellRange(name="small", start=1024, count=1)], joined=True
    )
    assert status(lambda: list(c.bulk.ReadAll(refused))) == "OUT_OF_RANGE"


def test_a_joined_answer_is_cut_into_chunks(c: Controller) -> None:
    ranges = [bulk_pb2.CellRange(name="small")] * 1500  # 1.5 MiB
    joined = list(c.bulk.ReadAll(bulk_pb2.ReadAllRequest(ranges=ranges, joined=True)))
    assert [len(chunk.cells) for chunk in joined] == [1 << 20, 476 << 10]


def test_what_the_bulk_service_refuses(c: Controller) -> None:
    def write(name: str, cells: bytes, start: int = 0) -> str:
        return status(lambda: c.write_array(name, cells, start=start))

    def cells(name: str, indices: bytes, values: bytes) -> str:
        return status(lambda: c.write_cells(bulk_pb2.CellWrites(name=name, indices=indices, cells=values)))

    assert write("nothing", b"\0") == "NOT_FOUND"
    assert write("small", b"\0\0", start=1023) == "OUT_OF_RANGE"
    assert write("wide", b"\0" * 15) == "INVALID_ARGUMENT"
    assert write("wide", b"\xff" * 16) == "OUT_OF_RANGE"  # more than 80 bits
    assert write("flags", b"\2") == "OUT_OF_RANGE"
    assert cells("small", b"\0" * 7, b"\0") == "INVALID_ARGUMENT"
    assert cells("small", b"\0" * 8, b"\0\0") == "INVALID_ARGUMENT"
    assert cells("small", struct.pack("<Q", 1024), b"\0") == "OUT_OF_RANGE"
    assert status(lambda: list(c.bulk.ReadArray(bulk_pb2.ReadArrayRequest(name="small", start=1025)))) == "OUT_OF_RANGE"
    saved = bulk_pb2.ReadArrayRequest(name="small", pipeline=bulk_pb2.SAVED)
    assert status(lambda: list(c.bulk.ReadArray(saved))) == "FAILED_PRECONDITION"
    assert status(lambda: c.bulk.ListArrays(bulk_pb2.ListArraysRequest(device_id=2))) == "NOT_FOUND"


def test_both_programs_arrays_after_a_save(c: Controller) -> None:
    c.modify(register_entry=cell(c, "small", 0, b"\1"))
    c.set_config(Config.VERIFY_AND_SAVE, compile_program(EVERYTHING), EVERYTHING.read_bytes())
    c.write_array("small", b"\2", saved=True)
    assert read_array(c, "small", count=1) == b"\1"
    assert read_array(c, "small", count=1, pipeline=bulk_pb2.SAVED) == b"\2"
    assert values(c, "small", 0) == [b"\2"]  # P4Runtime means the saved program from here on
    c.set_config(Config.COMMIT)
    assert read_array(c, "small", count=1) == b"\2"


def test_statistics(running: Running, c: Controller) -> None:
    running.switch.inject(1, frame(0xD1D1))
    stats = c.bulk.GetStats(bulk_pb2.StatsRequest(device_id=1, reset=True, fence=c.fence()))
    assert stats.drops["ingress"] == 1
    assert [p.port for p in stats.ports] == [1, 2, 3, 4]
    assert c.bulk.GetStats(bulk_pb2.StatsRequest()).drops["ingress"] == 0
    with pytest.raises(grpc.RpcError):
        c.bulk.GetStats(bulk_pb2.StatsRequest(device_id=9))


def meter(*words: int) -> bytes:
    """A packed meter cell: mode (1: two rates, 2: one), cir, cburst, pir, pburst."""
    return struct.pack("<5Q", *words)


@pytest.mark.parametrize(
    "cells",
    [
        meter(1, 1 << 63, 1, 1 << 63, 1),
        meter(1, 1, 1, (1 << 64) - 1, 1),
        meter(1, 5, 1, 4, 1),  # the peak rate is below the committed one
        meter(2, 5, 1, 5, 1),  # one rate, where the program has two
        meter(2, 5, 1, 6, 1),
        meter(3, 1, 2, 3, 4),
        meter(0, 0, 0, 0, 4),
        meter(1, 1, 2, 3, 4) + meter(1, 1, 2, 3, 1 << 63),
        struct.pack("<5d", float("nan"), 1.0, 1.0, 1.0, 1.0),
    ],
)
def test_a_packed_meter_is_checked_like_a_message(c: Controller, cells: bytes) -> None:
    refused = status(lambda: c.write_array("port_rate", cells, kind=bulk_pb2.METER))
    assert refused in ("INVALID_ARGUMENT", "OUT_OF_RANGE")
    read = c.read(meter_entry=p4r.MeterEntry(meter_id=c.id("port_rate")))
    assert len(read) == 8 and not any(entry.HasField("config") for entry in read)


def test_a_packed_counter_is_checked_like_a_message(c: Controller) -> None:
    for words in ((1 << 63, 0), (0, (1 << 64) - 1)):
        cells = struct.pack("<4Q", 7, 7, *words)
        assert status(lambda cells=cells: c.write_array("per_port", cells, kind=bulk_pb2.COUNTER)) == "OUT_OF_RANGE"
    assert read_array(c, "per_port", kind=bulk_pb2.COUNTER) == bytes(8 * 16)
    largest = struct.pack("<2Q", (1 << 63) - 1, (1 << 63) - 1)
    c.write_array("per_port", largest, kind=bulk_pb2.COUNTER)
    (entry,) = c.read(counter_entry=p4r.CounterEntry(counter_id=c.id("per_port"), index={"index": 0}))
    assert entry.data.packet_count == entry.data.byte_count == (1 << 63) - 1
