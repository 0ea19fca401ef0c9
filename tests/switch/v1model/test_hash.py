"""hash, for every algorithm: base + H % max, with H from independent implementations and known answers."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softswitch.build.program import compile_text
from softswitch.dataplane.crcs import CrcParameters
from tests.switch.scene import Scene, program, scene

CHECK = b"123456789"  # what catalogues of checksums give their results for


def crc(data: bytes, width: int, polynomial: int, start: int, finish: int) -> int:
    """A reflected CRC, bit by bit, as a division of polynomials: most significant bit first on reversed bytes."""
    ones = (1 << width) - 1
    register = start
    for byte in data:
        for bit in range(8):  # least significant bit of each byte first
            top = register >> (width - 1) ^ (byte >> bit & 1)
            register = (register << 1 & ones) ^ (polynomial if top else 0)
    return int(f"{register:0{width}b}"[::-1], 2) ^ finish


def crc32(data: bytes) -> int:
    return crc(data, 32, 0x04C11DB7, 0xFFFFFFFF, 0xFFFFFFFF)


def crc16(data: bytes) -> int:
    return crc(data, 16, 0x8005, 0, 0)


def csum16(data: bytes) -> int:
    """RFC 1071: the complement of the ones' complement sum of 16-bit words."""
    words = data + bytes(len(data) % 2)
    total = sum(int.from_bytes(words[i : i + 2], "big") for i in range(0, len(words), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF ^ total


def xor16(data: bytes) -> int:
    words = data + bytes(len(data) % 2)
    total = 0
    for i in range(0, len(words), 2):
        total ^= int.from_bytes(words[i : i + 2], "big")
    return total


def identity(data: bytes) -> int:
    """The first eight bytes."""
    return int.from_bytes(data[:8], "big")


ALGORITHMS = {
    "crc32": crc32,
    "crc32_custom": crc32,  # the custom polynomials start as the standard ones
    "crc16": crc16,
    "crc16_custom": crc16,
    "csum16": csum16,
    "xor16": xor16,
    "identity": identity,
}


def test_the_definitions_above_give_the_known_answers() -> None:
    assert crc32(CHECK) == zlib.crc32(CHECK) == 0xCBF43926
    assert crc16(CHECK) == 0xBB3D
    assert csum16(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2  # the example of RFC 1071
    assert xor16(b"\x12\x34\x00\xff\x01") == 0x1234 ^ 0x00FF ^ 0x0100


def nine_bytes(algorithm: str) -> dict[str, str]:
    return {
        "fields": "bit<72> data; bit<64> base; bit<64> max; bit<64> result;",
        "ingress": f"hash(hdr.h.result, HashAlgorithm.{algorithm}, hdr.h.base, {{ hdr.h.data }}, hdr.h.max);",
    }


def hashed(s: Scene, data: bytes, base: int, limit: int) -> int:
    frame = data + base.to_bytes(8, "big") + limit.to_bytes(8, "big") + bytes(8)
    return int(s.out(frame)[-16:], 16)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_hash_of_the_check_string(algorithm: str) -> None:
    expected = ALGORITHMS[algorithm](CHECK)
    with scene(**nine_bytes(algorithm)) as s:
        assert hashed(s, CHECK, 0, (1 << 64) - 1) == expected
        assert hashed(s, CHECK, 1000, 77) == 1000 + expected % 77
        assert hashed(s, CHECK, 5, 0) == 5  # max 0: the base
        assert hashed(s, CHECK, 5, 1) == 5
        assert hashed(s, CHECK, (1 << 64) - 1, (1 << 64) - 1) == (expected - 1) % (1 << 64)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_any_data_base_and_limit(algorithm: str) -> None:
    with scene(**nine_bytes(algorithm)) as s:

        @settings(max_examples=100, deadline=None)
        @given(st.binary(min_size=9, max_size=9), st.integers(0, 1 << 40), st.integers(1, 1 << 63))
        def check(data: bytes, base: int, limit: int) -> None:
            assert hashed(s, data, base, limit) == base + ALGORITHMS[algorithm](data) % limit

        check()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_fields_that_are_no_whole_bytes_follow_each_other_bit_by_bit(algorithm: str) -> None:
    with scene(
        fields="bit<3> a; int<7> b; bit<1> c; bit<11> d; bit<2> spare; bit<64> result;",
        ingress=f"""
        hash(hdr.h.result, HashAlgorithm.{algorithm}, 64w0, {{ hdr.h.d, hdr.h.b, 4w9, hdr.h.c }},
             64w0xffffffffffffffff);
        """,
    ) as s:
        # d = 0b10101010111, b = 0b1000001 (negative), 9 = 0b1001, c = 1: 23 bits, filled up with a zero
        bits = "10101010111" + "1000001" + "1001" + "1" + "0"
        frame = int("010" + "1000001" + "1" + "10101010111" + "00", 2).to_bytes(3, "big") + bytes(8)
        assert int(s.out(frame)[-16:], 16) == ALGORITHMS[algorithm](int(bits, 2).to_bytes(3, "big"))


def test_the_result_is_cut_to_its_width_and_the_base_may_be_narrow() -> None:
    with scene(
        fields="bit<16> data; bit<8> base; bit<5> result; bit<3> spare;",
        ingress="hash(hdr.h.result, HashAlgorithm.identity, hdr.h.base, { hdr.h.data }, 17w65536);",
    ) as s:
        assert s.out("1234ff00") == "1234ff" + f"{(0x1234 + 0xFF) % 32 << 3:02x}"


def test_data_of_several_headers_structs_and_a_varbit() -> None:
    with scene(
        declarations="""
        header two_t { bit<16> v; }
        header var_t { bit<8> length; varbit<32> v; }
        struct pair_t { bit<8> x; bit<16> y; }
        """,
        headers="two_t gone; var_t var;",
        parser="""
        state start {
            packet.extract(hdr.h);
            packet.extract(hdr.var, 8 * (bit<32>)packet.lookahead<bit<8>>());
            transition accept;
        }
        """,
        ingress="""
        pair_t p = { hdr.h.a, 0xbeef };
        bit<32> value;
        hash(value, HashAlgorithm.crc32, 32w0, { p, hdr.gone.v, hdr.var.v, hdr.h.b }, 32w0xffffffff);
        hdr.gone.setValid(); hdr.gone.v = value[15:0]; hdr.h.c = value[31:24]; hdr.h.d = value[23:16];
        """,
    ) as s:

        def expect(varbit: str) -> str:
            data = bytes.fromhex("11beef" + varbit + "22")  # fields of an invalid header are left out
            value = f"{zlib.crc32(data) % 0xFFFFFFFF:08x}"
            return f"1122{value[:4]}{value[4:]}{len(varbit) // 2:02x}{varbit}"

        for varbit in ("", "aa", "aabbccdd"):
            assert s.out(f"11220000{len(varbit) // 2:02x}{varbit}") == expect(varbit)


def test_the_random_algorithm_stays_in_its_range() -> None:
    with scene(
        ingress="bit<8> r; hash(r, HashAlgorithm.random, 8w100, { hdr.h.a }, 8w10); hdr.h.b = r;",
    ) as s:
        values = {int(s.out("00000000")[2:4], 16) for _ in range(300)}
        assert values == set(range(100, 110))


def test_equal_data_has_equal_hashes_in_both_pipelines() -> None:
    call = "hash({}, HashAlgorithm.crc16, 16w0, {{ hdr.h.a, 8w7 }}, 16w0xffff);"
    with scene(
        fields="bit<8> a; bit<16> b; bit<16> c;", ingress=call.format("hdr.h.b"), egress=call.format("hdr.h.c")
    ) as s:
        value = format(crc16(bytes([0x2A, 7])) % 0xFFFF, "04x")
        assert s.out("2a00000000") == f"2a{value}{value}"


# ---- parameters that controllers set ----


def reversed_bits(value: int, width: int) -> int:
    return int(f"{value:0{width}b}"[::-1], 2)


def crc_of(data: bytes, width: int, given: CrcParameters) -> int:
    """Bit by bit, as a division of polynomials."""
    ones = (1 << width) - 1
    register = given.initial & ones
    for byte in data:
        byte = reversed_bits(byte, 8) if given.data_reflected else byte
        for bit in range(7, -1, -1):
            top = register >> (width - 1) ^ (byte >> bit & 1)
            register = (register << 1 & ones) ^ (given.polynomial & ones if top else 0)
    register = reversed_bits(register, width) if given.remainder_reflected else register
    return register ^ (given.final_xor & ones)


PARAMETERS = st.builds(
    CrcParameters, *[st.integers(0, (1 << 32) - 1)] * 3, data_reflected=st.booleans(), remainder_reflected=st.booleans()
)


@pytest.mark.parametrize(
    ("width", "parameters", "answer"),
    [
        (32, CrcParameters(0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, True, True), 0xE3069283),  # CRC-32C
        (32, CrcParameters(0x04C11DB7, 0xFFFFFFFF, 0xFFFFFFFF, False, False), 0xFC891918),  # CRC-32/BZIP2
        (16, CrcParameters(0x1021, 0xFFFF, 0, False, False), 0x29B1),  # CRC-16/CCITT-FALSE
    ],
)
def test_crcs_of_the_catalogues(width: int, parameters: CrcParameters, answer: int) -> None:
    with scene(**nine_bytes(f"crc{width}_custom")) as s:
        s.pipeline.crcs["calc"].set(parameters)
        assert hashed(s, CHECK, 0, (1 << 64) - 1) == answer == crc_of(CHECK, width, parameters)


@pytest.mark.parametrize("width", [16, 32])
def test_any_parameters(width: int) -> None:
    with scene(**nine_bytes(f"crc{width}_custom")) as s:
        standard = (0x8005, 0, 0) if width == 16 else (0x04C11DB7, 0xFFFFFFFF, 0xFFFFFFFF)
        assert s.pipeline.crcs["calc"].read() == CrcParameters(*standard, True, True)

        @settings(max_examples=60, deadline=None)
        @given(st.binary(min_size=9, max_size=9), PARAMETERS)
        def check(data: bytes, parameters: CrcParameters) -> None:
            s.pipeline.crcs["calc"].set(parameters)
            assert hashed(s, data, 0, (1 << 64) - 1) == crc_of(data, width, parameters)

        check()


def test_each_call_has_parameters_of_its_own() -> None:
    """They have p4c's names, which count all calls."""
    call = "hash(hdr.h.{}, HashAlgorithm.{}, 16w0, {{ hdr.h.a }}, 32w0xffffffff);"
    ways = (("x", "crc32_custom"), ("y", "crc16"), ("z", "crc16_custom"))
    ingress = " ".join(call.format(*way) for way in ways)
    with scene(fields="bit<8> a; bit<32> x; bit<16> y; bit<16> z;", ingress=ingress) as s:
        assert list(s.pipeline.crcs) == ["calc", "calc_1"]
        before = s.out("31" + "00" * 8)
        s.pipeline.crcs["calc_1"].set(CrcParameters(0x1021, 0xFFFF, 0, False, False))
        after = s.out("31" + "00" * 8)
        assert before[:14] == after[:14] and before[14:] != after[14:]


def test_parameters_stay_when_the_new_program_has_the_same_hashes() -> None:
    given = CrcParameters(0x1EDC6F41, 1, 2, True, False)
    with scene(**nine_bytes("crc32_custom")) as s:
        first = s.pipeline
        first.crcs["calc"].set(given)
        new = s.switch.load(compile_text(program(**nine_bytes("crc32_custom"), egress="std.priority = 1;")))
        s.switch.commit(new)
        assert new.crcs["calc"].read() == given
        own = CrcParameters(0x1021, 0, 0, False, False)
        first.crcs["calc"].set(own)
        s.switch.commit(first)
        assert first.crcs["calc"].read() == own  # it was set by itself
        other = s.switch.load(compile_text(program(**nine_bytes("crc16_custom"))))
        s.switch.commit(other)
        assert other.crcs["calc"].read() == CrcParameters(0x8005, 0, 0, True, True)
