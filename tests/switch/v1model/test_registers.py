"""Registers at odd widths and at indices that do not exist (v1model's `register`, read and write)."""

from __future__ import annotations

import pytest

from tests.switch.scene import Scene, scene

WIDTHS = (1, 7, 9, 33, 64, 65, 128)
CELLS = 5
READ, WRITE, ADD_ONE = 1, 2, 3


def body(width: int) -> int:
    """The bytes of a value on the wire."""
    return -(-width // 8)


def frame(operation: int, index: int, value: int, width: int) -> bytes:
    return bytes([operation]) + index.to_bytes(4, "big") + value.to_bytes(body(width), "big")


def value_of(sent: str) -> int:
    return int(sent[10:], 16)


def fields(width: int) -> str:
    spare = 8 * body(width) - width
    return f"bit<8> op; bit<32> index; {f'bit<{spare}> spare;' if spare else ''} bit<{width}> value;"


def parts(width: int) -> dict[str, str]:
    return {
        "fields": fields(width),
        "locals": f"register<bit<{width}>, bit<32>>({CELLS}) cells;",
        "ingress": f"""
            bit<{width}> found = 1;
            if (hdr.h.op == {READ}) {{ cells.read(hdr.h.value, hdr.h.index); }}
            if (hdr.h.op == {WRITE}) {{ cells.write(hdr.h.index, hdr.h.value); }}
            if (hdr.h.op == {ADD_ONE}) {{
                cells.read(found, hdr.h.index);
                found = found + 1;
                cells.write(hdr.h.index, found);
                hdr.h.value = found;
            }}
        """,
    }


def stored(s: Scene) -> list[int]:
    return [s.pipeline.registers["TestIngress.cells"].read_cell(i) for i in range(CELLS)]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_cell_holds_every_value_of_its_width(width: int) -> None:
    ones = (1 << width) - 1
    checkered = int("5" * 40, 16) & ones
    with scene(**parts(width)) as s:
        for index, value in ((0, ones), (CELLS - 1, checkered)):
            s.out(frame(WRITE, index, value, width))
            assert value_of(s.out(frame(READ, index, 0, width))) == value
        assert stored(s) == [ones, 0, 0, 0, checkered]


@pytest.mark.parametrize("width", WIDTHS)
def test_arithmetic_on_a_cell_wraps_at_its_width(width: int) -> None:
    ones = (1 << width) - 1
    with scene(**parts(width)) as s:
        s.pipeline.registers["TestIngress.cells"].write_cell(2, ones)
        assert value_of(s.out(frame(ADD_ONE, 2, 0, width))) == 0
        assert value_of(s.out(frame(ADD_ONE, 2, 0, width))) == 1
        assert stored(s) == [0, 0, 1, 0, 0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("index", [CELLS, 255, 1 << 31, (1 << 32) - 1])
def test_an_index_out_of_range_writes_nothing_and_reads_zero(width: int, index: int) -> None:
    """v1model leaves the result of such a read undefined; here it is 0."""
    ones = (1 << width) - 1
    with scene(**parts(width)) as s:
        register = s.pipeline.registers["TestIngress.cells"]
        for i in range(CELLS):
            register.write_cell(i, ones)
        s.out(frame(WRITE, index, 0, width))
        assert stored(s) == [ones] * CELLS
        assert value_of(s.out(frame(READ, index, ones, width))) == 0
        assert value_of(s.out(frame(ADD_ONE, index, 0, width))) == 1
        assert stored(s) == [ones] * CELLS


def test_signed_cells_keep_their_sign() -> None:
    with scene(
        fields="int<16> a; int<16> b;",
        locals="register<int<5>, bit<32>>(2) cells;",
        ingress="cells.write(1, (int<5>)hdr.h.a); int<5> back; cells.read(back, 1); hdr.h.b = (int<16>)back;",
    ) as s:
        assert s.out("fff00000") == "fff0fff0"
        assert s.out("000f0000") == "000f000f"
        assert s.out("00100000") == "0010fff0"  # 16 does not fit five signed bits


def test_an_index_wider_and_narrower_than_32_bits() -> None:
    with scene(
        fields="bit<48> wide; bit<3> narrow; bit<5> spare;",
        locals="""
        register<bit<8>, bit<48>>(4) far;
        register<bit<8>, bit<3>>(4) near;
        """,
        ingress="far.write(hdr.h.wide, 7); near.write(hdr.h.narrow, 9);",
    ) as s:
        far, near = s.pipeline.registers["TestIngress.far"], s.pipeline.registers["TestIngress.near"]
        s.out("00000000000140")
        assert (far.read().tolist(), near.read().tolist()) == ([0, 7, 0, 0], [0, 0, 9, 0])
        s.out("000100000002e0")  # 2 in the low 32 bits is not 2
        assert (far.read().tolist(), near.read().tolist()) == ([0, 7, 0, 0], [0, 0, 9, 0])


def test_a_packet_sees_its_own_writes() -> None:
    with scene(
        locals="register<bit<8>, bit<32>>(2) first;",
        ingress="""
        bit<8> seen;
        first.write(0, hdr.h.a);
        first.read(seen, 0);
        first.write(0, seen + 1);
        first.read(hdr.h.b, 0);
        first.read(hdr.h.c, 1);
        """,
    ) as s:
        assert s.out("05000000") == "05060000"
        s.pipeline.registers["TestIngress.first"].write_cell(1, 0x44)
        assert s.out("07000000") == "07084400"


def test_a_register_of_the_whole_program_is_one_array_for_both_pipelines() -> None:
    with scene(
        declarations="register<bit<16>, bit<32>>(3) shared;",
        ingress="shared.write((bit<32>)hdr.h.a, hdr.h.b ++ hdr.h.c);",
        egress="bit<16> got; shared.read(got, (bit<32>)hdr.h.a); hdr.h.b = got[7:0]; hdr.h.c = got[15:8];",
    ) as s:
        assert s.out("02123400") == "02341200"
        assert s.pipeline.registers["shared"].read().tolist() == [0, 0, 0x1234]


def test_registers_start_at_zero_and_keep_their_values_between_packets() -> None:
    with scene(
        locals="register<bit<32>, bit<32>>(1) packets;",
        ingress="bit<32> n; packets.read(n, 0); packets.write(0, n + 1); hdr.h.d = (bit<8>)n;",
    ) as s:
        assert [s.out("00000000")[-2:] for _ in range(4)] == ["00", "01", "02", "03"]
        s.pipeline.reset_state()
        assert s.out("00000000")[-2:] == "00"
